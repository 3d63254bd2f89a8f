"""The domain that needs nothing: ten kinds of short questions, generated from a seed.

No single way of answering is best on all ten: programs win on sums, chains of thought on words, and
direct answers on reviews. So a search has something to find, with a small model and in minutes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from metasearch.domains.base import TaskSet
from metasearch.domains.questions import task_id
from metasearch.domains.scorers import choice, exact, number
from metasearch.domains.splits import check_sizes, in_turn
from metasearch.domains.starter.arithmetic import arith, chain3, chain5, shop
from metasearch.domains.starter.draft import Maker
from metasearch.domains.starter.lists import countif, sortnum
from metasearch.domains.starter.sentiment import sentiment
from metasearch.domains.starter.spelling import lastletters, letters
from metasearch.domains.starter.syllogism import syllogism
from metasearch.errors import ConfigError
from metasearch.types import Json, Score, Split, Task

__all__ = ["KINDS", "SIZES", "load"]

KINDS: Mapping[str, Maker] = {
    "shop": shop,
    "chain3": chain3,
    "chain5": chain5,
    "arith": arith,
    "countif": countif,
    "lastletters": lastletters,
    "sortnum": sortnum,
    "letters": letters,
    "syllogism": syllogism,
    "sentiment": sentiment,
}
"""The kinds in the order in which every split cycles through them."""

SIZES: Mapping[Split, int] = {Split.TRAIN: 40, Split.VALIDATION: 60, Split.TEST: 100}

_MEANINGS = {
    "shop": "shopping sums in words, of two or three steps",
    "chain3": "sums of three numbers",
    "chain5": "sums of five numbers",
    "arith": "sums with products and parentheses",
    "countif": "how many numbers of a list exceed a bound",
    "lastletters": "joining the last letters of three words",
    "sortnum": "which of five numbers has a given rank",
    "letters": "how often a letter occurs",
    "syllogism": "whether a conclusion follows from two premises",
    "sentiment": "whether a mixed review is positive in the end",
}
_HOMES = {Split.TRAIN: range(2), Split.VALIDATION: range(2, 5), Split.TEST: range(5, 10)}
_TRIES = 2_000  # draws without a new question before a kind counts as exhausted


def load(
    argument: str = "",
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    options: Mapping[str, Json] | None = None,
) -> TaskSet:
    """Return the mixture.

    A question's own hash says which split it may be in, so the splits are disjoint whatever the
    seeds and sizes, and a larger split begins with the smaller one.

    Args:
        argument: the kinds to take, separated by commas; all ten by default.
        sizes: tasks a split; 40, 60 and 100 by default. Task i is of kind i modulo their number.
        seed: another seed gives other questions.
        options: none are known.

    Raises:
        ConfigError: an unknown kind or option, or more tasks than there are questions.
    """
    kinds = _kinds(argument)
    if options:
        raise ConfigError(f"starter has no option {', '.join(map(repr, options))}; leave it out")
    wanted = {**SIZES, **check_sizes(sizes)}
    return TaskSet(
        name="starter" + (f":{','.join(kinds)}" if argument.strip() else ""),
        description=_description(kinds),
        splits={split: _split(split, kinds, wanted[split], seed) for split in Split},
        scorer=score,
    )


def score(task: Task, answer: Json) -> Score:
    """Score by the kind of answer: a number, one of the choices, or a text."""
    if isinstance(task.answer_type, tuple):
        return choice(task, answer)
    return exact(task, answer) if task.answer_type == "str" else number(task, answer)


def _kinds(argument: str) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(kind.strip() for kind in argument.split(",") if kind.strip()))
    unknown = [kind for kind in asked if kind not in KINDS]
    if unknown:
        raise ConfigError(f"starter has no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    return asked or tuple(KINDS)


def _split(split: Split, kinds: tuple[str, ...], size: int, seed: int) -> tuple[Task, ...]:
    """Return `size` tasks that cycle through the kinds."""
    counts = {kind: len(range(place, size, len(kinds))) for place, kind in enumerate(kinds)}
    return in_turn([_draw(kind, split, count, seed) for kind, count in counts.items()], size)


def _draw(kind: str, split: Split, count: int, seed: int) -> list[Task]:
    """Return `count` different tasks of one kind whose hash is at home in the split."""
    rng = random.Random(f"{seed}/{kind}/{split}")
    tasks: dict[str, Task] = {}
    tries = 0
    while len(tasks) < count:
        draft = KINDS[kind](rng, len(tasks))
        name = task_id(draft.prompt)
        tries += 1
        if name not in tasks and int(name[1:], 16) % 10 in _HOMES[split]:
            tasks[name] = Task(name, draft.prompt, draft.gold, draft.answer_type, kind)
            tries = 0
        elif tries > _TRIES:
            raise ConfigError(
                f"starter finds only {len(tasks)} different {kind} questions for {split},"
                f" {count} are needed; ask for a smaller split"
            )
    return list(tasks.values())


def _description(kinds: tuple[str, ...]) -> str:
    meanings = "; ".join(f"{kind}: {_MEANINGS[kind]}" for kind in kinds)
    return (
        f"Short questions in English of {len(kinds)} kind{'s' if len(kinds) > 1 else ''}, in equal"
        f" parts and mixed; a design is not told the kind. They are {meanings}."
        " An answer is a whole number, a short text, or one of two allowed words, as the task's"
        " answer_type says. It scores 1 if it is right and 0 otherwise."
        " No single way of answering is best on all kinds."
    )
