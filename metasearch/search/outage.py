"""Waiting for an endpoint that is down, instead of failing, burning retries or scoring zeros.

The gateway says that nobody gets an answer any more (`EndpointDown`). Then all who ask wait here
together for one probe now and then, people are told, and the search goes on by itself when the
endpoint answers again. After the limit it pauses, to be resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from metasearch.errors import GatewayUnavailable
from metasearch.gateway.base import EndpointDown, Gateway, Spent
from metasearch.search.events import EndpointBack, Event
from metasearch.search.events import EndpointDown as Down
from metasearch.types import ModelReply, ModelRequest, Owner, Stream

__all__ = ["Interrupted", "Outage", "Patient", "Recovering"]


class Interrupted(Exception):
    """The user asked to stop; what was in flight is finished and saved."""


class Recovering(Protocol):
    """What of a gateway knows whether an endpoint is down."""

    def trouble(self) -> str:
        """Return one line that says which endpoint is down and why, "" when none is."""
        ...

    async def recovered(self, tell: Callable[[str, float], None] | None = None) -> None:
        """Wait until all endpoints answer again; `tell` hears of each attempt before it."""
        ...


@dataclass(slots=True)
class Outage:
    """One waiting room for all calls of a search.

    Attributes:
        gateway: is asked whether the endpoint is back.
        limit: seconds of waiting after which the search pauses; 0.0 does not wait.
        show: tells people.
        note: writes a line into the archive's log: kind, text.
        clock: seconds, monotonic.
    """

    gateway: Recovering
    limit: float
    show: Callable[[Event], None]
    note: Callable[[str, str], None]
    clock: Callable[[], float]
    _waiting: asyncio.Task[None] | None = None
    _given_up: str = ""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self._stop.set()

    async def over(self, error: EndpointDown) -> None:
        """Return once the endpoint answers again.

        Raises:
            GatewayUnavailable: it did not within the limit.
            Interrupted: the search is to stop.
            BudgetExhausted, ConfigError: an attempt to reach it met that.
        """
        if self._given_up:
            raise GatewayUnavailable(self._given_up)
        if self._waiting is None:
            if not self.gateway.trouble():
                return  # it came back meanwhile
            self._waiting = asyncio.create_task(self._wait(str(error)))
            self._waiting.add_done_callback(self._ended)
        await asyncio.shield(self._waiting)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._waiting = None
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits any more

    async def _wait(self, trouble: str) -> None:
        began = self.clock()
        minutes = f"{self.limit / 60:g} minutes"
        self.note("outage", f"{trouble}; the search waits for it, {minutes} at most")

        def tell(why: str, wait: float) -> None:
            self.show(Down(why, self.clock() - began, wait, self.limit))

        back = asyncio.create_task(self.gateway.recovered(tell))
        stop = asyncio.create_task(self._stop.wait())
        try:
            ends = asyncio.FIRST_COMPLETED
            await asyncio.wait((back, stop), timeout=self.limit, return_when=ends)
            if back.done():
                back.result()
            elif stop.done():
                raise Interrupted("stopped while the endpoint was down")
            else:
                self._given_up = f"{self.gateway.trouble() or trouble}; waited {minutes} for it"
                raise GatewayUnavailable(self._given_up)
        finally:
            back.cancel()
            stop.cancel()
            await asyncio.gather(back, stop, return_exceptions=True)
        seconds = self.clock() - began
        self.note("outage-over", f"the endpoint answers again, after {seconds:.0f} s")
        self.show(EndpointBack(seconds))


@dataclass(frozen=True, slots=True)
class Patient:
    """A gateway whose callers wait while the endpoint is down; implements `gateway.Gateway`.

    For proposers, which no clock limits. A design's job has a clock, so it is ended and repeated.
    """

    gateway: Gateway
    outage: Outage

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        """Answer as the gateway does, however long that takes."""
        while True:
            try:
                return await self.gateway.ask(request, stream, owner)
            except EndpointDown as error:
                await self.outage.over(error)

    async def check(self) -> None:
        """Find what is wrong before anything is spent; nobody waits here."""
        await self.gateway.check()

    def spent(self, owner: Owner | None = None) -> Spent:
        """Return what was paid so far."""
        return self.gateway.spent(owner)

    async def close(self) -> None:
        """Close the gateway."""
        await self.gateway.close()
