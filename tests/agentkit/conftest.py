from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from metasearch.assets import asset

# Designs import the kit by its own name; here it comes from the folder that the sandboxes get.
sys.path.append(str(asset("sandbox") / "image"))


class Script:
    """A transport of the kit: answers from a list, notes what was asked."""

    def __init__(self) -> None:
        self.replies: list[Any] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def say(self, *texts: Any) -> None:
        """Queue texts, (text, finish) pairs, dicts or exceptions; the last repeats."""
        self.replies += texts

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.call_blocking(op, body)

    def call_blocking(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((op, body))
        reply = self.replies[0] if len(self.replies) == 1 else self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, dict):
            return reply
        text, finish = reply if isinstance(reply, tuple) else (reply, "stop")
        return {"text": text, "finish": finish}


@pytest.fixture
def script() -> Iterator[Script]:
    from agentkit import _link

    before = list(_link._connected)
    made = Script()
    _link.connect(made)
    yield made
    _link._connected[:] = before
