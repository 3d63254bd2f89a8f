"""`clean_night`: a night of designs on simulated calls; what does it leave behind?

Every design gets a container of its own and runs on every task, as in a search; one in three does
what designs do when they go wrong. The night has a process and folders of its own, so that whatever
is left in them is its doing.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from metasearch.domains.base import TaskSet
from metasearch.domains.questions import task_id
from metasearch.gateway.base import Gateway
from metasearch.sandbox.base import Limits
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.engine import connect
from metasearch.sandbox.owners import RUN
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.types import (
    Design,
    Finish,
    Json,
    ModelReply,
    ModelRequest,
    Outcome,
    Owner,
    Score,
    Split,
    Stream,
    Task,
    Usage,
)
from tests.benchmarks.fuzz import resident

DESIGNS_AT_ONCE, JOBS_AT_ONCE, CALL_SECONDS = 2, 64, 0.05
FLAT = 1.05  # the last tenth's memory beside the first's
LIMITS = Limits(active_seconds=60.0, wall_seconds=300.0)  # a busy machine is no failure here
HONEST = """
from agentkit import Agent, gather
async def solve(task):
    first = await Agent("first").ask(task.prompt)
    both = await gather(Agent(name).ask(task.prompt, first) for name in ("second", "third"))
    return both[0].text
"""
# What goes wrong in every fourth job of such a design, in turn; in the others it answers.
WRONG = (
    "held = bytearray(400 << 20)",
    "import os; os.makedirs('/'.join('d' * 100)); os._exit(0)",
    "await gather(Agent(str(n)).ask(task.prompt) for n in range(40))",
    "print('y' * 500_000)",
    "raise ValueError('x' * 9000)",
    "import threading; [threading.Thread(target=print).start() for _ in range(20)]",
    "open('left', 'wb').write(bytes(1 << 20)); raise SystemExit",
    "return [[1] * 100] * 200",
)


def figure(quick: bool) -> dict[str, Json]:
    """What is left of containers, processes and files, in all; memory has to stay flat as well."""
    designs, tasks = (12, 64) if quick else (300, 128)
    with tempfile.TemporaryDirectory(prefix="metasearch-night-") as folder:
        environment = {
            **os.environ, "TMPDIR": folder, "XDG_CACHE_HOME": folder, "XDG_DATA_HOME": folder,
            "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(designs), str(tasks)],
            check=True, stdout=subprocess.PIPE, cwd=folder, env=environment,
        )  # fmt: skip
        found = json.loads(done.stdout.splitlines()[-1])
        found["files"] = sum(1 for _ in Path(folder).rglob("*"))
    left = found["containers"] + found["processes"] + found["files"]
    return {
        "value": left,
        "bound": 0,
        "unit": "things left",
        "holds": left == 0 and found["memory_last_to_first"] <= FLAT and found["wrong"] == 0,
        "memory_bound": FLAT,
        **found,
    }


class Simulated:
    """A `Gateway` that answers after a while and remembers nothing."""

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        """Answer with the first word of the task."""
        await asyncio.sleep(CALL_SECONDS)
        text = request.messages[-1].content.split()[0]
        return ModelReply(text, Finish.STOP, Usage(50, 0, 5), 0.0, CALL_SECONDS)


class Night:
    """Runs designs and keeps no more than counts."""

    def __init__(self, sandbox: DockerSandbox, tasks: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.wrong = 0  # answers or failures that are not what the design's source asks for
        self.memory: list[float] = []
        self.seen: set[str] = set()
        self._sandbox = sandbox
        self._tasks = _tasks("validation", tasks)
        splits = {Split.TRAIN: _tasks("train", 1), Split.TEST: _tasks("test", 1)}
        domain = TaskSet("night", "", {**splits, Split.VALIDATION: self._tasks}, _right)
        slots = asyncio.Semaphore(JOBS_AT_ONCE)
        gateway = cast(Gateway, Simulated())
        self._evaluator = Evaluator(gateway, domain, Asking("m", calls_per_task=64), LIMITS, slots)

    async def evaluate(self, number: int) -> None:
        """Run one design on all tasks, in a container that nothing else sees."""
        design = Design(_source(number), f"design {number}")
        worker = await self._sandbox.open(design.source)
        try:
            self.seen |= await asyncio.to_thread(_containers, self._sandbox._run)
            found = await asyncio.gather(
                *(
                    self._evaluator.evaluate(worker, design, task, Split.VALIDATION)
                    for task in self._tasks
                )
            )
        finally:
            await worker.close()
        for position, one in enumerate(found):
            self.outcomes[str(one.outcome)] += 1
            honest = number % 3 or position % 4
            self.wrong += honest and (one.outcome, one.score) != (Outcome.ANSWERED, 1.0)
        self.memory.append(resident())


async def night(designs: int, tasks: int) -> dict[str, Any]:
    """Spend a night and look at what is left."""
    start, descriptors = time.perf_counter(), len(os.listdir("/proc/self/fd"))
    async with DockerSandbox(run="bench-night", spares=1) as sandbox, _stalls() as stalls:
        one = Night(sandbox, tasks)
        numbers = iter(range(designs))

        async def shift() -> None:
            for number in numbers:
                await one.evaluate(number)
                if number % 10 == 9:
                    print(
                        f"{number + 1} of {designs} designs, {time.perf_counter() - start:.0f} s, "
                        f"{one.memory[-1]:.1f} MB, {sum(one.outcomes.values())} evaluations",
                        file=sys.stderr,
                    )

        await asyncio.gather(*(shift() for _ in range(DESIGNS_AT_ONCE)))
    seconds = time.perf_counter() - start
    await asyncio.sleep(1.0)  # the kernel buries the last of them
    tenth = max(2, designs // 10)
    first, last = statistics.mean(one.memory[:tenth]), statistics.mean(one.memory[-tenth:])
    return {
        "containers": len(_containers(sandbox._run)),
        "processes": len(_children(os.getpid())) + len(_inside(one.seen)),
        "descriptors": len(os.listdir("/proc/self/fd")) - descriptors,
        "threads": threading.active_count() - 1,
        "memory_last_to_first": round(last / first, 3),
        "memory_mb": [round(first, 1), round(last, 1)],
        "wrong": one.wrong,
        "designs": designs,
        "tasks": tasks,
        "containers_used": len(one.seen),
        "outcomes": dict(one.outcomes),
        "seconds": round(seconds, 1),
        "evaluations_per_second": round(designs * tasks / seconds, 1),
        "longest_stall_seconds": round(max(stalls), 2),
    }


@asynccontextmanager
async def _stalls() -> AsyncIterator[list[float]]:
    """Collect by how much the event loop is late."""
    late = [0.0]

    async def watch() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.1)
            late[0] = max(late[0], time.perf_counter() - start - 0.1)

    watching = asyncio.ensure_future(watch())
    try:
        yield late
    finally:
        watching.cancel()


def _source(number: int) -> str:
    if number % 3:
        return f"{HONEST}# design {number}\n"
    wrong = "    turn, wrong = divmod(int(task.prompt.split()[-1]), 4)\n"
    for kind, line in enumerate(WRONG):
        wrong += f"    if wrong == 0 and turn % {len(WRONG)} == {kind}:\n        {line}\n"
    return HONEST.replace("(task):\n", f"(task):\n{wrong}")


def _tasks(prefix: str, count: int) -> tuple[Task, ...]:
    prompts = [f"{prefix} question {number}" for number in range(count)]
    return tuple(Task(task_id(prompt), prompt, prefix) for prompt in prompts)


def _right(task: Task, answer: Json) -> Score:
    return Score(float(answer == task.gold))


def _containers(run: str) -> set[str]:
    client = connect()
    try:
        found = client.api.containers(all=True, filters={"label": f"{RUN}={run}"})
        return {str(one["Id"]) for one in found}
    finally:
        client.close()


def _children(parent: int) -> list[str]:
    """Return the processes that this one has made and that are still there, the dead included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(stat.parent.name)
    return found


def _inside(containers: Sequence[str] | set[str]) -> list[str]:
    """Return the processes of this machine that are in one of the containers' control groups."""
    found = []
    for groups in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            text = groups.read_text("ascii", "replace")
        except OSError:
            continue
        if any(one in text for one in containers):
            found.append(groups.parent.name)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(night(int(sys.argv[1]), int(sys.argv[2])))))
