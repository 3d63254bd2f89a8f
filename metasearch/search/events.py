"""What a running search tells: values that the loop emits, in order, and a display shows.

Events are for people who watch. Nothing reads them back: a search's state is its archive rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from metasearch.gateway import base
from metasearch.gateway.base import Caps
from metasearch.types import Outcome, Owner, Split, Usage

__all__ = [
    "Alarm",
    "BudgetUsed",
    "Display",
    "EndpointBack",
    "EndpointDown",
    "EntryAdded",
    "EntryDone",
    "EvaluationDone",
    "Event",
    "Expected",
    "Note",
    "SearchFinished",
    "SearchStarted",
    "Spent",
]


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """The first event, once everything that a search needs is there.

    Attributes:
        search_id: name in the archive.
        seeds: how many baselines are entries from the start.
        designs: how many new designs are to be evaluated.
        validation_tasks: size of the validation split.
        minutes: cap of wall clock, None for none; `minutes_used` is from before a restart.
        resumed: True when the archive already held entries of this search.
        finished: designs of the plan that need no more validation, from before a restart.
    """

    search_id: str
    domain: str
    model: str
    sandbox: str
    strategy: str
    seeds: int
    designs: int
    validation_tasks: int
    caps: Caps = field(default_factory=Caps)
    minutes: float | None = None
    resumed: bool = False
    finished: int = 0
    minutes_used: float = 0.0


@dataclass(frozen=True, slots=True)
class Expected:
    """How many evaluations the search now foresees in all, those already done included."""

    evaluations: int


@dataclass(frozen=True, slots=True)
class EntryAdded:
    """A proposal (or a seed) has its row: also one that came to nothing.

    Attributes:
        status: as in the archive: pending, duplicate, invalid, failed, ...
        reason: why nothing is evaluated, "" otherwise.
    """

    number: int
    name: str
    proposer: str
    operator: str = ""
    parents: tuple[int, ...] = ()
    status: str = "pending"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationDone:
    """One evaluation is in the archive; `recorded` when none of its calls had to be paid."""

    number: int
    split: Split
    outcome: Outcome
    score: float
    seconds: float = 0.0
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class EntryDone:
    """A design needs no more validation: all of it is done, or racing stopped it.

    Attributes:
        status: "evaluated", "stopped" or "failed".
        mean, low, high: validation score with its 95 % interval, in [0, 1].
        tasks: how many tasks that is over.
        solved: how many of them score 1.
    """

    number: int
    name: str
    status: str
    mean: float
    low: float
    high: float
    tasks: int
    solved: int = 0
    tokens_per_task: float = 0.0
    dollars_per_task: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been really paid so far in this search, restarts included.

    Attributes:
        parts: the same by who spent it: designs were written, designs were run, probes.
    """

    dollars: float
    usage: Usage
    calls: int
    parts: Mapping[Owner, base.Spent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BudgetUsed:
    """A part of a cap is used up, told once for each part.

    Attributes:
        share: 0.5, 0.8 or 1.0; at 1.0 the next call does not fit any more.
    """

    share: float
    text: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something goes wrong too often to be chance, told once for each kind.

    Attributes:
        kind: "blank", "truncated", "refused", "wrong_format", "infrastructure", "no_usage", or
            "suspect-NUMBER" for a score that is too good for what it took.
        count, of: how many of how many evaluations, at the time.
        text: one line with what to do.
    """

    kind: str
    count: int
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class EndpointDown:
    """The endpoint answers nobody, so the search waits; told again before each new attempt.

    Attributes:
        trouble: one line.
        seconds: for how long so far.
        next_seconds: until the next attempt.
        limit_seconds: when so long has passed, the search pauses.
    """

    trouble: str
    seconds: float
    next_seconds: float
    limit_seconds: float


@dataclass(frozen=True, slots=True)
class EndpointBack:
    """The endpoint answers again, after so many seconds; the search goes on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Note:
    """A line for a person."""

    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class SearchFinished:
    """The last event.

    Attributes:
        status: as in the archive: finished, stopped (a cap), paused (interrupted), failed.
        reason: one line, "" when every planned proposal was made.
        generations: proposals that were evaluated in full or stopped by racing.
    """

    search_id: str
    status: str
    reason: str = ""
    generations: int = 0


Event: TypeAlias = (
    SearchStarted
    | Expected
    | EntryAdded
    | EvaluationDone
    | EntryDone
    | Spent
    | BudgetUsed
    | Alarm
    | EndpointDown
    | EndpointBack
    | Note
    | SearchFinished
)


class Display(Protocol):
    """Shows events as they come. Called from the loop's thread: never waits, never raises."""

    def show(self, event: Event) -> None:
        """Take one event."""
        ...
