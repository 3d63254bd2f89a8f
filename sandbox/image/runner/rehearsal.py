"""Plays a few jobs of our own before there is a real one, so that every real one starts quicker.

CPython specialises code where it lies in memory while it first runs, and fills caches. Every job
would do so anew and copy each page that it changes: a rehearsal saves a sixth of its processor time
until its first question and a tenth of its memory. No design and no input is there yet, and what is
played leaves nothing that a job could see.
"""

from __future__ import annotations

import asyncio
import json
import linecache
import socket
import sys
from typing import Any

from runner import job, report
from runner.pipe import Pipe

__all__ = ["play", "play_once"]

ROUNDS = 12  # CPython specialises a function after eight runs or so
_DESIGN = """
from agentkit import Agent, Task, gather

async def solve(task: Task) -> str:
    said = (await Agent("one").ask(task.prompt)).text
    agents = [Agent("two", temperature=0.5), Agent("three")]
    replies = await gather(agent.ask(said, fields={"answer": str}) for agent in agents)
    return replies[0].answer
"""
_MEMBER = """
from agentkit import Agent, Event, Player, Request

class Member(Player):
    def observe(self, event: Event) -> None:
        super().observe(event)
        self.notes[event.kind] = event.get("you")

    async def act(self, request: Request) -> int:
        if request.kind == "talk":
            return {"text": (await Agent("one").ask(str(request), *self.events)).text}
        return min(request.stock, self.rng.randrange(2))
"""
_RULES = {"kind": "rules", "text": "?", "you": "A"}
_ASKED = (
    {"kind": "take", "stock": 10, "reply": {"type": "int", "low": 0, "high": 10}},
    {"kind": "talk", "transcript": [], "reply": {"type": "str", "most": 10}},
)
_TURNS = 4  # of one member
_LIMITS = {"open_calls": 16, "output_bytes": 16_000, "answer_bytes": 64_000}
_SAID = {"text": '{"answer": "x"}', "finish": "stop"}
_JOBS: tuple[dict[str, Any], ...] = (
    {"source": _DESIGN, "inputs": {"prompt": "?", "answer_type": "str"}, "entry": "solve"},
    {"source": "print(1)\n1 + 1", "inputs": {}, "entry": "run_code"},
    {"source": _MEMBER, "inputs": {}, "entry": "member"},
)


def play() -> None:
    """Run the jobs until nothing gets quicker any more."""
    _play(_JOBS * ROUNDS)


def play_once() -> None:
    """Run one job in a process that waits for its own, which finds its pages copied already."""
    _play(_JOBS[:1])


def _play(jobs: tuple[dict[str, Any], ...]) -> None:
    """Run jobs, and put everything back that they change."""
    streams = sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__
    host, mine = socket.socketpair()
    with host, mine:
        for each in jobs:
            pipe = _Answered(host, mine)
            host.sendall(_framed({**each, "seed": 1, "limits": _LIMITS}))
            result = job.run(pipe.receive() or {}, job.Stage(pipe))
            if result["status"] != "answered":
                raise RuntimeError(f"the rehearsal failed: {result['error']}")
    sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
    asyncio.set_event_loop_policy(None)
    sys.modules.pop(report.FILE.removesuffix(".py"), None)
    linecache.clearcache()


class _Answered(Pipe):
    """A pipe whose other end answers each call at once."""

    def __init__(self, host: socket.socket, mine: socket.socket) -> None:
        super().__init__(mine.fileno(), mine.fileno())
        self._host = host
        self._turns = 0

    def _write(self, body: bytes) -> None:
        super()._write(body)
        call = json.loads(self._host.recv(1 << 16)[4:])
        value = self._turn() if call["op"] == "turn" else _SAID
        self._host.sendall(_framed({"type": "reply", "id": call["id"], "value": value}))

    def _turn(self) -> dict[str, Any]:
        self._turns += 1
        asked = _ASKED[self._turns % len(_ASKED)] if self._turns <= _TURNS else None
        return {"events": [_RULES], "request": asked}


def _framed(value: dict[str, Any]) -> bytes:
    body = json.dumps(value).encode()
    return len(body).to_bytes(4, "big") + body
