"""Warm places: a design keeps its worker from its smoke test to the end of its race."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from metasearch.sandbox.base import Sandbox, Worker
from metasearch.types import Design

__all__ = ["Workers"]

KEPT = 8  # idle workers at most; a container that waits has some 20 MB


@dataclass(slots=True)
class Workers:
    """Lends workers, and closes them behind the search's back.

    Starting a container takes a third of a second and removing one a tenth, most of it processor
    time that the jobs of other designs would need, so an idle worker waits for its design's next
    stage. It never serves another design.
    """

    sandbox: Sandbox
    _idle: dict[str, Worker] = field(default_factory=dict, init=False)  # the longest idle first
    _closing: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    @asynccontextmanager
    async def use(self, design: Design) -> AsyncIterator[Worker]:
        """Lend a worker of this design; two at once get two.

        Raises:
            SandboxUnavailable: there is none, and none can be opened.
        """
        worker = self._idle.pop(design.id, None) or await self.sandbox.open(design.source)
        try:
            yield worker
        finally:
            self.let_go(design)
            self._idle[design.id] = worker
            if len(self._idle) > KEPT:
                self._close(self._idle.pop(next(iter(self._idle))))

    def let_go(self, design: Design) -> None:
        """Close what waits for this design: its race is over."""
        if (worker := self._idle.pop(design.id, None)) is not None:
            self._close(worker)

    async def close(self) -> None:
        """Close what is idle, and wait for all that is being closed."""
        while self._idle:
            self._close(self._idle.popitem()[1])
        while self._closing:
            await asyncio.gather(*self._closing)

    def _close(self, worker: Worker) -> None:
        closing = asyncio.create_task(worker.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
