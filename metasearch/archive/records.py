"""What the archive gives back: plain values that never touch the database again."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from metasearch.types import Design, Json, Outcome, Split, Usage

__all__ = [
    "SOLVED",
    "WINNER",
    "Counts",
    "EntryInfo",
    "EntryStatus",
    "EventInfo",
    "Lease",
    "LineageStep",
    "Sample",
    "SearchInfo",
    "SearchStatus",
    "SpentRow",
    "SqlResult",
    "Summary",
]

# Kind of the line in a search's log that says who won the finals; it begins with a number.
WINNER = "winner"
SOLVED = 0.5  # a task counts as solved from this score on; exact scorers give 0 or 1


class SearchStatus(StrEnum):
    """Where a search stands. `RUNNING` without a live lease means that it was interrupted."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


class EntryStatus(StrEnum):
    """What became of one proposal."""

    PENDING = "pending"  # its evaluation is under way
    EVALUATED = "evaluated"  # all of validation is done
    STOPPED = "stopped"  # racing stopped it early
    DUPLICATE = "duplicate"  # the same design, or one that behaves alike, was there before
    INVALID = "invalid"  # static checks or the smoke test refused it
    FAILED = "failed"  # the proposer gave no design


@dataclass(frozen=True, slots=True)
class Lease:
    """Which process runs a search.

    Attributes:
        heartbeat: when it last said so, in UTC.
    """

    pid: int
    host: str
    heartbeat: datetime.datetime


@dataclass(frozen=True, slots=True)
class SearchInfo:
    """One search as its row tells it.

    Attributes:
        config: what the search was started with, plain JSON.
        reason: why it has this status ("" when the status says it all).
        version: the metasearch that created it.
        sizes: number of tasks per split.
        lease: who runs it now or ran it last without saying goodbye; None when released.
    """

    id: str
    domain: str
    strategy: str
    config: Mapping[str, Json]
    seed: int
    status: SearchStatus
    reason: str
    version: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    sizes: Mapping[Split, int] = field(default_factory=dict)
    lease: Lease | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The evaluations of one entry on one split, all repeats together, without those of the finals.

    Evaluations that ended as `INFRASTRUCTURE` are no score: they are in `outcomes` only.

    Attributes:
        n: scored evaluations.
        mean: of their scores, in [0, 1]; 0.0 when n is 0.
        solved: how many scored at least `SOLVED`.
        dollars_per_task: as if every call had been paid.
        seconds_per_task: critical path of one evaluation, see `types.Evaluation`.
        outcomes: how often each outcome came.
        by_task: mean score of each task, where scores lie between 0 and 1 or tasks were met more
            than once; else (): mean and n say it all.
    """

    n: int
    mean: float
    solved: int
    dollars_per_task: float
    tokens_per_task: float
    seconds_per_task: float
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    by_task: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryInfo:
    """One proposal of a search.

    Attributes:
        id: the row's, for `set_entry` and `add_evaluation`.
        number: its place in the search, from 0; what a person says: "#12".
        design: None when the proposer gave none.
        name: the design's name, or what the proposer said instead; may be "".
        parents: numbers, the main parent first.
        usage, dollars: what proposing it took, repairs included.
        summaries: one for each split on which it has been evaluated.
    """

    id: int
    search_id: str
    number: int
    design: Design | None
    name: str
    status: EntryStatus
    proposer: str
    operator: str
    reason: str
    parents: tuple[int, ...]
    usage: Usage
    dollars: float
    created_at: datetime.datetime
    summaries: Mapping[Split, Summary] = field(default_factory=dict)

    @property
    def validation(self) -> Summary | None:
        """Return the summary that ranks it, or None before its first evaluation."""
        return self.summaries.get(Split.VALIDATION)


@dataclass(frozen=True, slots=True)
class LineageStep:
    """One relative of an entry.

    Attributes:
        depth: 0 is the entry itself, 1 its parents (or children), and so on; the shortest way.
        parents: numbers, the main parent first.
        validation: None before its first evaluation on that split.
    """

    depth: int
    number: int
    design_id: str | None
    name: str
    status: EntryStatus
    proposer: str
    operator: str
    parents: tuple[int, ...]
    validation: Summary | None


@dataclass(frozen=True, slots=True)
class SpentRow:
    """What a search has really paid; replies taken from the record cost nothing."""

    dollars: float = 0.0
    usage: Usage = Usage()
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a search holds: entries by status, and scored evaluations by split."""

    entries: Mapping[EntryStatus, int]
    evaluations: Mapping[Split, int]


class Sample(NamedTuple):
    """Which evaluation of a design a score belongs to; equal samples of two designs are paired."""

    task_id: str
    repeat: int


class EventInfo(NamedTuple):
    """Something that happened in a search, in order of `id`."""

    id: int
    at: datetime.datetime
    kind: str
    text: str


class SqlResult(NamedTuple):
    """A table as the database gave it."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
