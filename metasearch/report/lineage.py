"""How a design came about: its line of main parents, and what each step gained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from metasearch.stats import Estimate, paired_difference
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.archive.records import EntryInfo
    from metasearch.report.rows import Rows

__all__ = ["Step", "steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One design of the line, the oldest first.

    Attributes:
        others: its further parents; the main one is the step before.
        score: of the samples that rank designs; None where it met no validation task.
        gain: over the main parent on the tasks that both met, with its 95 % interval.
        tasks: how many those are.
    """

    number: int
    design: str
    name: str
    idea: str
    proposer: str
    operator: str
    status: str
    others: tuple[int, ...]
    score: float | None
    gain: Estimate | None = None
    tasks: int = 0

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        return {**asdict(self), "gain": self.gain._asdict() if self.gain else None}


def steps(rows: Rows, entry: EntryInfo) -> list[Step]:
    """Return the line of main parents that ends in `entry`, the oldest first."""
    known = {one.number: one for one in rows.entries}
    line = [entry]
    # An archive from elsewhere may hold a circle; a line never meets a design twice.
    while line[-1].parents and (parent := known.get(line[-1].parents[0])) is not None:
        if parent in line:
            break
        line.append(parent)
    return [_step(rows, one) for one in reversed(line)]


def _step(rows: Rows, entry: EntryInfo) -> Step:
    own = rows.first.get(entry.number, {})
    base = rows.first.get(entry.parents[0], {}) if entry.parents else {}
    shared = sorted(own.keys() & base.keys())
    return Step(
        number=entry.number,
        design=entry.design.id if entry.design else "",
        name=entry.name,
        idea=entry.design.idea if entry.design else "",
        proposer=entry.proposer,
        operator=entry.operator,
        status=str(entry.status),
        others=entry.parents[1:],
        score=sum(own.values()) / len(own) if own else None,
        gain=_gain(own, base, shared) if shared else None,
        tasks=len(shared),
    )


def _gain(own: Mapping[str, float], base: Mapping[str, float], shared: list[str]) -> Estimate:
    return paired_difference([own[task] for task in shared], [base[task] for task in shared])
