"""How long a search has worked, and under which caps: two lines in its log for every run.

A run that was killed has no second line. What is known of its end is its last heartbeat.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from metasearch.archive.records import EventInfo, Lease
from metasearch.types import Json

__all__ = ["BEGAN", "CAPS", "ENDED", "last_caps", "worked_seconds"]

BEGAN, ENDED = "run-began", "run-ended"
CAPS = ("usd", "tokens", "calls", "minutes")


def last_caps(events: Sequence[EventInfo]) -> dict[str, Json]:
    """Return the caps of the last run, by their keys in [budget]; {} before the first run."""
    texts = [event.text for event in events if event.kind == BEGAN]
    return json.loads(texts[-1]) if texts else {}


def worked_seconds(events: Sequence[EventInfo], lease: Lease | None) -> float:
    """Return the seconds in which a search has worked, the run that goes on now included.

    Args:
        events: its whole log.
        lease: who runs it, or ran it without saying goodbye.
    """
    total, began = 0.0, None
    for event in events:
        if event.kind == BEGAN:
            began = event
        elif event.kind == ENDED:
            total += float(event.text.split()[0])
            began = None
    return total if began is None else total + _open_seconds(events, began, lease)


def _open_seconds(events: Sequence[EventInfo], began: EventInfo, lease: Lease | None) -> float:
    signs = [event.at for event in events if event.id >= began.id]
    if lease is not None:
        signs.append(lease.heartbeat)
    # A clock that was set back gives no negative time.
    return max(0.0, (max(signs) - began.at).total_seconds())
