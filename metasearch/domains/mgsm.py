"""MGSM: 250 school sums in eleven languages (Shi et al. 2022, arXiv 2210.03057).

The files are the user's: a folder with the published `mgsm_en.tsv`, ... (question, tab, target),
or, with the extra [hf], the hub's `juletxara/mgsm`. The default split is the one of the ADAS paper
(Hu et al. 2024, arXiv 2408.08435): all languages shuffled together, 128 for validation, the next
800 for test.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from metasearch.domains.base import TaskSet
from metasearch.domains.numerals import read_number
from metasearch.domains.questions import task_id
from metasearch.domains.scorers import number
from metasearch.domains.splits import SHARES, check_sizes, split_tasks
from metasearch.errors import ConfigError
from metasearch.types import Json, Split, Task

__all__ = ["LANGUAGES", "PUBLISHED", "load"]

LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
"""In the order in which they are joined before the shuffle."""

PUBLISHED: Mapping[Split, int] = {Split.TRAIN: 100, Split.VALIDATION: 128, Split.TEST: 800}
"""Validation and test as published; train, which the paper has not, comes from what they leave."""

Dealt: TypeAlias = dict[Split, tuple[Task, ...]]

_HUB = "juletxara/mgsm"
_BY_PROBLEM = "by-problem"
_SPLITS = ("published", _BY_PROBLEM)


class _Sum(NamedTuple):
    """A problem in one language; `problem` is its place in the file, equal in all languages."""

    task: Task
    problem: int


def load(
    argument: str = "",
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    options: Mapping[str, Json] | None = None,
) -> TaskSet:
    """Return the domain.

    Args:
        argument: the folder with the files; "" asks the hub through `datasets`.
        sizes: tasks a split; as published where there are enough, else shares of what there is.
        seed: of the shuffle; 0 is the published one.
        options: `languages`, "en,de" or a list, all eleven by default; `split`, "published" or
            "by-problem", which keeps all translations of a problem in one split.

    Raises:
        ConfigError: a file is missing or malformed, an option is unknown, there are too few tasks.
    """
    settings = dict(options or {})
    languages = _languages(argument, settings.pop("languages", None))
    way = settings.pop("split", _SPLITS[0])
    if settings or way not in _SPLITS:
        what = f"no option {next(iter(settings))!r}" if settings else f"no split {way!r}"
        raise ConfigError(
            f"mgsm has {what}; it has languages=en,de,... and split={'|'.join(_SPLITS)}"
        )
    sums = list(_distinct(one for language in languages for one in _sums(argument, language)))
    deal = _dealt_by_problem if way == _BY_PROBLEM else _dealt
    splits = deal(sums, check_sizes(sizes), seed)
    return TaskSet(
        name="mgsm",
        description=_description(languages),
        splits=splits,
        scorer=number,
        notes=tuple(_notes(languages, splits, way, seed)),
    )


def _languages(folder: str, asked: Json) -> tuple[str, ...]:
    """Return the languages asked for, else all that are there, in the published order."""
    if asked is None:
        there = [one for one in LANGUAGES if not folder or _file(folder, one).is_file()]
        if not there:
            raise ConfigError(
                f"{folder}: no mgsm_en.tsv or other language in it; give their folder"
            )
        return tuple(there)
    named = asked.split(",") if isinstance(asked, str) else list(asked)
    wanted = {str(language).strip() for language in named}
    unknown = sorted(wanted - set(LANGUAGES))
    if unknown or not wanted:
        what = f"no language {unknown[0]!r}" if unknown else "no language asked for"
        raise ConfigError(f"mgsm: {what}; there are {', '.join(LANGUAGES)}")
    return tuple(language for language in LANGUAGES if language in wanted)


def _file(folder: str, language: str) -> Path:
    return Path(folder) / f"mgsm_{language}.tsv"


def _sums(folder: str, language: str) -> Iterator[_Sum]:
    """Return one language's problems in their published order."""
    rows = _file_rows(_file(folder, language)) if folder else _hub_rows(language)
    for problem, (where, question, target) in enumerate(rows):
        gold = read_number(target, language)
        if not question.strip() or gold is None or gold != gold.to_integral_value():
            raise ConfigError(f"{where}: not a question, a tab and a whole number; mend this line")
        task = Task(
            id=task_id(question),
            prompt=question,
            gold=int(gold),
            answer_type="int",
            kind=language,
            extra={"language": language},
        )
        yield _Sum(task, problem)


def _file_rows(file: Path) -> Iterator[tuple[str, str, str]]:
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}; check the folder") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file.name}: not UTF-8; save it as UTF-8") from error
    for number_of_line, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            question, _, target = line.strip().partition("\t")
            yield f"{file.name}:{number_of_line}", question, target


def _hub_rows(language: str) -> Iterator[tuple[str, str, str]]:
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            "mgsm needs its files: give their folder as mgsm:DIR, or pip install 'metasearch[hf]'"
        ) from error
    try:
        rows = list(datasets.load_dataset(_HUB, language, split="test"))
    # The library raises dozens of types, of its own and of its network stack.
    except Exception as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(f"{_HUB}: {first}; give the folder of the files as mgsm:DIR") from error
    for place, row in enumerate(rows, start=1):
        where = f"{_HUB} {language} #{place}"
        if not {"question", "answer_number"} <= set(row):
            raise ConfigError(
                f"{where}: no question and answer_number; give the folder as mgsm:DIR"
            )
        yield where, str(row["question"]), str(row["answer_number"])


def _distinct(sums: Iterable[_Sum]) -> Iterator[_Sum]:
    seen: set[str] = set()
    for one in sums:
        if one.task.id not in seen:
            seen.add(one.task.id)
            yield one


def _dealt(sums: list[_Sum], sizes: Mapping[Split, int], seed: int) -> Dealt:
    """Shuffle everything; validation comes first, test next, train out of the rest."""
    tasks = [one.task for one in sums]
    wanted = {**PUBLISHED, **sizes}
    sealed = wanted[Split.VALIDATION] + wanted[Split.TEST]
    if len(tasks) < sealed + sizes.get(Split.TRAIN, 1):
        return split_tasks(tasks, sizes, seed=seed, source="mgsm")
    random.Random(seed).shuffle(tasks)
    return {
        Split.TRAIN: tuple(tasks[sealed : sealed + wanted[Split.TRAIN]]),
        Split.VALIDATION: tuple(tasks[: wanted[Split.VALIDATION]]),
        Split.TEST: tuple(tasks[wanted[Split.VALIDATION] : sealed]),
    }


def _dealt_by_problem(sums: list[_Sum], sizes: Mapping[Split, int], seed: int) -> Dealt:
    """Deal out problems by `SHARES`, each with all its translations."""
    rng = random.Random(seed)
    problems = sorted({one.problem for one in sums})
    rng.shuffle(problems)
    first = round(SHARES[Split.TRAIN] * len(problems))
    second = first + round(SHARES[Split.VALIDATION] * len(problems))
    parts = {
        Split.TRAIN: set(problems[:first]),
        Split.VALIDATION: set(problems[first:second]),
        Split.TEST: set(problems[second:]),
    }
    dealt = {}
    for split, part in parts.items():
        pool = [one.task for one in sums if one.problem in part]
        rng.shuffle(pool)
        size = sizes.get(split, min(PUBLISHED[split], len(pool)))
        if not 0 < size <= len(pool):
            raise ConfigError(
                f"mgsm: {split} has {len(pool)} questions, {size} asked; ask for fewer"
            )
        dealt[split] = tuple(pool[:size])
    return dealt


def _description(languages: Sequence[str]) -> str:
    return (
        f"School sums in words (MGSM), of two to eight steps, in {len(languages)} language"
        f"{'s' if len(languages) > 1 else ''} ({', '.join(languages)}), mixed; a design is not told"
        " which. An answer is one whole number, in digits of any script."
        " It scores 1 if it is the right number and 0 otherwise; two numbers are no answer."
    )


def _notes(languages: Sequence[str], splits: Dealt, way: str, seed: int) -> Iterator[str]:
    published = all(
        len(splits[split]) == PUBLISHED[split] for split in (Split.VALIDATION, Split.TEST)
    )
    if len(languages) < len(LANGUAGES) or seed or not published or way == _BY_PROBLEM:
        yield "not the published split: that is eleven languages, seed 0, validation 128, test 800"
    if way != _BY_PROBLEM and len(languages) > 1:
        yield (
            "a test question may be the translation of a training one, as in the published split;"
            f" split={_BY_PROBLEM} keeps them apart"
        )
