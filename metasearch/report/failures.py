"""What failed in a search, and why: counted, and grouped where reasons are alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from metasearch.archive.records import EntryStatus
from metasearch.types import Json, Outcome

if TYPE_CHECKING:
    from metasearch.archive.records import EventInfo
    from metasearch.report.rows import Rows

__all__ = ["Failures", "Group", "failures"]

ALARM = "alarm-"  # how the kind of such a line in the log begins; the alarm's own kind follows
NOTHING = (EntryStatus.INVALID, EntryStatus.DUPLICATE, EntryStatus.FAILED)
QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`")
NUMBER = re.compile(r"#?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Group:
    """Proposals that came to nothing for the same reason.

    Attributes:
        reason: of the first of them, word for word.
        numbers: their entries.
    """

    status: str
    reason: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Failures:
    """What went wrong.

    Attributes:
        outcomes: evaluations by how they ended, of all designs and splits, answered ones too.
        proposals: entries by status.
        groups: those that came to nothing, the most frequent reason first.
        alarms: what the search warned of.
        outages: how often it waited for its endpoint, with their lines in the log.
        outage_seconds: for how long.
    """

    outcomes: Mapping[str, int]
    proposals: Mapping[str, int]
    groups: Sequence[Group]
    alarms: Sequence[str]
    outages: Sequence[str]
    outage_seconds: float

    @property
    def evaluations(self) -> int:
        """Return how many evaluations there were."""
        return sum(self.outcomes.values())

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        return asdict(self)


def failures(rows: Rows) -> Failures:
    """Count what failed."""
    outcomes: Counter[str] = Counter()
    for entry in rows.entries:
        for summary in entry.summaries.values():
            outcomes.update({str(kind): count for kind, count in summary.outcomes.items()})
    outcomes.setdefault(str(Outcome.ANSWERED), 0)
    return Failures(
        outcomes=dict(outcomes.most_common()),
        proposals=dict(Counter(str(entry.status) for entry in rows.entries).most_common()),
        groups=_groups(rows),
        alarms=[event.text for event in rows.events if event.kind.startswith(ALARM)],
        outages=[event.text for event in rows.events if event.kind == "outage"],
        outage_seconds=_waited(rows.events),
    )


def _groups(rows: Rows) -> list[Group]:
    found: dict[tuple[str, str], list[int]] = {}
    first: dict[tuple[str, str], str] = {}
    for entry in rows.entries:
        if entry.status in NOTHING:
            key = (str(entry.status), _kind(entry.reason))
            found.setdefault(key, []).append(entry.number)
            first.setdefault(key, entry.reason)
    groups = [Group(key[0], first[key], tuple(numbers)) for key, numbers in found.items()]
    return sorted(groups, key=lambda group: (-len(group.numbers), group.numbers))


def _kind(reason: str) -> str:
    """Return what reasons that differ in names and numbers alone have in common."""
    line = reason.strip().rpartition("\n")[2]  # of a traceback, what was raised
    return NUMBER.sub("0", QUOTED.sub("'...'", line))


def _waited(events: Sequence[EventInfo]) -> float:
    """Return the seconds from each outage's first line to its end, or to the end of that run."""
    total, began = 0.0, None
    for event in events:
        if event.kind == "outage":
            began = began or event.at
        elif began is not None and (event.kind == "outage-over" or event.kind.startswith("run-")):
            total += max(0.0, (event.at - began).total_seconds())
            began = None
    return total
