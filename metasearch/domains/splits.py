"""Dealing tasks out to the three splits, and the proof that none is in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from metasearch.domains.questions import task_id
from metasearch.errors import ConfigError
from metasearch.types import Split, Task

__all__ = [
    "CAPS",
    "FEWEST",
    "SHARES",
    "check_sizes",
    "in_turn",
    "prove_disjoint",
    "split_tasks",
    "too_few",
]

SHARES = {Split.TRAIN: 0.2, Split.VALIDATION: 0.4, Split.TEST: 0.4}
"""Where nobody says otherwise: enough validation to choose by, as much test to report on."""

CAPS = {Split.TRAIN: 200, Split.VALIDATION: 200, Split.TEST: 800}
"""Where nobody says otherwise, no split is larger: each design is paid for on all of validation."""

FEWEST = 6
"""Tasks on which one of two designs wins all and the exact p is below .05: 2 / 2^6 is .031."""


def too_few(sizes: Mapping[str, int]) -> str:
    """Say what to do where a split can show no difference at all; "" where each can show some.

    Args:
        sizes: tasks by split; train is of no interest.
    """
    few = {split: sizes[split] for split in (Split.VALIDATION, Split.TEST) if sizes[split] < FEWEST}
    if not few:
        return ""
    counts = " and ".join(f"{count} {split} tasks" for split, count in few.items())
    return (
        f"{counts} can show no difference: below {FEWEST} even a design that wins on all of them "
        "may be lucky. Add tasks, 60 in all or more; until then cross-validate: search several "
        "times with --seed 1, 2, 3, which deals the tasks out anew, and believe what wins each time"
    )


def split_tasks(
    tasks: Sequence[Task],
    sizes: Mapping[Split, int] | None = None,
    *,
    seed: int = 0,
    source: str = "the tasks",
    into: Sequence[Split] = tuple(Split),
) -> dict[Split, tuple[Task, ...]]:
    """Deal tasks out by the hash of their question, whatever the order in which they come.

    Args:
        tasks: distinct questions.
        sizes: tasks wanted for a split; splits that it leaves out share the rest by `SHARES`, up to
            `CAPS`.
        seed: another seed deals another way.
        source: what the messages call the tasks, a file's name say.
        into: the splits to fill.

    Returns:
        The splits, disjoint, each with at least one task.

    Raises:
        ConfigError: there are too few tasks, or a size is not a positive whole number.
    """
    asked = {split: size for split, size in check_sizes(sizes).items() if split in into}
    ordered = sorted(tasks, key=lambda task: _rank(task, seed))
    dealt: dict[Split, tuple[Task, ...]] = {}
    start = 0
    for split, size in _sizes(len(tasks), asked, source, into).items():
        dealt[split] = tuple(ordered[start : start + size])
        start += size
    return dealt


def in_turn(rows: Sequence[Sequence[Task]], size: int) -> tuple[Task, ...]:
    """Return `size` tasks, one of each row in turn, so that the first few show every kind.

    Args:
        rows: by kind; row k has at least (size - k) / len(rows) tasks, rounded up.
        size: at least 1.
    """
    return tuple(rows[place % len(rows)][place // len(rows)] for place in range(size))


def check_sizes(sizes: Mapping[Split, int] | None) -> dict[Split, int]:
    """Return `sizes` with `Split` keys; an absent split stays absent.

    Raises:
        ConfigError: a key is no split, or a size is not a positive whole number.
    """
    checked: dict[Split, int] = {}
    for name, size in (sizes or {}).items():
        if name not in list(Split):
            raise ConfigError(f"no split is named {name!r}; there are {', '.join(Split)}")
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ConfigError(f"the size of {name} is {size!r}; give a whole number from 1 up")
        checked[Split(name)] = size
    return checked


def prove_disjoint(splits: Mapping[Split, Sequence[Task]], source: str) -> None:
    """Check that no question is asked twice, in one split or in two.

    The prompt itself is hashed again, so a wrong `Task.id` does not hide a leak.

    Raises:
        ConfigError: naming the question's id, both places and its beginning.
    """
    seen: dict[str, str] = {}
    for split in Split:
        for number, task in enumerate(splits.get(split, ()), start=1):
            question, place = task_id(task.prompt), f"{split} #{number}"
            if question in seen:
                raise ConfigError(
                    f"{source}: question {question} is both {seen[question]} and {place}"
                    f" ({_beginning(task.prompt)}); keep one of them"
                )
            seen[question] = place


def _sizes(
    available: int, asked: Mapping[Split, int], source: str, into: Sequence[Split]
) -> dict[Split, int]:
    """Return the size of every split in `into`: what is asked, else a share of what is left."""
    unasked = [split for split in into if split not in asked]
    rest = available - sum(asked.values())
    if rest < len(unasked):
        parts = ", ".join(f"{split} {asked.get(split, 1)}" for split in into)
        raise ConfigError(
            f"{source}: {available} different questions, but {available - rest + len(unasked)} are"
            f" needed ({parts}); add examples or ask for smaller splits"
        )
    sizes = dict(asked)
    while unasked:
        share = SHARES[unasked[0]] / sum(SHARES[split] for split in unasked)
        split = unasked.pop(0)
        sizes[split] = min(max(1, round(rest * share)), rest - len(unasked), CAPS[split])
        rest -= sizes[split]
    return {split: sizes[split] for split in into}


def _rank(task: Task, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\x00{task_id(task.prompt)}".encode()).digest()


def _beginning(prompt: str, length: int = 60) -> str:
    line = " ".join(prompt.split())
    return repr(line if len(line) <= length else line[: length - 3] + "...")
