"""An entry of the search with what was measured of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from metasearch.archive.evaluations import Measured
from metasearch.gateway.budget import PICO
from metasearch.search.proposer import Parent
from metasearch.search.selector import Candidate
from metasearch.stats import score_interval
from metasearch.types import FRESH, Design, Evaluation, Split, Task, Usage

__all__ = ["RACED", "Member", "best", "digest", "leading", "ledger", "order"]

RACED = ("evaluated", "stopped")  # statuses of designs that met validation tasks to an end


class Standing(NamedTuple):
    """What a member's evaluations of one split come to.

    Attributes:
        scores: mean score in [0, 1] over repeats, by task id, in the order of the ids.
        mean: of these scores; 0.0 before the first.
        tokens, dollars: means of one evaluation.
    """

    scores: Mapping[str, float]
    mean: float
    tokens: float
    dollars: float


@dataclass(slots=True)
class Member:
    """One entry.

    Attributes:
        number: position in the search, from 0; the baselines come first.
        entry_id: its row in the archive.
        status: as in the archive; "pending" while it is raced.
        measured: the figures of every evaluation so far, by (split, task id, repeat).
        examples: whole evaluations on training tasks, by (task id, repeat): proposers see them.
        spent, dollars: what proposing it took.
    """

    number: int
    entry_id: int
    design: Design | None
    status: str
    proposer: str
    operator: str = ""
    parents: tuple[int, ...] = ()
    reason: str = ""
    measured: dict[tuple[Split, str, int], Measured] = field(default_factory=dict)
    examples: dict[tuple[str, int], Evaluation] = field(default_factory=dict)
    spent: Usage = Usage()
    dollars: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _standings: dict[tuple[Split, bool], Standing] = field(
        default_factory=dict, init=False, repr=False
    )

    @property
    def accepted(self) -> bool:
        """True when it was worth evaluating: it counts towards the designs that were asked for."""
        return self.status in (*RACED, "pending")

    def add(self, evaluation: Evaluation) -> None:
        """Take one more measurement."""
        split, task_id, repeat = evaluation.split, evaluation.task_id, evaluation.repeat
        self.measured[split, task_id, repeat] = Measured.of(evaluation)
        if split is Split.TRAIN:
            self.examples[task_id, repeat] = evaluation
        self._standings.pop((split, repeat >= FRESH), None)

    def of(self, split: Split, *, fresh: bool = False) -> list[Measured]:
        """Return the figures of one split, in the order in which they were made.

        Args:
            split: of its tasks.
            fresh: those of the finals, and no others; else all but those.
        """
        return [
            one
            for one in self.measured.values()
            if one.split is split and (one.repeat >= FRESH) is fresh
        ]

    def _standing(self, split: Split, *, fresh: bool = False) -> Standing:
        if (split, fresh) not in self._standings:
            self._standings[split, fresh] = _reckoned(self.of(split, fresh=fresh))
        return self._standings[split, fresh]

    def scores(
        self,
        split: Split = Split.VALIDATION,
        among: Collection[str] | None = None,
        *,
        fresh: bool = False,
    ) -> Mapping[str, float]:
        """Return the mean score in [0, 1] over repeats, by task id, in the order of the ids.

        Args:
            split: of its tasks.
            among: ids of the only tasks that count; None is all.
            fresh: of the evaluations of the finals.

        Not in the order in which they came: what is summed, drawn or shown from them would depend
        on timing, and a search that goes on would ask its meta agent something else.
        """
        scores = self._standing(split, fresh=fresh).scores
        if among is None:
            return scores
        return {task: score for task, score in scores.items() if task in among}

    def mean(self, among: Collection[str] | None = None, *, fresh: bool = False) -> float:
        """Return the mean validation score in [0, 1], see `scores`; 0.0 before the first task."""
        if among is None:
            return self._standing(Split.VALIDATION, fresh=fresh).mean
        return _mean(self.scores(among=among, fresh=fresh).values())

    def tokens_per_task(self) -> float:
        """Return the mean tokens of one validation evaluation; 0.0 before the first."""
        return self._standing(Split.VALIDATION).tokens

    def dollars_per_task(self) -> float:
        """Return the mean dollars of one validation evaluation; 0.0 before the first."""
        return self._standing(Split.VALIDATION).dollars

    def candidate(self) -> Candidate:
        """Return what a selector may know of it."""
        return Candidate(self.number, self.parents, self.scores())

    def parent(self, tried: Sequence[str] = ()) -> Parent:
        """Return what a proposer may know of it."""
        assert self.design is not None, "only evaluated designs become parents"
        return Parent(
            number=self.number,
            design=self.design,
            mean=self.mean(),
            tasks=len(self.scores()),
            tokens_per_task=self.tokens_per_task(),
            scores=self.scores(),
            examples=tuple(
                sorted(self.examples.values(), key=lambda one: (one.score, one.task_id))
            ),
            tried=tuple(tried),
        )

    def missing(
        self, split: Split, tasks: Sequence[Task], repeats: Iterable[int]
    ) -> list[tuple[Task, int]]:
        """Return the (task, repeat) pairs that are not measured yet, in the shared order."""
        return [
            (task, repeat)
            for repeat in repeats
            for task in tasks
            if (split, task.id, repeat) not in self.measured
        ]

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the validation score, (0, 1) before the first task."""
        scores = self.scores()
        if not scores:
            return 0.0, 1.0
        estimate = score_interval(list(scores.values()))
        return estimate.low, estimate.high


def _reckoned(done: Sequence[Measured]) -> Standing:
    scores = _scores(sorted(done, key=attrgetter("task_id", "repeat")))
    # In whole picodollars: the order in which they are added up decides nothing.
    dollars = sum([one.picodollars for one in done]) / PICO / max(len(done), 1)
    return Standing(scores, _mean(scores.values()), _mean([one.tokens for one in done]), dollars)


def _scores(ordered: Sequence[Measured]) -> dict[str, float]:
    scores = {one.task_id: one.score for one in ordered}
    if len(scores) == len(ordered):  # no repeats: spares means of one number, 100,000 at a start
        return scores
    by_task = groupby(ordered, key=attrgetter("task_id"))
    return {task: _mean([one.score for one in group]) for task, group in by_task}


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def best(members: Iterable[Member]) -> Member | None:
    """Return the best fully evaluated member, see `order`; None before the first."""
    return next(iter(leading(members, 1)), None)


def leading(members: Iterable[Member], count: int, *, fresh: bool = False) -> list[Member]:
    """Return up to `count` fully evaluated members, best first, see `order`.

    Args:
        members: in any order.
        count: at least 0.
        fresh: by the evaluations of the finals alone.
    """

    def place(one: Member) -> tuple[float, float, float, int]:
        mean = one.mean(fresh=fresh)
        return order(mean, one.dollars_per_task(), one.tokens_per_task(), one.number)

    return sorted((one for one in members if one.status == "evaluated"), key=place)[:count]


def order(
    mean: float, dollars: float, tokens: float, number: int
) -> tuple[float, float, float, int]:
    """Return the key that sorts designs best first: by score, then by cost, then the older one.

    Scores are rounded as in the archive's own leaderboard, so that both name the same winner.
    """
    return -round(mean, 12), dollars, tokens, number


def digest(members: Iterable[Member]) -> tuple[str, ...]:
    """Return one line for each design that was evaluated."""
    return tuple(
        f"{one.number}. {one.design.name}: {one.design.idea.partition(chr(10))[0]}"
        f" | {one.mean():.0%} of {len(one.scores())} tasks, {one.tokens_per_task():.0f} tokens"
        for one in members
        if one.design is not None and one.status in RACED
    )


def ledger(parent: Member, members: Iterable[Member]) -> list[str]:
    """Return one line for each thing that was tried on a design, with what came of it."""
    lines = []
    for child in members:
        if parent.number not in child.parents:
            continue
        what = child.operator or child.proposer
        if child.status in RACED:
            shared = child.scores().keys() & parent.scores().keys()
            gain = sum(child.scores()[task] - parent.scores()[task] for task in shared)
            lines.append(f"{what} -> {child.number}: {gain:+.0f} of {len(shared)} tasks")
        else:
            lines.append(f"{what} -> {child.status}: {child.reason}")
    return lines
