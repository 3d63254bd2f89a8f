"""After how many uses a search has paid for itself, if ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metasearch.report.ranking import mean, price
from metasearch.types import Split

if TYPE_CHECKING:
    from metasearch.archive.records import EntryInfo
    from metasearch.report.rows import Rows, Scores

__all__ = ["BreakEven", "break_even"]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The search's price against what one use of the winner saves.

    Whoever does not take the winner takes the cheapest baseline that is at least as good, or the
    best one where none is: by the sealed test among those that met it with the winner, else by
    validation.

    Attributes:
        unit: "dollars", or "tokens" where the model costs nothing.
        spent: by the search, in that unit.
        alternative: number of that baseline.
        is_as_good: it scores at least as much as the winner.
        winner_cost, alternative_cost: for one task.
        saving: the second less the first; below 0 the winner is the dearer one.
        gain: score of the winner less that of the alternative.
        uses: spent / saving; None where nothing is saved.
        extra_per_answer: what one more right answer costs, -saving / gain, the search not counted;
            None where the winner saves, or gains nothing.
        search_per_answer: what the search adds to that for each right answer more after 10,000
            uses; None likewise.
    """

    unit: str
    spent: float
    alternative: int
    is_as_good: bool
    winner_cost: float
    alternative_cost: float
    saving: float
    gain: float
    uses: float | None
    extra_per_answer: float | None
    search_per_answer: float | None


USES = 10_000


def break_even(rows: Rows, winner: EntryInfo, score: Scores) -> BreakEven | None:
    """Work out the number of uses; None where there is no baseline to take instead.

    Args:
        rows: the search.
        winner: its best new design.
        score: of the winner on validation, by task, as reported.
    """
    cost = price(rows.entries)
    whole = [one for one in rows.baselines if one.status == "evaluated"]
    tested = [one for one in whole if _is_tested(rows, one)]
    if tested and _is_tested(rows, winner):
        whole, score, known = tested, rows.sealed[winner.number], rows.sealed
    else:
        known = rows.first
    own, scores = mean(score), {one.number: mean(known[one.number]) for one in whole}
    good = [one for one in whole if scores[one.number] >= own]
    if not whole:
        return None
    if good:
        other = min(good, key=lambda one: (cost.of(one), one.number))
    else:
        other = min(whole, key=lambda one: (-scores[one.number], cost.of(one), one.number))
    saving, gain = cost.of(other) - cost.of(winner), own - scores[other.number]
    total = rows.spending.total
    spent = total.dollars if cost.unit == "dollars" else float(total.usage.total)
    buys = saving <= 0 < gain
    return BreakEven(
        unit=cost.unit,
        spent=spent,
        alternative=other.number,
        is_as_good=bool(good),
        winner_cost=cost.of(winner),
        alternative_cost=cost.of(other),
        saving=saving,
        gain=gain,
        uses=spent / saving if saving > 0 else None,
        extra_per_answer=-saving / gain if buys else None,
        search_per_answer=spent / (USES * gain) if buys else None,
    )


def _is_tested(rows: Rows, one: EntryInfo) -> bool:
    """Say whether a design has met the whole sealed test."""
    return len(rows.sealed.get(one.number, {})) >= max(1, rows.search.sizes.get(Split.TEST, 0))
