"""What went wrong too often in a search, and what it waits for: for `status` and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.archive.records import EntryInfo, EventInfo

__all__ = ["alarms", "outcomes", "suspicious", "waiting"]


def outcomes(entries: Iterable[EntryInfo]) -> Counter[str]:
    """Count how the evaluations of a search ended."""
    counts: Counter[str] = Counter()
    for entry in entries:
        for summary in entry.summaries.values():
            counts.update({str(kind): count for kind, count in summary.outcomes.items()})
    return counts


def alarms(entries: Iterable[EntryInfo], events: Iterable[EventInfo]) -> list[dict[str, Json]]:
    """Return the kinds of failure that come too often, with today's counts where they are known.

    Args:
        entries: all of the search.
        events: its whole log; what no row counts is as it was when the alarm was raised.
    """
    from metasearch.search.alarms import complaints
    from metasearch.search.guard import ALARM

    counts = outcomes(entries)
    said = {event.kind.removeprefix(ALARM): event.text for event in events if _is_alarm(event)}
    texts = {one.kind: one.text for one in complaints(counts, counts.total())}
    return [{"kind": kind, "text": text} for kind, text in {**said, **texts}.items()]


def _is_alarm(event: EventInfo) -> bool:
    from metasearch.search.guard import ALARM

    return event.kind.startswith(ALARM)


def suspicious(events: Iterable[EventInfo], number: int) -> str:
    """Return what is odd about the score of an entry, "" where nothing is."""
    from metasearch.search.guard import ALARM
    from metasearch.search.suspicion import SUSPECT

    wanted = f"{ALARM}{SUSPECT}{number}"
    return next((event.text for event in events if event.kind == wanted), "")


def waiting(events: Sequence[EventInfo]) -> str:
    """Return why a running search waits for its endpoint, and since when; "" when it does not."""
    last = next((one for one in reversed(events) if one.kind.startswith(("outage", "run-"))), None)
    if last is None or last.kind != "outage":
        return ""
    return f"waits since {last.at:%H:%M:%S} UTC: {last.text}"
