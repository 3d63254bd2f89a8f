"""How long an evaluation takes by itself: its critical path.

The clock on the wall says how busy the endpoint was, and that a call which another design had made
before took no time at all. What people want to know of a design is neither of the two.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import NamedTuple

__all__ = ["CriticalPath"]


class _Mark(NamedTuple):
    """A moment: by the clock, and where it would be if every call were made and none waited."""

    wall: float
    path: float


class CriticalPath:
    """The seconds of one evaluation if every call is made and none waits for its turn.

    Calls that are made at once count once, as long as the longest of them. What a call follows from
    is told by the job that makes it: how many replies it had heard. A design that lies there seems
    faster than it is; nothing is chosen by that, and the host could not tell by itself, for what is
    on record is answered before the next of a dozen calls has left the job.
    """

    def __init__(self) -> None:
        now = time.monotonic()
        self._start = _Mark(now, now)
        self._ended: defaultdict[int | None, list[_Mark]] = defaultdict(list)

    def begin(self, heard: object, seat: int | None = None) -> float:
        """Return where on the path a call begins, for `end`.

        Args:
            heard: how many replies its job had been handed, untrusted; what is no such number
                stands for all of them.
            seat: of a society; None where there are no seats.
        """
        ended = self._ended[seat]
        if isinstance(heard, int) and not isinstance(heard, bool) and heard >= 0:
            ended = ended[:heard]
        known = _last([self._start, *ended])
        return known.path + time.monotonic() - known.wall

    def end(self, begun: float, seconds: float, seat: int | None = None) -> None:
        """Let a call end that took so many seconds when it was really made."""
        self._ended[seat].append(_Mark(time.monotonic(), begun + seconds))

    def meet(self) -> None:
        """Let all that comes now follow from all that has ended, whichever seat's it was."""
        self._start = self._all()

    def seconds(self, wall: float) -> float:
        """Return the critical path of a job that took `wall` seconds, at least 0."""
        end = self._all()
        return max(0.0, wall + end.path - end.wall)

    def _all(self) -> _Mark:
        return _last([self._start, *(mark for ended in self._ended.values() for mark in ended)])


def _last(marks: list[_Mark]) -> _Mark:
    return _Mark(max(mark.wall for mark in marks), max(mark.path for mark in marks))
