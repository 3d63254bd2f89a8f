"""What a domain is: tasks in three splits and a scorer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from metasearch.domains.answers import printed, unreadable
from metasearch.domains.questions import task_id
from metasearch.domains.splits import prove_disjoint
from metasearch.domains.time_limit import Overtime, processor_seconds
from metasearch.errors import ConfigError
from metasearch.types import Json, Score, Split, Task

__all__ = ["MEMBER", "SOLVE", "Domain", "Scorer", "TaskSet", "entry_of", "task_id"]

SOLVE, MEMBER = "solve", "Member"  # what a design defines, by the kind of its domain
SCORING_SECONDS = 5.0  # of processor time for one answer; ours take some milliseconds at worst

Scorer: TypeAlias = Callable[[Task, Json], Score]
"""A pure function of a task and an answer. It never raises: an answer it cannot read scores 0."""


class Domain(Protocol):
    """A named set of tasks with splits and a scorer; its tasks never change once it exists.

    One whose tasks are episodes has an attribute `entry` that says so; see `entry_of`.
    """

    @property
    def name(self) -> str:
        """Short name for tables: "starter", "reasoning:chain_sum", a file's stem."""
        ...

    @property
    def description(self) -> str:
        """Two to six sentences for the meta agent; never a task of validation or test."""
        ...

    def tasks(self, split: Split) -> Sequence[Task]:
        """Return the tasks of one split, in the order in which racing looks at them."""
        ...

    def score(self, task: Task, answer: Json) -> Score:
        """Score one answer; pure, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class TaskSet:
    """A domain as a value; all built-in domains are one.

    Attributes:
        splits: all three, none empty, no question in two of them (checked).
        notes: lines for the user about what was decided for them, the guessed scorer say.

    Raises:
        ConfigError: a split is empty, or a question is there twice.
    """

    name: str
    description: str
    splits: Mapping[Split, tuple[Task, ...]]
    scorer: Scorer
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for split in Split:
            if not self.splits.get(split):
                raise ConfigError(f"{self.name}: the split {split} is empty; give it some tasks")
        prove_disjoint(self.splits, self.name)

    def tasks(self, split: Split) -> Sequence[Task]:
        """Return the tasks of one split, in a fixed order."""
        return self.splits[split]

    def score(self, task: Task, answer: Json) -> Score:
        """Score one answer; pure, never raises, and ends: some answers are made to be read long."""
        try:
            with processor_seconds(SCORING_SECONDS):
                return self.scorer(task, answer)
        except Overtime:
            return unreadable(f"it takes more than {SCORING_SECONDS:g} s of computing to score")

    def floor(self) -> float:
        """Share of all tasks, in [0, 1], that have the most frequent gold answer.

        A design that always gives that one answer scores about as much: read accuracies beside it.
        """
        golds = Counter(printed(task.gold) for tasks in self.splits.values() for task in tasks)
        return max(golds.values()) / sum(golds.values())


def entry_of(domain: Domain) -> str:
    """Return what a design has to define for a domain: `SOLVE`, or `MEMBER` of a society."""
    return str(getattr(domain, "entry", SOLVE))
