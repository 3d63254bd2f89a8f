"""A user's examples, checked, typed, dealt out to splits and given a scorer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from metasearch.domains.answers import printed
from metasearch.domains.base import Scorer, TaskSet
from metasearch.domains.choices import same_option
from metasearch.domains.own_code import OwnScorer, check_scorer, open_module, own_scorer
from metasearch.domains.questions import folded, task_id
from metasearch.domains.scorers import SCORERS, scorer
from metasearch.domains.splits import CAPS, FEWEST, split_tasks, too_few
from metasearch.errors import ConfigError
from metasearch.types import Json, Split, Task

__all__ = ["Origin", "Row", "build"]

_ALIASES = {
    **dict.fromkeys(("train", "training"), Split.TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), Split.VALIDATION),
    **dict.fromkeys(("test", "testing"), Split.TEST),
}
_COLUMNS = ("input", "answer", "split", "kind")
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?")
_MOST_CHOICES = 10
_LONGEST_CHOICE = 40  # characters
_REPEATS = 3  # a choice comes so often on average, else the answers are texts of their own
_FEW = 30  # validation tasks; below it only gross differences can be told apart


class Row(NamedTuple):
    """One example as it was read.

    Attributes:
        where: "tasks.jsonl:17", for messages.
        values: by column, names in lower case.
    """

    where: str
    values: Mapping[str, Json]


class Origin(NamedTuple):
    """Where the examples come from and what came with them.

    Attributes:
        path: the file.
        description: the user's own words about the tasks, "" for ours.
        scorer: the scorer that the file itself defines.
    """

    path: Path
    description: str = ""
    scorer: OwnScorer | None = None


class _Example(NamedTuple):
    where: str
    prompt: str
    gold: Json
    split: Split | None
    kind: str


class _Rule(NamedTuple):
    """How answers are scored: a scorer's name ("own" for the user's function) and why that one."""

    name: str
    why: str
    own: OwnScorer | None = None


def build(
    rows: Iterable[Row],
    origin: Origin,
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    wanted_scorer: str | None = None,
) -> TaskSet:
    """Return the domain of these examples.

    Args:
        rows: with `input` and `answer`, and, if at all then everywhere, `split`; `kind` at will.
        origin: the file that they are from.
        sizes: tasks wanted for a split.
        seed: decides how tasks without a split are dealt out.
        wanted_scorer: a name out of `SCORERS`, FILE.py, or None for the file's own or a guess.

    Raises:
        ConfigError: in one line the file, the line, what is wrong, and how to mend it.
    """
    table = list(rows)
    examples = [_example(row) for row in table]
    if not examples:
        raise ConfigError(f"{origin.path.name}: no examples in it; write one a line")
    rule = _rule(wanted_scorer, origin, [example.gold for example in examples])
    tasks = _tasks(examples, rule)
    score = rule.own or scorer(rule.name, tasks)
    _check_golds(examples, tasks, score)
    splits = _splits(examples, tasks, sizes, seed, origin.path.name)
    return TaskSet(
        name=origin.path.stem,
        description=_description(tasks, rule, origin),
        splits=splits,
        scorer=score,
        notes=tuple(_notes(table, examples, rule, splits)),
    )


def _example(row: Row) -> _Example:
    values, where = row.values, row.where
    for column in ("input", "answer"):
        if column not in values:
            there = ", ".join(values) or "none"
            raise ConfigError(
                f"{where}: no column {column!r}; there are {there}; name the question's column"
                " 'input' and the right answer's 'answer'"
            )
    prompt, gold = values["input"], values["answer"]
    if not isinstance(prompt, str) or not prompt.strip():
        raise ConfigError(
            f"{where}: 'input' is {_short(prompt)}; it must be a text with a question"
        )
    if not printed(gold).strip():
        raise ConfigError(f"{where}: 'answer' is {_short(gold)}; give the right answer")
    return _Example(where, prompt, gold, _split(row), printed(values.get("kind")).strip())


def _split(row: Row) -> Split | None:
    value = printed(row.values.get("split")).strip()
    if not value:
        return None
    if value.lower() not in _ALIASES:
        known = ", ".join(_ALIASES)
        raise ConfigError(f"{row.where}: split {value!r} is unknown; it is one of {known}")
    return _ALIASES[value.lower()]


def _rule(wanted: str | None, origin: Origin, golds: list[Json]) -> _Rule:
    if wanted is None and origin.scorer is not None:
        return _Rule("own", "the file defines score", origin.scorer)
    if wanted is None:
        return _guess(golds)
    if wanted.lower().endswith(".py"):
        path = Path(wanted)
        return _Rule("own", "asked for", own_scorer(path, open_module(path)))
    if wanted not in SCORERS:
        near = difflib.get_close_matches(wanted, SCORERS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"no scorer is named {wanted!r}; {hint}there are {', '.join(SCORERS)}, or FILE.py"
        )
    return _Rule(wanted, "asked for")


def _guess(golds: list[Json]) -> _Rule:
    texts = {folded(gold) for gold in golds if isinstance(gold, str)}
    if all(_is_numeric(gold) for gold in golds):
        return _Rule("number", "guessed, since every answer is a number")
    few = 2 <= len(texts) <= _MOST_CHOICES and len(golds) >= _REPEATS * len(texts)
    if few and all(isinstance(gold, str) and len(gold) <= _LONGEST_CHOICE for gold in golds):
        return _Rule("choice", f"guessed, since there are only {len(texts)} different answers")
    return _Rule("exact", "guessed, since the answers are texts of many kinds")


def _is_numeric(gold: Json) -> bool:
    if isinstance(gold, str):
        return _NUMBER.fullmatch(gold.strip()) is not None
    return isinstance(gold, int | float) and not isinstance(gold, bool)


def _tasks(examples: Sequence[_Example], rule: _Rule) -> list[Task]:
    """Return one task an example, in order; no question may be there twice."""
    kind_of_answer = _answer_type([example.gold for example in examples], rule.name)
    first: dict[str, _Example] = {}
    tasks = []
    for example in examples:
        name = task_id(example.prompt)
        if name in first:
            raise ConfigError(_twice(example, first[name]))
        first[name] = example
        gold, extra = _references(example.gold) if rule.name == "f1" else (example.gold, None)
        tasks.append(Task(name, example.prompt, gold, kind_of_answer, example.kind, extra))
    return tasks


def _twice(example: _Example, earlier: _Example) -> str:
    """Say what is wrong with the same question in two places."""
    line = earlier.where.rpartition(":")[2].strip()
    if example.split is not earlier.split:
        which = f"in {example.split or 'no split'} here and in {earlier.split or 'no split'} there"
    else:
        which = "with the same answer" if example.gold == earlier.gold else "with another answer"
    number = f"line {line}" if line.isdigit() else line
    return f"{example.where}: the same question as {number}, {which}; keep one of the two"


def _answer_type(golds: list[Json], rule: str) -> str | tuple[str, ...]:
    if rule == "choice":
        options = {folded(printed(gold)): printed(gold).strip() for gold in reversed(golds)}
        return tuple(options[key] for key in sorted(options))
    whole = all(_is_numeric(gold) and float(printed(gold).replace(",", "")).is_integer()
                for gold in golds)  # fmt: skip
    if rule == "number":
        return "int" if whole else "float"
    if rule in ("contains", "f1") or not all(isinstance(gold, int | float) for gold in golds):
        return "str"
    bools = [isinstance(gold, bool) for gold in golds]
    if any(bools):
        return "bool" if all(bools) else "str"
    return "int" if whole else "float"


def _references(gold: Json) -> tuple[Json, Json]:
    """Return the first of several references that "|" separates, and all of them for the scorer."""
    parts = [part.strip() for part in gold.split("|")] if isinstance(gold, str) else []
    parts = [part for part in parts if part]
    return (parts[0], {"references": parts}) if len(parts) > 1 else (gold, None)


def _check_golds(examples: Sequence[_Example], tasks: Sequence[Task], score: Scorer) -> None:
    """Check that the right answers can be right, and that no one answer is right everywhere."""
    golds = {folded(printed(task.gold)) for task in tasks}
    if len(tasks) >= FEWEST and len(golds) == 1 and not isinstance(score, OwnScorer):
        raise ConfigError(
            f"{examples[0].where}: all {len(tasks)} answers are {_short(tasks[0].gold)}, so that a "
            "design that always says so scores 1; add examples with other answers"
        )
    if isinstance(score, OwnScorer):
        check_scorer(score, tasks)
        return
    for example, task in zip(examples, tasks, strict=True):
        if isinstance(task.answer_type, tuple):
            clash = [other for other in task.answer_type if same_option(other, printed(task.gold))]
            if len(clash) > 1:
                names = " and ".join(map(repr, clash))
                raise ConfigError(f"{example.where}: the choices {names} read alike; make them one")
        verdict = score(task, task.gold)
        if verdict.value < 1.0:
            why = f" ({verdict.detail})" if verdict.detail else ""
            raise ConfigError(
                f"{example.where}: the answer {_short(task.gold)} cannot be scored{why};"
                " mend it or choose another scorer"
            )


def _splits(
    examples: Sequence[_Example],
    tasks: Sequence[Task],
    sizes: Mapping[Split, int] | None,
    seed: int,
    source: str,
) -> dict[Split, tuple[Task, ...]]:
    """Keep the user's own splits; take what is missing from train, else from validation."""
    pools: dict[Split, list[Task]] = {}
    for example, task in zip(examples, tasks, strict=True):
        if example.split is not None:
            pools.setdefault(example.split, []).append(task)
    if not pools:
        return split_tasks(tasks, sizes, seed=seed, source=source)
    unmarked = [example.where for example in examples if example.split is None]
    if unmarked:
        raise ConfigError(f"{unmarked[0]}: no split, but other lines have one; mark all or none")
    donor = Split.TRAIN if Split.TRAIN in pools else Split.VALIDATION
    if donor not in pools:
        raise ConfigError(f"{source}: only test tasks; mark some as train, or leave 'split' out")
    dealt: dict[Split, tuple[Task, ...]] = {}
    for split, pool in pools.items():
        into = [
            other for other in Split if other is split or (split is donor and other not in pools)
        ]
        name = f"{source}, split {split}"
        dealt |= split_tasks(pool, sizes, seed=seed, source=name, into=into)
    return dealt


def _notes(
    table: Sequence[Row],
    examples: Sequence[_Example],
    rule: _Rule,
    splits: Mapping[Split, Sequence[Task]],
) -> Iterable[str]:
    """Say what was decided for the user."""
    if rule.why != "asked for":
        yield f"scorer {rule.name}: {rule.why}; --scorer chooses another"
    ignored = sorted({column for row in table for column in row.values} - set(_COLUMNS))
    if ignored:
        yield f"columns that are not read: {', '.join(ignored)}"
    marked = {example.split for example in examples} - {None}
    if marked:
        yield from (f"no {split} in the file: taken from others" for split in Split
                    if split not in marked)  # fmt: skip
    used = sum(map(len, splits.values()))
    if used < len(examples):
        caps = ", ".join(f"{split} {len(splits[split])}" for split in CAPS)
        yield f"{used} of {len(examples)} examples are used ({caps}); ask for sizes to use more"
    if few := too_few({split: len(tasks) for split, tasks in splits.items()}):
        yield few
    elif len(splits[Split.VALIDATION]) < _FEW:
        yield (
            f"validation has only {len(splits[Split.VALIDATION])} tasks: small differences between"
            " designs cannot be told from luck"
        )


def _description(tasks: Sequence[Task], rule: _Rule, origin: Origin) -> str:
    kinds = sorted({task.kind for task in tasks} - {""})
    opening = origin.description.strip() or f"Tasks from the user's file {origin.path.name}."
    sentences = [opening if opening.endswith((".", "!", "?")) else f"{opening}."]
    if kinds:
        sentences.append(f"They are of the kinds {', '.join(kinds)}; a design is not told which.")
    answer_type = tasks[0].answer_type
    if isinstance(answer_type, tuple):
        sentences.append(f"An answer is one of: {', '.join(answer_type)}.")
    else:
        sentences.append(f"An answer is {_ANSWERS[answer_type]}.")
    meaning = SCORERS.get(rule.name, "the user's own function, from 0 to 1")
    return " ".join([*sentences, f"It is scored by {rule.name}: {meaning}."])


_ANSWERS = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false"}


def _short(value: Json, length: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= length else text[: length - 3] + "..."
