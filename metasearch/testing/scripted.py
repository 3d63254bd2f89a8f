"""A scripted model and short ways to run one design, for tests of sandboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from metasearch.sandbox.base import AnswerCall, Job, JobResult, Limits, Sandbox
from metasearch.types import Json, Outcome, Task

__all__ = ["HEALTHY", "QUICK", "ScriptedModel", "attack", "dedented", "run"]

HEALTHY = "def solve(task):\n    return 'healthy: ' + task.prompt\n"
QUICK = Limits(active_seconds=8.0, wall_seconds=30.0)  # far more than a design of these needs


class ScriptedModel:
    """An `AnswerCall`: says its texts in order, the last for ever, and notes what it was asked.

    Args:
        texts: replies; a `CallRefused` or another exception is raised instead.
        seconds: how long each reply takes.
    """

    def __init__(self, *texts: str | Exception, seconds: float = 0.0, finish: str = "stop") -> None:
        self._texts = texts or ("ok",)
        self._seconds = seconds
        self._finish = finish
        self.bodies: list[dict[str, Json]] = []
        self.open = self.most_open = 0

    async def __call__(self, body: dict[str, Json]) -> dict[str, Json]:
        """Say the next text."""
        text = self._texts[min(len(self.bodies), len(self._texts) - 1)]
        self.bodies.append(body)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.open -= 1
        if isinstance(text, Exception):
            raise text
        return {"text": text, "finish": self._finish}


async def run(
    sandbox: Sandbox,
    source: str,
    answer: Callable[[dict[str, Json]], Awaitable[dict[str, Json]]] | None = None,
    *,
    prompt: str = "6 * 7?",
    answer_type: str | tuple[str, ...] = "str",
    seed: int = 0,
    **limits: Any,
) -> JobResult:
    """Run one job of a design in a worker of its own; `limits` change those of `QUICK`."""
    inputs = Task("t", prompt, None, answer_type).public()
    worker = await sandbox.open(source)
    try:
        job = Job(inputs, seed, replace(QUICK, **limits))
        return await worker.run(job, answer or ScriptedModel())
    finally:
        await worker.close()


def dedented(source: str) -> str:
    """Return a design that was written inside a test without the margin."""
    lines = source.strip("\n").splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[margin:] for line in lines) + "\n"


async def attack(
    sandbox: Sandbox, source: str, model: AnswerCall | None = None, **limits: Any
) -> JobResult:
    """Run a hostile design, then a healthy job that must answer."""
    worker = await sandbox.open(dedented(source))
    try:
        job = Job(Task("t", "attack", None).public(), 0, replace(QUICK, **limits))
        result = await worker.run(job, model or ScriptedModel())
    finally:
        await worker.close()
    healthy = await sandbox.open(HEALTHY)
    try:
        after = await healthy.run(Job(Task("t", "after", None).public(), 0, QUICK), ScriptedModel())
    finally:
        await healthy.close()
    assert after.answer == "healthy: after", after
    assert result.outcome is not Outcome.INFRASTRUCTURE, result.error
    return result
