"""Tasks generated offline by reasoning-gym (Apache-2.0), by the generator's name.

Its scorers are not taken at their word. Only a score of exactly 1 counts, as many give part credit
to dumps; whole numbers are compared by our own rule; and generators whose scorer can be fooled,
stalled, or made to execute the answer are left out, each for the reason that `EXCLUDED` gives.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import difflib
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

from metasearch.domains.answers import read, unreadable
from metasearch.domains.base import TaskSet
from metasearch.domains.questions import task_id
from metasearch.domains.scorers import number
from metasearch.domains.splits import check_sizes, in_turn
from metasearch.errors import ConfigError
from metasearch.types import Json, Outcome, Score, Split, Task

__all__ = ["EXCLUDED", "SIZES", "Scored", "load", "names"]

SIZES: Mapping[Split, int] = {Split.TRAIN: 40, Split.VALIDATION: 60, Split.TEST: 100}

_RUNS_ANSWERS = "its scorer executes the answer as code"
_NO_GOLD = "it stores no right answer to check its scorer with"
EXCLUDED: Mapping[str, str] = {
    **dict.fromkeys(("boxnet", "graph_color", "propositional_logic"), _NO_GOLD),
    **dict.fromkeys(("rubiks_cube", "rush_hour"), _NO_GOLD),
    **dict.fromkeys(("simple_integration", "intermediate_integration"), _RUNS_ANSWERS),
    **dict.fromkeys(("polynomial_multiplication", "countdown", "puzzle24"), _RUNS_ANSWERS),
    "codeio": "it gives other tasks each time",
    "coin_flip": "its scorer is busy for hours with an answer such as 1e999999999",
    "complex_arithmetic": "its scorer takes 'nan' for right",
    "composite": "name its parts instead",
    "game_of_life_halting": "its scorer takes any answer for right",
}
"""Generators that are refused, and why (reasoning-gym 0.1.25)."""

_EQUAL_ONLY = frozenset({"binary_matrix", "spiral_matrix", "string_insertion"})
_LISTED_ONLY = frozenset({"n_queens"})
_CLEARED = frozenset({"number_sorting"})  # evaluates its own stored answer only
_EXECUTES = frozenset({"eval", "exec", "compile", "parse_expr", "sympify"})
_SPARE_DRAWS = 20  # draws per task wanted, before a generator counts as exhausted
_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Scored:
    """The scorer: 1.0 for what the generator accepts without reserve, else 0.0.

    Attributes:
        sources: a generator's dataset by its name; anything with `score_answer(answer, entry)`.
        entries: what the generator made of each task, by the task's id.
    """

    sources: Mapping[str, Any]
    entries: Mapping[str, Mapping[str, Any]]

    def __call__(self, task: Task, answer: Json) -> Score:
        """Score one answer; pure, never raises."""
        if task.answer_type == "int":
            return number(task, answer)
        text = read(answer, gold=task.gold)
        if isinstance(text, Score):
            return text
        if task.id not in self.entries:
            return unreadable("not a task of this domain")
        return Score(1.0 if self._accepts(task.kind, text, self.entries[task.id]) else 0.0)

    def _accepts(self, name: str, text: str, entry: Mapping[str, Any]) -> bool:
        if name in _EQUAL_ONLY:
            return bool(text == str(entry["answer"]).strip())
        if name in _LISTED_ONLY:
            return text in [str(board).strip() for board in entry["metadata"]["valid_answers"]]
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # some scorers print
                return bool(self.sources[name].score_answer(text, copy.deepcopy(entry)) == 1.0)
        # Their scorers raise whatever they like at an answer they cannot read: then it is wrong.
        except Exception:  # noqa: BLE001
            return False


def names() -> list[str]:
    """Return the generators that may be named, sorted.

    Raises:
        ConfigError: reasoning-gym is not installed.
    """
    return sorted(name for name in _gym().factory.DATASETS if name not in EXCLUDED)


def load(
    argument: str,
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    options: Mapping[str, Json] | None = None,
) -> TaskSet:
    """Return tasks of the named generators, in equal parts, in turn.

    Args:
        argument: names of generators, separated by commas.
        sizes: tasks a split; 40, 60 and 100 by default.
        seed: each split draws from a stream of its own; questions drawn before are dropped.
        options: settings that every named generator knows, `max_terms` of chain_sum say.

    Raises:
        ConfigError: reasoning-gym is not installed; a name or an option is unknown or refused;
            there are too few different questions.
    """
    gym = _gym()
    kinds = _kinds(argument, gym)
    wanted = {**SIZES, **check_sizes(sizes)}
    sources: dict[str, Any] = {}
    entries: dict[str, Mapping[str, Any]] = {}
    rows: dict[str, dict[Split, list[Task]]] = {}
    for place, name in enumerate(kinds):
        settings = _settings(name, options or {}, gym)
        counts = {split: len(range(place, size, len(kinds))) for split, size in wanted.items()}
        drawn: dict[Split, list[str]] = {}
        # Test first: then neither of the other sizes changes what is in it.
        for split in (Split.TEST, Split.VALIDATION, Split.TRAIN):
            source = _source(gym, name, _stream(name, split, seed), counts[split], settings)
            drawn[split] = _draw(name, source, counts[split], entries)
            sources[name] = source
        rows[name] = _tasks(name, drawn, entries)
    splits = {
        split: in_turn([rows[name][split] for name in kinds], wanted[split]) for split in Split
    }
    return _task_set(kinds, splits, Scored(sources, entries))


def _gym() -> Any:
    """Import reasoning-gym; it takes a second or two, so nobody else does."""
    try:
        import reasoning_gym
    except ImportError as error:
        raise ConfigError(
            f"reasoning tasks need reasoning-gym ({error}); pip install 'metasearch[tasks]'"
        ) from error
    return reasoning_gym


def _kinds(argument: str, gym: Any) -> tuple[str, ...]:
    """Return the generators named, each known and allowed."""
    known = gym.factory.DATASETS
    kinds = tuple(dict.fromkeys(name.strip() for name in argument.split(",") if name.strip()))
    if not kinds:
        some = ", ".join(sorted(set(known) - set(EXCLUDED))[:6])
        raise ConfigError(f"reasoning needs the name of a generator, as in reasoning:{some}, ...")
    for name in kinds:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "see reasoning-gym's gallery"
            raise ConfigError(f"reasoning has no generator {name!r}; {hint}")
        reason = EXCLUDED.get(name) or _executes(name, known[name][0])
        if reason:
            raise ConfigError(f"reasoning:{name} is left out: {reason}; choose another generator")
    return kinds


def _executes(name: str, dataset: Any) -> str:
    """Return why a generator that is not in the lists above is refused, "" if it is not."""
    if name in _EQUAL_ONLY | _LISTED_ONLY | _CLEARED:
        return ""
    used = set(_global_names(dataset.score_answer.__code__))
    return _RUNS_ANSWERS if used & _EXECUTES else ""


def _global_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _settings(name: str, options: Mapping[str, Json], gym: Any) -> dict[str, Json]:
    """Return the options as the generator's settings; texts are read as JSON where they are."""
    fields = {field.name for field in dataclasses.fields(gym.factory.DATASETS[name][1])}
    fields -= {"seed", "size"}
    for option in options:
        if option not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise ConfigError(f"reasoning:{name} has no option {option!r}; there are {known}")
    return {option: _value(value) for option, value in options.items()}


def _value(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _stream(name: str, split: Split, seed: int) -> int:
    """Return the generator's seed, far from all others: item i of seed s is item 0 of s + i."""
    text = f"{seed}/{name}/{split}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 2


def _source(gym: Any, name: str, seed: int, count: int, settings: Mapping[str, Json]) -> Any:
    size = max(1, count * _SPARE_DRAWS)
    try:
        return gym.create_dataset(name, seed=seed, size=size, **settings)
    # Settings are checked by assertions, by ValueErrors, and by what happens to fail.
    except Exception as error:
        words = str(error) or type(error).__name__
        raise ConfigError(f"reasoning:{name} refuses these options: {words}; mend them") from error


def _draw(name: str, source: Any, count: int, entries: dict[str, Mapping[str, Any]]) -> list[str]:
    """Draw `count` questions that are not in `entries` yet, add them there, return their ids."""
    ids: list[str] = []
    for index in range(count * _SPARE_DRAWS):
        if len(ids) == count:
            break
        with contextlib.redirect_stdout(io.StringIO()):  # some generators print
            entry = source[index]
        question = task_id(entry["question"])
        if question not in entries and entry["answer"] is not None:
            entries[question] = entry
            ids.append(question)
    if len(ids) < count:
        raise ConfigError(
            f"reasoning:{name} gives too few different questions ({len(ids)} of {count} more);"
            " ask for smaller splits or make it harder by its options"
        )
    return ids


def _tasks(
    name: str, drawn: Mapping[Split, Sequence[str]], entries: Mapping[str, Mapping[str, Any]]
) -> dict[Split, list[Task]]:
    """Return the tasks of one generator; their answers are whole numbers if all golds are."""
    golds = {key: str(entries[key]["answer"]).strip() for ids in drawn.values() for key in ids}
    whole = all(_WHOLE.fullmatch(gold) for gold in golds.values())
    return {
        split: [
            Task(
                id=key,
                prompt=entries[key]["question"],
                gold=int(golds[key]) if whole else golds[key],
                answer_type="int" if whole else "str",
                kind=name,
            )
            for key in ids
        ]
        for split, ids in drawn.items()
    }


def _task_set(
    kinds: Sequence[str], splits: Mapping[Split, tuple[Task, ...]], scorer: Scored
) -> TaskSet:
    """Return the domain, once every right answer is seen to score 1."""
    for task in (task for tasks in splits.values() for task in tasks):
        if scorer(task, task.gold)[:2] != (1.0, Outcome.ANSWERED):
            raise ConfigError(
                f"reasoning:{task.kind} refuses its own answer to task {task.id}; leave it out"
            )
    domain = TaskSet(f"reasoning:{','.join(kinds)}", "", splits, scorer)
    return dataclasses.replace(domain, description=_description(kinds, domain))


def _description(kinds: Sequence[str], domain: TaskSet) -> str:
    types = {task.answer_type for tasks in domain.splits.values() for task in tasks}
    answers = {"int": "a whole number", "str": "a text in the form that the question asks for"}
    form = " or ".join(answers[kind] for kind in ("int", "str") if kind in types)
    several = " in equal parts and mixed" if len(kinds) > 1 else ""
    return (
        f"Reasoning puzzles generated by reasoning-gym ({', '.join(kinds)}){several}."
        f" An answer is {form}, with nothing around it."
        " It scores 1 if it is right and 0 otherwise; there is no part credit."
        f" Always giving one and the same answer would be right on {domain.floor():.0%}."
    )
