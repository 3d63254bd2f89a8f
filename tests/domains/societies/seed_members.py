"""Shipped members as bots on the host: trusted source, this process, a scripted model."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from metasearch.assets import asset
from metasearch.domains.societies.base import MakeBot

Script = Callable[[dict[str, Any]], Any]
"""The body of one call -> the reply: text as it is, anything else as its JSON."""


class SeedMember:
    """One `Member` of a shipped file."""

    def __init__(self, source: str, rng: random.Random) -> None:
        from agentkit import Event, Request

        self._event, self._request = Event, Request
        names: dict[str, Any] = {"__name__": "design"}
        exec(compile(source, "design", "exec"), names)
        self.member = names["Member"]()
        self.member.rng = rng

    def observe(self, event: dict[str, Any]) -> None:
        self.member.observe(self._event(event))

    def act(self, request: dict[str, Any]) -> Any:
        value = self.member.act(self._request(request))
        if not hasattr(value, "send"):
            return value
        try:
            value.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("the member waits for more than a scripted model")


def seed_member(
    monkeypatch: pytest.MonkeyPatch, game: str, name: str, script: Script | None = None
) -> MakeBot:
    """Return what makes the members of `seeds/social/<game>/<name>.py`."""
    monkeypatch.syspath_prepend(str(asset("sandbox") / "image"))
    from agentkit import _link

    async def call(op: str, body: dict[str, Any]) -> dict[str, Any]:
        assert script is not None, "this member asks a model"
        reply = script(body)
        return {"text": reply if isinstance(reply, str) else json.dumps(reply), "finish": "stop"}

    monkeypatch.setattr(_link, "call", call)
    source = (asset("seeds") / "social" / game / f"{name}.py").read_text()
    return lambda rng: SeedMember(source, rng)
