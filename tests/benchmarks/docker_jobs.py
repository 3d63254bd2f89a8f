"""Jobs in a container: latency beside a plain interpreter, rate, calls side by side, memory."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from metasearch.sandbox.base import Job, JobResult, Limits, Worker
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.engine import connect
from metasearch.sandbox.owners import RUN
from metasearch.types import Json, Outcome

TRIVIAL = "def solve(task):\n    return task.prompt\n"
CALLS, SECONDS, TOGETHER = 3, 0.3, 50
ASKING = f"""
from agentkit import Agent
async def solve(task):
    agent = Agent("a")
    for _ in range({CALLS}):
        await agent.ask(task.prompt)
    return task.prompt
"""
# The same job in an interpreter of its own, with nothing around it that holds it back.
PLAIN = """
import json, sys
job = json.load(sys.stdin)
space = {}
exec(compile(job["source"], "design.py", "exec"), space)
class Task:
    prompt = job["prompt"]
print(json.dumps({"answer": space["solve"](Task)}))
"""


def fork_server_job(quick: bool) -> dict[str, Json]:
    """Median latency of a trivial job, as a ratio to a plain `python -I -S`, taken in turn."""
    return asyncio.run(_latency(10 if quick else 40))


def fork_server_rate(quick: bool) -> dict[str, Json]:
    """Trivial jobs a second, eight at a time in one container."""
    return asyncio.run(_rate(100 if quick else 400))


def container_fanout(quick: bool) -> dict[str, Json]:
    """Seconds of fifty jobs at once in one container, each with three calls of 300 ms."""
    return asyncio.run(_fanout(1 if quick else 3))


def container_memory(quick: bool) -> dict[str, Json]:
    """What one job more that waits for a model adds to a container, in MB; the engine counts it."""
    del quick
    return asyncio.run(_memory())


async def _latency(rounds: int) -> dict[str, Json]:
    async with DockerSandbox(run="bench-latency", spares=0) as sandbox:
        worker = await sandbox.open(TRIVIAL)
        await _answered(worker)
        forked, plain = [], []
        for _ in range(rounds):
            plain.append(await _timed(_plain))
            forked.append(await _timed(lambda: _answered(worker)))
            await asyncio.sleep(0.03)  # latency, not rate: the last process is gone
    here, there = statistics.median(forked), statistics.median(plain)
    return {
        "value": round(here / there, 2),
        "bound": 1.2,
        "unit": "x a plain interpreter",
        "holds": here / there <= 1.2,
        "milliseconds": round(here * 1000, 1),
        "plain_milliseconds": round(there * 1000, 1),
    }


async def _rate(jobs: int) -> dict[str, Json]:
    async with DockerSandbox(run="bench-rate", spares=0) as sandbox:
        worker = await sandbox.open(TRIVIAL)
        await _answered(worker)
        room = asyncio.Semaphore(8)

        async def one() -> None:
            async with room:
                await _answered(worker)

        seconds = await _timed(lambda: asyncio.gather(*(one() for _ in range(jobs))))
    rate = jobs / seconds
    return {"value": round(rate), "bound": 100, "unit": "jobs/s", "holds": rate >= 100}


async def _fanout(rounds: int) -> dict[str, Json]:
    async with DockerSandbox(run="bench-fanout", spares=0) as sandbox:
        worker = await sandbox.open(ASKING)
        await _answered(worker)

        def many() -> Awaitable[Any]:
            return asyncio.gather(*(_answered(worker) for _ in range(TOGETHER)))

        times = [await _timed(many) for _ in range(rounds)]
    value, ideal = statistics.median(times), CALLS * SECONDS
    return {
        "value": round(value, 3),
        "bound": round(1.2 * ideal, 2),
        "unit": "s",
        "holds": value <= 1.2 * ideal,
        "ideal": ideal,
        "all": [round(one, 3) for one in times],
    }


async def _memory() -> dict[str, Json]:
    async with DockerSandbox(run="bench-memory", spares=0) as sandbox:
        worker = await sandbox.open(ASKING)
        idle = await _settled(sandbox)
        waiting, go_on = 0, asyncio.Event()

        async def model(_: dict[str, Json]) -> dict[str, Json]:
            nonlocal waiting
            waiting += 1
            await go_on.wait()
            return {"text": "ok", "finish": "stop"}

        running = [asyncio.ensure_future(_run(worker, model)) for _ in range(TOGETHER)]
        while waiting < TOGETHER:
            await asyncio.sleep(0.05)
        full = await _settled(sandbox)
        go_on.set()
        await asyncio.gather(*running)
    each = (full - idle) / TOGETHER
    return {
        "value": round(each, 2),
        "bound": 2.5,
        "unit": "MB a waiting job",
        "holds": each <= 2.5 and idle <= 32,
        "idle_mb": round(idle, 1),
        "idle_bound_mb": 32,
    }


async def _settled(sandbox: DockerSandbox) -> float:
    await asyncio.sleep(1.0)
    return await asyncio.to_thread(_used, sandbox._run)


def _used(run: str) -> float:
    """Megabytes that the control group of the run's one container has, page cache left out."""
    client = connect()
    try:
        (found,) = client.api.containers(filters={"label": f"{RUN}={run}"})
        memory = client.api.stats(found["Id"], stream=False, one_shot=True)["memory_stats"]
    finally:
        client.close()
    cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return float(memory["usage"] - cache) / 1e6


async def _timed(run: Callable[[], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await run()
    return time.perf_counter() - start


async def _model(_: dict[str, Json]) -> dict[str, Json]:
    await asyncio.sleep(SECONDS)
    return {"text": "ok", "finish": "stop"}


async def _run(worker: Worker, model: Callable[..., Awaitable[dict[str, Json]]]) -> JobResult:
    limits = Limits(active_seconds=60.0, wall_seconds=120.0)
    return await worker.run(Job({"prompt": "p", "answer_type": "str"}, limits=limits), model)


async def _answered(worker: Worker) -> None:
    result = await _run(worker, _model)
    assert (result.outcome, result.answer) == (Outcome.ANSWERED, "p"), result


async def _plain() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", PLAIN, stdin=pipe, stdout=pipe
    )
    job = json.dumps({"source": TRIVIAL, "prompt": "p"}).encode()
    out, _ = await process.communicate(job)
    assert json.loads(out) == {"answer": "p"}
