"""Who won, who came second, and what a fair opponent is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from metasearch.report.headline import alike, complete
from metasearch.report.rows import Rows, Scores

if TYPE_CHECKING:
    from metasearch.archive.records import EntryInfo

__all__ = [
    "AFFORDABLE",
    "WHOLE",
    "Contender",
    "Opponent",
    "Price",
    "fair_baseline",
    "mean",
    "opponent",
    "price",
    "ranked",
    "tested",
    "unfinished",
]

EPSILON = 1e-9  # scores nearer than this are equal
# Times the winner's cost that is still its price: two designs never cost the very same.
AFFORDABLE = 1.1
WHOLE = "evaluated"  # status of an entry that met all of validation


@dataclass(frozen=True, slots=True)
class Price:
    """In what designs are paid: dollars, or tokens where a model costs nothing.

    Attributes:
        unit: "dollars" or "tokens".
    """

    unit: str

    def of(self, entry: EntryInfo) -> float:
        """Return what an entry takes for one task of validation."""
        summary = entry.validation
        assert summary is not None, "only entries that met validation tasks have a price"
        return summary.dollars_per_task if self.unit == "dollars" else summary.tokens_per_task


class Contender(NamedTuple):
    """A baseline that a winner may be held against.

    Attributes:
        mean: validation score in [0, 1].
        cost: of one task, dollars or tokens.
        is_whole: it met all validation tasks.
    """

    number: int
    mean: float
    cost: float
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Opponent:
    """The baseline that a winner is held against.

    Attributes:
        is_fair: it costs at most as much a task as the winner.
    """

    entry: EntryInfo
    is_fair: bool


def price(entries: Iterable[EntryInfo]) -> Price:
    """Return in what the designs of a search are paid."""
    summaries = (one.validation for one in entries)
    is_paid = any(summary is not None and summary.dollars_per_task > 0 for summary in summaries)
    return Price("dollars" if is_paid else "tokens")


def ranked(rows: Rows, *, fresh: bool) -> list[EntryInfo]:
    """Return the new designs that met all of validation, best first.

    Args:
        rows: the search.
        fresh: by the samples drawn after the ranking, and only those that have all of them; else
            by the first samples, by which the search itself ranks.
    """
    if fresh and alike(rows.first, rows.fresh):
        return []
    cost, scores = price(rows.entries), rows.fresh if fresh else rows.first
    whole = [
        one
        for one in rows.tried
        if one.status == WHOLE and one.number in scores and not (fresh and _lacks(rows, one.number))
    ]
    # Among equals the one that the search itself has chosen, for it met the test.
    return sorted(
        _sorted(whole, scores, cost),
        key=lambda one: (-round(mean(scores[one.number]), 12), one.number not in rows.sealed),
    )


def unfinished(rows: Rows) -> bool:
    """Say whether the second evaluation of the finalists has begun and is not complete."""
    return any(_lacks(rows, number) for number in rows.fresh)


def _lacks(rows: Rows, number: int) -> bool:
    return not complete(number, rows.first, rows.fresh)


def opponent(contenders: Iterable[Contender], paid: float) -> Contender | None:
    """Return the baseline that a winner is held against; None where there is none.

    The best of those that cost at most as much and met all tasks; else the best that met all, for
    none is as cheap; else the best of any.

    Args:
        contenders: baselines that met validation tasks.
        paid: what the winner costs, in the unit of theirs.
    """
    found = list(contenders)
    whole = [one for one in found if one.is_whole] or found
    affordable = [one for one in whole if one.cost <= AFFORDABLE * paid + EPSILON]
    # Rounded as in the archive's own leaderboard, so that both name the same winner.
    return min(
        affordable or whole,
        key=lambda one: (-round(one.mean, 12), one.cost, one.number),
        default=None,
    )


def fair_baseline(rows: Rows, winner: EntryInfo) -> Opponent | None:
    """Return the baseline that a winner is held against, see `opponent`."""
    cost = price(rows.entries)
    found = opponent(
        (
            Contender(one.number, mean(rows.first[one.number]), cost.of(one), one.status == WHOLE)
            for one in rows.baselines
        ),
        cost.of(winner),
    )
    if found is None:
        return None
    entry = next(one for one in rows.baselines if one.number == found.number)
    return Opponent(entry, found.cost <= AFFORDABLE * cost.of(winner) + EPSILON)


def _sorted(
    entries: Sequence[EntryInfo], scores: Mapping[int, Scores], cost: Price
) -> list[EntryInfo]:
    """Return entries best first, then the cheaper, then the older one."""
    # Rounded as in the archive's own leaderboard, so that both name the same winner.
    return sorted(
        entries,
        key=lambda one: (-round(mean(scores[one.number]), 12), cost.of(one), one.number),
    )


def mean(scores: Mapping[str, float]) -> float:
    """Return the mean over tasks, 0.0 of none."""
    return sum(scores.values()) / len(scores) if scores else 0.0


def tested(rows: Rows) -> list[EntryInfo]:
    """Return the entries that met the sealed test."""
    return [one for one in rows.entries if one.number in rows.sealed]
