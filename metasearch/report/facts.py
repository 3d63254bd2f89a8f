"""Every figure of a report; `Report.to_json` is the report for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from metasearch.report.rows import repeats
from metasearch.types import Json, Split

if TYPE_CHECKING:
    from metasearch.archive.records import SpentRow
    from metasearch.report.breakeven import BreakEven
    from metasearch.report.evidence import Paired
    from metasearch.report.failures import Failures
    from metasearch.report.lineage import Step
    from metasearch.report.rows import Rows
    from metasearch.report.transfers import Transfer
    from metasearch.report.vote import Ballot
    from metasearch.stats import Estimate

__all__ = ["Contest", "Gap", "Line", "Report", "Scored", "Unlearnt"]


class Scored(NamedTuple):
    """A score with its 95 % interval.

    Attributes:
        mean, low, high: in [0, 1].
        tasks: that it is the mean of; repeats of a task are averaged first.
        kind: "fresh" (drawn after the ranking; of the winner, less what choosing it among the
            finalists adds), "shrunk" (the best of
            the ranking, drawn towards the others), "ranking" (as it was ranked by) or "test".
    """

    mean: float
    low: float
    high: float
    tasks: int
    kind: str


class Gap(NamedTuple):
    """What a design loses from validation to the sealed test.

    Attributes:
        validation: its score there, as it may be told.
        lost: that score less the one of the test; above zero it does worse on the test.
        kinds: mean on validation, as ranked, and mean on the test for each kind of task.
    """

    validation: Scored
    lost: Estimate
    kinds: Mapping[str, tuple[float, float]]

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        return {
            "validation": self.validation._asdict(),
            "lost": self.lost._asdict(),
            "kinds": {
                kind: {"validation": first, "test": sealed}
                for kind, (first, sealed) in self.kinds.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One design with what it scores on validation and what it costs for one task.

    Attributes:
        score: of the samples that rank.
        seconds: critical path of one evaluation.
        on_cost_front, on_time_front: no other is at least as good and cheaper, or faster.
    """

    number: int
    design: str
    name: str
    idea: str
    proposer: str
    operator: str
    status: str
    is_baseline: bool
    score: Scored
    dollars: float
    tokens: float
    seconds: float
    on_cost_front: bool = False
    on_time_front: bool = False


@dataclass(frozen=True, slots=True)
class Contest:
    """The winner against a baseline on the same tasks.

    Attributes:
        baseline: its number.
        corrected_p: of `pair`, for all designs tried; None on the sealed test, where two designs
            were chosen before anybody looked.
        better: probability in (0, 1) that the winner is truly better; None where nothing tells.
        believed: the difference after all designs tried; None where it needs no drawing in, being
            of fresh samples, or where the designs are too few to learn from.
    """

    baseline: int
    pair: Paired
    corrected_p: float | None = None
    better: float | None = None
    believed: Estimate | None = None

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        return {
            "baseline": self.baseline,
            **self.pair.to_json(),
            "corrected_p": self.corrected_p,
            "probability_better": self.better,
            "believed": self.believed._asdict() if self.believed else None,
        }


@dataclass(frozen=True, slots=True)
class Unlearnt:
    """What a search gets without learning, at the winner's price or with a few designs.

    Attributes:
        vote: the majority of good designs that together cost no more than the winner; None where
            three cost more, and where tasks are episodes.
        is_too_dear: any three cost more.
        against: the winner against that vote on validation.
        early: designs that were made before anything was learnt, and met all of validation.
        best_early: the best of them.
    """

    vote: Ballot | None
    is_too_dear: bool
    against: Paired | None
    early: int
    best_early: Line | None

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        vote = None
        if self.vote is not None and self.against is not None:
            own = {"voters": list(self.vote.voters), "cost": self.vote.cost}
            vote = {**own, **self.against.to_json()}
        best = self.best_early
        return {
            "vote": vote,
            "independent": self.early,
            "best_independent": _line_json(best) if best else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of a search.

    Attributes:
        winner, runner_up: new designs, None where there is none.
        headline: the winner's score that may be quoted, see `headline`.
        winner_score, runner_score: on validation: fresh where the finalists were evaluated again,
            else shrunk.
        is_fair: the opponent costs at most as much a task as the winner.
        contest: winner against the opponent on validation.
        test: winner against the opponent on the sealed test, or against another baseline where
            that has not met it; None before the test.
        dearer_test: winner against a baseline that is better than the opponent and costs more.
        test_scores: of all designs that met it, by number.
        gaps: what these lost from validation to the test, by number.
        unlearnt: what there would be without learning.
        looks: how often the test was opened.
        kept_back: what is set aside for the test, in `unit`; 0 when it was opened or no cap is set.
        unit: "dollars", or "tokens" where the model costs nothing.
        is_between: the second evaluation of the finalists is not complete.
        transfers: of the winner, as far as it was tried elsewhere.
        is_alike: it gave every score a second time, so that it is no evidence.
    """

    rows: Rows
    lines: Sequence[Line]
    tried: int
    unit: str
    winner: Line | None
    runner_up: Line | None
    headline: Scored | None
    winner_score: Scored | None
    runner_score: Scored | None
    opponent: Line | None
    is_fair: bool
    contest: Contest | None
    test: Contest | None
    dearer_test: Contest | None
    test_scores: Mapping[int, Scored]
    gaps: Mapping[int, Gap]
    unlearnt: Unlearnt
    looks: int
    kept_back: float
    is_between: bool
    is_alike: bool
    break_even: BreakEven | None
    failures: Failures
    lineage: Sequence[Step]
    transfers: Sequence[Transfer] = ()

    @property
    def is_tested(self) -> bool:
        """True when winner and baseline have met the whole of the sealed test."""
        return self.test is not None and self.test.pair.tasks >= self.rows.search.sizes[Split.TEST]

    @property
    def is_fresh(self) -> bool:
        """True when the winner's score is of samples that did not choose it."""
        return self.winner_score is not None and self.winner_score.kind == "fresh"

    def line(self, number: int) -> Line | None:
        """Return a design's line by its number."""
        return next((one for one in self.lines if one.number == number), None)

    def to_json(self) -> dict[str, Json]:
        """Return every figure as plain JSON."""
        rows, search = self.rows, self.rows.search
        return {
            "search": _search_json(rows),
            "splits": {str(split): count for split, count in search.sizes.items()},
            "repeats": repeats(search),
            "preflight": rows.preflight() or None,
            "steered": dict(rows.steered()),
            "spent": {
                **rows.spending.to_json(),
                "test": _spent_json(rows.test_spent),
                "kept_back": {"unit": self.unit, "amount": self.kept_back},
            },
            "test_looks": self.looks,
            "tried": self.tried,
            "unit": self.unit,
            "designs": [_line_json(one) for one in self.lines],
            "winner": _standing_json(self.winner, self.winner_score),
            "headline": self.headline._asdict() if self.headline else None,
            "runner_up": _standing_json(self.runner_up, self.runner_score),
            "is_fresh": self.is_fresh,
            "reevaluation_incomplete": self.is_between,
            "reevaluation_alike": self.is_alike,
            "opponent": self.opponent.number if self.opponent else None,
            "opponent_costs_at_most_as_much": self.is_fair if self.opponent else None,
            "validation": self.contest.to_json() if self.contest else None,
            "unlearnt": self.unlearnt.to_json(),
            "test": self.test.to_json() if self.test else None,
            "dearer_test": self.dearer_test.to_json() if self.dearer_test else None,
            "test_scores": {
                str(number): score._asdict() for number, score in self.test_scores.items()
            },
            "gaps": {str(number): gap.to_json() for number, gap in self.gaps.items()},
            "break_even": asdict(self.break_even) if self.break_even else None,
            "failures": self.failures.to_json(),
            "lineage": [one.to_json() for one in self.lineage],
            "transfers": [one.to_json() for one in self.transfers],
        }


def _search_json(rows: Rows) -> dict[str, Json]:
    search = rows.search
    return {
        "id": search.id,
        "domain": search.domain,
        "strategy": search.strategy,
        "seed": search.seed,
        "status": str(search.status),
        "reason": search.reason,
        "is_running": rows.is_running,
        "version": search.version,
        "created_at": search.created_at.isoformat(),
        "updated_at": search.updated_at.isoformat(),
    }


def _line_json(line: Line) -> dict[str, Json]:
    return {**asdict(line), "score": line.score._asdict()}


def _standing_json(line: Line | None, score: Scored | None) -> Json:
    if line is None or score is None:
        return None
    return {**_line_json(line), "score": score._asdict(), "ranking_score": line.score._asdict()}


def _spent_json(row: SpentRow) -> dict[str, Json]:
    return {"dollars": row.dollars, "tokens": row.usage.total, "calls": row.calls}
