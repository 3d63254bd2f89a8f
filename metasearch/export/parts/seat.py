"""Plays an exported member of a society: one object a seat, fed with events and requests."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TextIO

__all__ = ["Seat", "main", "seated"]


class Seat:
    """One seat of an episode.

    Args:
        member: the design's object.
        kit: the copied `agentkit`.
        asking: lets the member ask its model inside a block; None for a member of mere rules.
    """

    def __init__(
        self,
        member: Any,
        kit: Any,
        asking: Callable[[], AbstractAsyncContextManager[None]] | None,
    ) -> None:
        self.member = member
        self._kit = kit
        self._asking = asking or nullcontext

    def observe(self, event: Mapping[str, Any]) -> None:
        """Tell it what has happened: `{"kind": ..., ...facts}`; first the "rules"."""
        self.member.observe(self._kit.Event(dict(event)))

    async def act(self, request: Mapping[str, Any]) -> Any:
        """Return its action for a request: `{"kind": ..., "reply": ..., ...facts}`.

        Raises:
            Exception: whatever the member itself raises; a game counts that as doing nothing.
        """
        async with self._asking():
            action = self.member.act(self._kit.Request(dict(request)))
            return await action if inspect.isawaitable(action) else action

    def decide(self, request: Mapping[str, Any]) -> Any:
        """Return its action, waiting for it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.act(request))
        with ThreadPoolExecutor(1) as pool:  # in a notebook, say, where a loop already runs
            return pool.submit(asyncio.run, self.act(request)).result()


def seated(
    make: Callable[[], Any],
    kit: Any,
    seed: int,
    asking: Callable[[], AbstractAsyncContextManager[None]] | None = None,
) -> Seat:
    """Return a new seat whose own chance follows from `seed`."""
    kit.Player._seed = seed
    return Seat(make(), kit, asking)


def main(
    seat: Callable[..., Seat], card: str, idea: str, arguments: Sequence[str] | None = None
) -> int:
    """Play one seat over standard input and output, a JSON object a line.

    `{"event": {...}}` is observed; `{"request": {...}}` is answered by a line with the action.

    Returns:
        0 at the end of the input, 2 where a line is none of these.
    """
    parser = argparse.ArgumentParser(description=idea, epilog=main.__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of its own chance")
    parser.add_argument("--card", action="store_true", help="print where this member comes from")
    given = parser.parse_args(arguments)
    if given.card:
        sys.stdout.write(card)
        return 0
    return _play(seat(given.seed), sys.stdin, sys.stdout)


def _play(seat: Seat, lines: TextIO, out: TextIO) -> int:
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            event, request = said.get("event"), said.get("request")
            if event is None and request is None:
                raise ValueError("neither an event nor a request")
        except (ValueError, AttributeError) as error:
            sys.stderr.write(f"member: line {number}: {error}\n")
            return 2
        if event is not None:
            seat.observe(event)
        if request is not None:
            out.write(json.dumps(_decided(seat, request)) + "\n")
            out.flush()
    return 0


def _decided(seat: Seat, request: Mapping[str, Any]) -> Any:
    """Return an action; a member's own fault is told, and its action is None."""
    try:
        return seat.decide(request)
    except Exception as error:  # noqa: BLE001 - the design's own; what a user can mend ends it
        sys.stderr.write(f"member: {type(error).__name__}: {error}\n")
        if (code := getattr(error, "exit_code", None)) is not None:
            raise SystemExit(code) from None
        return None
