"""Runs a seed in a sandbox with a scripted model, and keeps what each agent was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metasearch.sandbox.base import CallRefused, Job, JobResult, Sandbox
from metasearch.search.seeds import seeds
from metasearch.types import Json, Task

SEEDS = {design.name: design for design in seeds()}
SUM = Task("t1", "What is 2 + 3?", 5, "int")


@dataclass(frozen=True)
class Asked:
    """One call as the host sees it."""

    agent: str
    system: str
    user: str
    temperature: float | None
    schema: Json

    @property
    def fields(self) -> list[str]:
        return list((self.schema or {}).get("properties", {}))


@dataclass(frozen=True)
class Played:
    result: JobResult
    asked: list[Asked]

    @property
    def answer(self) -> Json:
        assert self.result.outcome == "answered", self.result
        return self.result.answer


Script = Callable[[Asked, int], Any]
"""(the call, how many came before it) -> the reply: text as it is, anything else as its JSON."""


async def play(
    sandbox: Sandbox, seed: str, script: Script, task: Task = SUM, *, calls: int = 100
) -> Played:
    """Run a seed once; it may make so many calls."""
    asked: list[Asked] = []

    async def answer(body: dict[str, Json]) -> dict[str, Json]:
        if len(asked) == calls:
            raise CallRefused("over_budget", f"{calls} calls a task")
        [system, user] = body["messages"]
        assert (system["role"], user["role"]) == ("system", "user")
        call = Asked(
            body["agent"],
            system["content"],
            user["content"],
            body.get("temperature"),
            body.get("schema"),
        )
        asked.append(call)
        reply = script(call, len(asked) - 1)
        return {"text": reply if isinstance(reply, str) else json.dumps(reply), "finish": "stop"}

    worker = await sandbox.open(SEEDS[seed].source)
    try:
        return Played(await worker.run(Job(task.public()), answer), asked)
    finally:
        await worker.close()


def fitting(call: Asked, number: int) -> Any:
    """A reply with every field that was asked for; texts say in which call they were given."""
    if call.schema is None:
        return f"answer = {number}"
    reply: dict[str, Any] = {}
    for name, part in call.schema["properties"].items():
        kinds = {
            "integer": number,
            "number": number,
            "boolean": False,
            "string": f"<{name} {number}>",
        }
        reply[name] = part["enum"][0] if "enum" in part else kinds[part["type"]]
    return reply
