"""What a design is worth elsewhere: with other models, on other domains, as far as it was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metasearch.report.evidence import Paired, by_task, paired
from metasearch.report.ranking import mean
from metasearch.report.rows import BASELINES
from metasearch.types import Json, Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo

__all__ = ["STRATEGY", "Transfer", "transfers"]

STRATEGY = "transfer"  # of the searches that hold one cell of the matrix each


@dataclass(frozen=True, slots=True)
class Transfer:
    """One design, and the baseline that it had to beat, in another place.

    Attributes:
        search: that holds it.
        mean, base: scores in [0, 1] on the tasks that each has met; None before the first.
        pair: on the tasks that both have met; None without any.
        dollars, tokens: of the design for one task.
        tasks: that were to be met.
    """

    search: str
    model: str
    domain: str
    status: str
    tasks: int
    mean: float | None
    base: float | None
    pair: Paired | None
    dollars: float
    tokens: float

    @property
    def is_complete(self) -> bool:
        """True when both designs have met all tasks."""
        return self.pair is not None and self.pair.tasks == self.tasks

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        return {
            "search": self.search,
            "model": self.model,
            "domain": self.domain,
            "status": self.status,
            "tasks": self.tasks,
            "mean": self.mean,
            "baseline_mean": self.base,
            "difference": self.pair.to_json() if self.pair else None,
            "complete": self.is_complete,
            "dollars": self.dollars,
            "tokens": self.tokens,
        }


def transfers(archive: Archive, design: str) -> list[Transfer]:
    """Return all that is recorded of a design's transfers, the oldest first.

    Args:
        archive: where they are.
        design: its id.
    """
    found = []
    for search in reversed(archive.searches()):
        if search.strategy == STRATEGY:
            entries = archive.entries(search.id)
            mine = [one for one in entries if one.design and one.design.id == design]
            if mine and mine[0].proposer not in BASELINES:
                bases = [one for one in entries if one.proposer in BASELINES]
                found.append(_transfer(archive, search, mine[0], bases[0] if bases else None))
    return found


def _transfer(
    archive: Archive, search: SearchInfo, entry: EntryInfo, base: EntryInfo | None
) -> Transfer:
    scores = archive.scores(search.id, Split.VALIDATION)
    own = by_task(scores.get(entry.number, {}))
    other = by_task(scores.get(base.number, {})) if base else {}
    summary = entry.validation
    return Transfer(
        search=search.id,
        model=str((search.config.get("model") or {}).get("name") or ""),
        domain=search.domain,
        status=str(search.status),
        tasks=search.sizes.get(Split.VALIDATION, 0),
        mean=mean(own) if own else None,
        base=mean(other) if other else None,
        pair=paired(own, other),
        dollars=summary.dollars_per_task if summary else 0.0,
        tokens=summary.tokens_per_task if summary else 0.0,
    )
