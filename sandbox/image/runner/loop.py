"""An asyncio event loop whose only source of events is the pipe to the host."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from runner.pipe import Pipe

__all__ = ["Deadlock", "PipeLoop", "PipePolicy"]

_THREADS_LOOK_SECONDS = 0.02  # nothing wakes the loop from a thread, so it looks itself


class Deadlock(RuntimeError):
    """Every task waits and nothing is left that could wake one."""


class PipeLoop(asyncio.BaseEventLoop):
    """Waits by a blocking read of the next frame; timers work by the time-out of `poll`."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self._selector = self  # the base class asks it for events

    def select(self, timeout: float | None) -> list[dict[str, Any]]:
        """Return the frames that came within `timeout` seconds; without one, wait for the next."""
        if threading.active_count() > 1:
            timeout = min(_THREADS_LOOK_SECONDS, timeout if timeout is not None else 1.0)
        elif timeout is None and not self._pipe.waiting():
            raise Deadlock("every task waits for something that can never happen")
        frames: list[dict[str, Any]] = []
        while (frame := self._pipe.receive(timeout)) is not None:
            frames.append(frame)
            timeout = 0
        return frames

    def _process_events(self, frames: list[dict[str, Any]]) -> None:
        for frame in frames:
            self._pipe.dispatch(frame)

    def _write_to_self(self) -> None:
        """Nothing to wake: there is one thread, or `select` looks every few milliseconds."""


class PipePolicy(asyncio.DefaultEventLoopPolicy):
    """Gives `asyncio.run` and `asyncio.new_event_loop` of a design the same kind of loop."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop over the one pipe."""
        return PipeLoop(self._pipe)
