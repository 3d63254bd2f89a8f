"""One seat of a society: takes turns with the host until it says that all is over.

A turn hands over what the member made of its last request, and brings what has happened since and
the next request. Whatever goes wrong in a member's own code costs it that one action.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, TypeAlias

from agentkit import Event, Player, Request
from runner.loop import PipeLoop
from runner.pipe import Pipe
from runner.report import failure, plain

__all__ = ["Seat", "Turn", "made", "seated", "serve"]

Turn: TypeAlias = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Hands over `{}`, `{action}` or `{kind, error}`; returns `{events, request}`."""


class Seat:
    """Serves one member.

    Args:
        member: the design's own.
        turn: takes one turn.
        most_bytes: of an action, as JSON.

    Attributes:
        is_deciding: the member's code runs, and not this class'.
    """

    def __init__(self, member: Any, turn: Turn, most_bytes: int) -> None:
        self.is_deciding = False
        self._member, self._turn, self._most_bytes = member, turn, most_bytes
        self._plays = 0

    async def play(self, said: dict[str, Any] | None = None) -> None:
        """Take turns until there is no further request, or until this is begun anew.

        Args:
            said: what to hand over first.
        """
        said = said or {}
        self._plays += 1
        mine = self._plays
        while mine == self._plays:  # else it was given up here, and woke later
            got = await self._turn(said)
            if got.get("request") is None:
                return
            self.is_deciding = True
            said = await self._decided(got.get("events") or [], got["request"])
            self.is_deciding = False

    async def _decided(self, events: list[Any], request: dict[str, Any]) -> dict[str, Any]:
        """Let the member learn and decide; all events reach it, also after one that it met badly.

        Raises:
            CancelledError: the member has cancelled itself.
        """
        wrong = None
        for event in events:
            try:
                await _finished(self._member.observe(Event(event)))
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # SystemExit and the like are the member's doing, too
                wrong = wrong or failure(error)
        if wrong is not None:
            return wrong
        try:
            action = await _finished(self._member.act(Request(request)))
            return {"action": plain(action, "the action", self._most_bytes)}
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # as above
            return failure(error)


async def _finished(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def made(module: ModuleType, seed: int) -> Any:
    """Return the design's member, with this seat's own chance.

    Raises:
        NameError: the design defines none.
    """
    member = getattr(module, "Member", None)
    if member is None:
        raise NameError("the design defines no class Member(Player)")
    Player._seed = seed
    try:
        return member()
    finally:
        Player._seed = None


def seated(module: ModuleType, seed: int, pipe: Pipe, most_bytes: int) -> Seat:
    """Return the seat of a design's member at the pipe to the host."""

    async def turn(said: dict[str, Any]) -> dict[str, Any]:
        return pipe.call_blocking("turn", said)  # nothing of the member runs while others act

    return Seat(made(module, seed), turn, most_bytes)


def serve(seat: Seat, loop: PipeLoop) -> None:
    """Play to the end.

    What stops the loop itself while the member decides, a wait for what can never happen say, costs
    that action as any error does.
    """
    said: dict[str, Any] = {}
    while True:
        try:
            return loop.run_until_complete(seat.play(said))
        except BaseException as error:  # of a member's code, whatever it is
            if not seat.is_deciding:
                raise
            seat.is_deciding = False
            said = failure(error)
