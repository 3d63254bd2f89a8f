"""A limit of processor time on code that runs in this process, a scorer above all."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Overtime", "processor_seconds"]

_AGAIN_SECONDS = 1.0  # for code that catches whatever is raised in it


class Overtime(BaseException):
    """The time is up. Not an `Exception`, so that the code it ends does not take it for its own."""


@contextmanager
def processor_seconds(most: float) -> Iterator[None]:
    """Raise `Overtime` in the block once this process has computed for `most` seconds in it.

    Regular expressions and arithmetic with huge integers are interrupted too; waiting is free.
    There is no limit where the system has no such clock (Windows) and outside the main thread, to
    which Python gives all signals.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _raise)
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, most, _AGAIN_SECONDS)
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def _raise(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    raise Overtime
