"""The clock of a run: writes the two lines of the log that `archive.worktime` reads."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from metasearch.archive.records import SearchInfo
from metasearch.archive.store import Archive
from metasearch.archive.worktime import BEGAN, CAPS, ENDED, worked_seconds
from metasearch.errors import ArchiveUnavailable

__all__ = ["Worktime", "timed"]


@dataclass(slots=True)
class Worktime:
    """The clock of one run.

    Attributes:
        before: seconds of earlier runs.
        clock: seconds, monotonic.
    """

    before: float
    clock: Callable[[], float]
    began: float

    def seconds(self) -> float:
        """Return the seconds in which the search has worked, earlier runs included."""
        return self.before + self.clock() - self.began


@contextmanager
def timed(archive: Archive, info: SearchInfo, clock: Callable[[], float]) -> Iterator[Worktime]:
    """Measure this run and write it down; `info` is from before this process took the lease."""
    events = archive.events(info.id)
    before = worked_seconds(events, info.lease)
    closed = worked_seconds([one for one in events if one.kind == ENDED], None)
    if before > closed:  # the last run was killed
        archive.add_event(info.id, ENDED, f"{before - closed:.3f} s, then it was killed")
    archive.add_event(info.id, BEGAN, json.dumps({cap: info.config["budget"][cap] for cap in CAPS}))
    worktime = Worktime(before, clock, clock())
    try:
        yield worktime
    finally:
        with contextlib.suppress(ArchiveUnavailable):  # then the last heartbeat has to do
            archive.add_event(info.id, ENDED, f"{worktime.seconds() - before:.3f} s")
