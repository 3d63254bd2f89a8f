"""What a search has really spent, and on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metasearch.types import Json, Owner

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EventInfo, SearchInfo, SpentRow

__all__ = ["PARTS", "Spending", "spending"]

PARTS = {Owner.PROPOSER: "proposing", Owner.EVALUATION: "evaluating", Owner.PROBE: "probing"}


@dataclass(frozen=True, slots=True)
class Spending:
    """What was really paid, restarts included.

    Attributes:
        parts: by who spent it.
        minutes: of wall clock.
        caps: of its last run: usd, tokens, calls, minutes; None is no cap.
    """

    total: SpentRow
    parts: Mapping[Owner, SpentRow]
    minutes: float
    caps: Mapping[str, Json] = field(default_factory=dict)

    def line(self) -> str:
        """Say it in one line."""
        total = self.total
        parts = ", ".join(f"{PARTS[owner]} ${row.dollars:.4f}" for owner, row in self.parts.items())
        return (
            f"${total.dollars:.4f}{self._of('usd', '$')} ({parts}), {total.usage.total:,} tokens"
            f"{self._of('tokens')}, {total.calls:,} calls{self._of('calls')}, "
            f"{self.minutes:.1f}{self._of('minutes')} minutes"
        )

    def _of(self, cap: str, sign: str = "") -> str:
        value = self.caps.get(cap)
        return "" if value is None else f" of {sign}{value:,}"

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON, each part beside the whole."""
        parts = {PARTS[owner]: _row(row) for owner, row in self.parts.items()}
        return {**_row(self.total), "minutes": self.minutes, **parts, "caps": dict(self.caps)}


def _row(row: SpentRow) -> dict[str, Json]:
    return {"dollars": row.dollars, "tokens": row.usage.total, "calls": row.calls}


def spending(archive: Archive, search: SearchInfo, events: Sequence[EventInfo]) -> Spending:
    """Add up what a search has spent; `events` is its whole log."""
    from metasearch.archive.worktime import CAPS, last_caps, worked_seconds

    parts = {owner: archive.spent(search.id, owner) for owner in Owner}
    budget = {**(search.config.get("budget") or {}), **last_caps(events)}
    caps = {name: budget.get(name) for name in CAPS}
    minutes = worked_seconds(events, search.lease) / 60
    return Spending(archive.spent(search.id), parts, minutes, caps)
