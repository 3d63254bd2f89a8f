"""How a call leaves a design: the one seam between the kit and the world.

In a sandbox the runner connects its pipe to the host here; an exported design connects a client of
its own.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Transport", "call", "call_blocking", "connect"]


class Transport(Protocol):
    """Answers calls. `op` is "ask", "run_code" or "turn"; all raise the kit's errors."""

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call while others go on."""
        ...

    def call_blocking(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call before anything else happens."""
        ...


_connected: list[Transport] = []


def connect(transport: Transport) -> None:
    """Send every later call through this transport."""
    _connected[:] = [transport]


async def call(op: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send one call and wait for its answer."""
    return await _transport().call(op, body)


def call_blocking(op: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send one call and let nothing else happen until its answer is there."""
    return _transport().call_blocking(op, body)


def _transport() -> Transport:
    if not _connected:
        raise RuntimeError("agentkit is not connected; call agentkit._link.connect first")
    return _connected[0]
