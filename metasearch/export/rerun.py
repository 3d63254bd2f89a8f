"""Fills in what a trace does not hold: the results of programs that a design ran.

The record has every model call, but `run_code` never leaves the sandbox. So the recorded tasks are
played once more in a sandbox, with the recorded replies, and the results are noted on the way. An
exported package can then replay them without running a program.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from metasearch.export.base import Bundle, RecordedRun, RecordedTask, runs_code
from metasearch.sandbox.base import CallRefused, Job, Sandbox, Worker
from metasearch.types import Design, Json, ModelCall, Outcome, Task

__all__ = ["with_runs"]

# Appended to the design. The kit's modules reach the link by attribute, so they all use this one.
LISTENER = """

def _listen(task_runs):
    from agentkit import _link

    send = _link.call

    async def call(op, body):
        got = await send(op, body)
        if op == "run_code":
            task_runs.append({"code": body["code"], "reply": got})
        return got

    _link.call = call


_listened = []
_listen(_listened)
_listened_solve = solve


async def solve(task):
    import inspect

    from agentkit import Reply

    answer = _listened_solve(task)
    if inspect.isawaitable(answer):
        answer = await answer
    if isinstance(answer, Reply):
        answer = answer._fields.get("answer", answer._text)
    return {"answer": answer, "runs": _listened}
"""


async def with_runs(bundle: Bundle, sandbox: Sandbox) -> Bundle:
    """Return the bundle with the results of every program that its recorded tasks ran.

    A task that cannot be played to the recorded answer (its calls depend on the clock, say) is left
    as it was. Nothing is run where the design runs no programs.

    Raises:
        SandboxUnavailable: the sandbox cannot run anything; the bundle can be exported without.
    """
    if not runs_code(bundle.design.source) or not bundle.recorded:
        return bundle
    listening = Design(bundle.design.source + LISTENER)
    worker = await sandbox.open(listening.source)
    try:
        recorded = [await _played(worker, task) for task in bundle.recorded]
    finally:
        await worker.close()
    return replace(bundle, recorded=tuple(recorded))


async def _played(worker: Worker, recorded: RecordedTask) -> RecordedTask:
    left = list(recorded.calls)

    async def answer(body: dict[str, Json]) -> dict[str, Json]:
        call = _taken(left, body)
        if call is None or call.reply is None:
            raise CallRefused("bad_request", "this was not recorded")
        return {"text": call.reply.text, "finish": str(call.reply.finish)}

    shown = Task("", recorded.prompt, None, recorded.answer_type)
    result = await worker.run(Job(shown.public(), seed=recorded.seed), answer)
    played = result.answer
    if result.outcome is not Outcome.ANSWERED or not isinstance(played, dict):
        return recorded
    if _same(played.get("answer"), recorded.answer) and not left:
        return replace(recorded, runs=tuple(_runs(played.get("runs"))))
    return recorded


def _taken(left: list[ModelCall], body: dict[str, Json]) -> ModelCall | None:
    for place, call in enumerate(left):
        messages = [{"role": part.role, "content": part.content} for part in call.request.messages]
        if messages == body.get("messages"):
            return left.pop(place)
    return None


def _runs(given: Json) -> Sequence[RecordedRun]:
    if not isinstance(given, list):
        return []
    return [RecordedRun(str(run["code"]), run["reply"]) for run in given]


def _same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
