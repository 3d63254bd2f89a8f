"""The scorer of a task file that is not here any more, for tasks that an archive has kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metasearch.domains.base import TaskSet
from metasearch.domains.scorers import scorer
from metasearch.types import Split, Task

__all__ = ["from_stored"]


def from_stored(
    name: str, splits: Mapping[Split, Sequence[Task]], wanted: str | None = None
) -> TaskSet:
    """Return the domain that stored tasks make, with the scorer that their file was given.

    Args:
        name: of the domain.
        splits: the tasks as the archive holds them.
        wanted: the name that the user gave in `SCORERS`; None is what was guessed then, which the
            type of the answers tells: one of several is "choice", a number "number", else "exact".

    Raises:
        KeyError: `wanted` is no scorer's name.
        ConfigError: the tasks are no domain.
    """
    tasks = [task for split in Split for task in splits[split]]
    if wanted is None:
        kinds = {task.answer_type for task in tasks}
        whole = kinds <= {"int", "float"}
        wanted = "number" if whole else "exact"
        if any(isinstance(kind, tuple) for kind in kinds):
            wanted = "choice"
    return TaskSet(
        name=name,
        description="",
        splits={split: tuple(splits[split]) for split in Split},
        scorer=scorer(wanted, tasks),
        notes=(f"scorer {wanted}, on the tasks that the archive has kept",),
    )
