"""Runs one job: reads its frame, executes the design, sends exactly one result, ends the process.

Whatever the design does is reported, never raised. What is reported is a stranger's word to the
host, which measures time, counts calls and checks the answer itself.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import inspect
import io
import json
import linecache
import random
import sys
from collections import namedtuple
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

import agentkit
from agentkit import _link, adas
from runner import code, member
from runner.loop import PipeLoop, PipePolicy
from runner.pipe import MAX_SENT, Pipe, leave
from runner.printed import Printed
from runner.report import FILE, failure, plain

__all__ = [
    "Stage",
    "answered",
    "begun",
    "failure",
    "load",
    "main",
    "preload",
    "run",
    "task_of",
    "unwrapped",
]

PRELOADED = [
    "bisect",
    "calendar",
    "cmath",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "math",
    "operator",
    "re",
    "statistics",
    "string",
    "textwrap",
    "time",
    "typing",
    "unicodedata",
]
_TYPES = {"str": str, "int": int, "float": float, "bool": bool}
_BALLAST_BYTES = 1 << 20  # given back when memory runs out, so that this can still be said
# What the functions of the paper's archives find in the module that executes them.
_ADAS_GLOBALS = {
    "Info": adas.Info,
    "LLMAgentBase": adas.LLMAgentBase,
    "copy": copy,
    "json": json,
    "namedtuple": namedtuple,
    "random": random,
}


class Stage:
    """All that a job needs and that is the same for every job.

    Made before a job's process is forked, which then has nothing of it to make.

    Attributes:
        narrow: gives up what the members of a society could talk by, where there is any of that.
    """

    narrow: Callable[[], None] | None = None

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.loop = PipeLoop(pipe)
        self.policy = PipePolicy(pipe)
        self.printed = Printed()
        self.stdin = io.StringIO()
        self.ballast = [bytes(_BALLAST_BYTES)]  # reserved, never touched: no page of it is taken


def preload() -> None:
    """Import what designs use, so that a job does not have to."""
    for name in PRELOADED:
        importlib.import_module(name)


def main(stage: Stage | None = None, *, ready: bool = True) -> NoReturn:
    """Serve one job over its pipe and end the process.

    Args:
        stage: None is one over standard input and output.
        ready: say that everything is imported before the job is read.
    """
    stage = stage or Stage(Pipe(0, 1))
    if ready:
        stage.pipe.send({"type": "ready"})
    job = stage.pipe.receive()
    if job is None:
        leave()
    try:
        stage.pipe.send(run(job, stage))
    finally:
        leave()  # also when the design has broken what this function needs


def run(job: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """Run one job and return its result frame; a stage serves one job."""
    limits = job.get("limits") or {}
    stage.pipe.most_open = int(limits.get("open_calls", 16))
    printed = stage.printed
    printed.room = int(limits.get("output_bytes", 16_000))
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = printed  # type: ignore[misc, assignment]
    sys.stdin = sys.__stdin__ = stage.stdin  # type: ignore[misc, assignment]
    _link.connect(stage.pipe)
    asyncio.set_event_loop_policy(stage.policy)
    random.seed(int(job.get("seed", 0)))
    try:
        answer = _enter(job, stage)
        return answered(answer, int(limits.get("answer_bytes", 64_000)), printed)
    except BaseException as error:  # SystemExit and the like are a design's outcome too
        stage.ballast.clear()
        return {"type": "result", "status": "raised", **failure(error), "stdout": printed.text()}


def _enter(job: dict[str, Any], stage: Stage) -> Any:
    source, entry = str(job["source"]), job.get("entry")
    if entry == "run_code":
        return code.execute(source, stage.printed)
    if entry == "member":
        if stage.narrow is not None:
            stage.narrow()
        most = int((job.get("limits") or {}).get("answer_bytes", 64_000))
        seat = member.seated(load(source), int(job.get("seed", 0)), stage.pipe, most)
        return member.serve(seat, stage.loop)
    return _finished(begun(load(source), task_of(job.get("inputs") or {})), stage.loop)


def load(source: str) -> ModuleType:
    """Execute the design as the module `design`."""
    module = ModuleType("design")
    module.__file__ = FILE
    sys.modules["design"] = module
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    compiled = compile(source, FILE, "exec", dont_inherit=True)
    if "solve" not in compiled.co_names and "forward" in compiled.co_names:
        module.__dict__.update(_ADAS_GLOBALS)
    exec(compiled, module.__dict__)
    return module


def task_of(inputs: dict[str, Any]) -> agentkit.Task:
    """Return the task that a design is given."""
    given = inputs.get("answer_type", "str")
    answer_type = tuple(given) if isinstance(given, list) else _TYPES.get(given, str)
    return agentkit.Task(str(inputs.get("prompt", "")), answer_type)


def begun(module: ModuleType, task: agentkit.Task) -> Any:
    """Call the design's entry function and return its answer, or what has to be awaited for it."""
    solve = getattr(module, "solve", None)
    if solve is not None:
        return solve(task)
    forward = getattr(module, "forward", None)
    if forward is None:
        raise NameError("the design defines no function solve(task)")
    adas.begin(task.answer_type)
    asked = adas.Info("task", "User", task.prompt, -1)
    return forward(adas.System(), asked)


def _finished(value: Any, loop: PipeLoop) -> Any:
    if inspect.isawaitable(value):
        value = loop.run_until_complete(_awaited(value))
    return unwrapped(value)


def unwrapped(value: Any) -> Any:
    """Return the answer that a reply or an Info stands for; anything else is the answer itself."""
    if isinstance(value, adas.Info):
        return value.content
    if isinstance(value, agentkit.Reply):
        return value._fields.get("answer", value._text)
    return value


async def _awaited(value: Any) -> Any:
    return await value


def answered(answer: Any, most_bytes: int, printed: Printed) -> dict[str, Any]:
    """Return the result frame of an answer.

    Raises:
        Unusable: it is not plain JSON, too large or too deep.
    """
    said = plain(answer, "the answer", most_bytes)
    return {
        "type": "result",
        "status": "answered",
        "answer": said,
        "stdout": printed.text()[:MAX_SENT],
    }


if __name__ == "__main__":
    main()
