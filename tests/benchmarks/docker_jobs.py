"""Jobs in a container: latency beside a plain interpreter, rate, calls side by side, memory."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from docker.errors import NotFound

from metasearch.sandbox.base import Job, JobResult, Limits, Worker
from metasearch.sandbox.container import Settings, _flags
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.engine import connect
from metasearch.sandbox.image import current_tag
from metasearch.sandbox.owners import RUN, labels
from metasearch.types import Json, Outcome

TRIVIAL = "def solve(task):\n    return task.prompt\n"
CALLS, SECONDS, TOGETHER, CONTAINERS = 3, 0.3, 50, 8
_FREE_UIDS = 60_100  # no sandbox gives these out
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


def fork_server_vs_cold(quick: bool) -> dict[str, Json]:
    """How many times longer a trivial job takes by `docker run --rm` with the same flags."""
    return asyncio.run(_cold(8 if quick else 30))


def container_fanout(quick: bool) -> dict[str, Json]:
    """Seconds of fifty jobs at once in one container, each with three calls of 300 ms.

    Then of four hundred in eight containers. As in a search the sandbox knows how many come at the
    same time, and each design has answered a training task before.
    """
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


async def _cold(rounds: int) -> dict[str, Json]:
    async with DockerSandbox(run="bench-cold", spares=0) as sandbox:
        worker = await sandbox.open(TRIVIAL)
        await _answered(worker)
        forked, cold = [], []
        for number in range(rounds):
            settings = Settings(current_tag(), labels(sandbox._run))
            cold.append(await asyncio.to_thread(_cold_once, settings, _FREE_UIDS + number * 100))
            forked.append(await _timed(lambda: _answered(worker)))
            await asyncio.sleep(0.03)
    here, there = statistics.median(forked), statistics.median(cold)
    return {
        "value": round(there / here, 1),
        "bound": 25,
        "unit": "x a job of the fork server",
        "holds": there / here >= 25,
        "milliseconds": round(here * 1000, 1),
        "cold_milliseconds": round(there * 1000, 1),
    }


def _cold_once(settings: Settings, uid_base: int) -> float:
    """Seconds of what `docker run --rm -i` does, the container as hard as a design's.

    Create, attach, start an interpreter as PID 1, read the answer, wait until it is removed.
    """
    client = connect()
    api = client.api
    try:
        start = time.perf_counter()
        made = api.create_container(
            settings.image,
            ["-c", PLAIN],
            entrypoint=["python3", "-I", "-S"],
            stdin_open=True,
            labels=settings.labels,
            network_disabled=True,
            host_config=api.create_host_config(**_flags(settings, uid_base)),
        )
        pipe = api.attach_socket(made["Id"], {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        api.start(made["Id"])
        pipe._sock.sendall(json.dumps({"source": TRIVIAL, "prompt": "p"}).encode())
        pipe._sock.shutdown(socket.SHUT_WR)
        out = pipe._sock.recv(4096)
        assert json.loads(out[8:]) == {"answer": "p"}, out
        pipe._response.close()
        pipe.close()
        with suppress(NotFound):  # it was removed at once
            api.wait(made["Id"], condition="removed")
        return time.perf_counter() - start
    finally:
        client.close()


async def _fanout(rounds: int) -> dict[str, Json]:
    ideal = CALLS * SECONDS
    async with DockerSandbox(run="bench-fanout", spares=0, at_once=TOGETHER) as sandbox:
        workers = [await sandbox.open(ASKING) for _ in range(CONTAINERS)]
        one = [await _burst(workers[:1]) for _ in range(rounds)]
        eight = [await _burst(workers) for _ in range(rounds)]
    value, many = statistics.median(one), statistics.median(eight)
    return {
        "value": round(value, 3),
        "bound": round(1.2 * ideal, 2),
        "unit": "s",
        "holds": value <= 1.2 * ideal and many <= 1.5 * ideal,
        "ideal": ideal,
        "all": [round(each, 3) for each in one],
        "eight_containers": round(many, 3),
        "eight_containers_bound": round(1.5 * ideal, 2),
        "eight_containers_all": [round(each, 3) for each in eight],
    }


async def _burst(workers: list[Worker]) -> float:
    await asyncio.gather(*(_answered(worker) for worker in workers))
    return await _timed(lambda: _together(workers))


def _together(workers: list[Worker]) -> Awaitable[Any]:
    return asyncio.gather(*(_answered(worker) for worker in workers for _ in range(TOGETHER)))


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
