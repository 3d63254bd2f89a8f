"""`wasm_job`: one job in a started interpreter, and the memory of eight that wait for a model."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path
from typing import Any

from metasearch.sandbox.base import Job, Worker
from metasearch.sandbox.wasm import WasmSandbox
from metasearch.types import Json, Outcome

BOUND_MS = 60.0
MEMORY_BOUND_MB = 400.0
AT_ONCE = 8
DESIGN = """
from agentkit import Agent
async def solve(task):
    return (await Agent("a").ask(task.prompt, fields={"answer": int})).answer
"""


def figure(quick: bool) -> dict[str, Any]:
    """Median milliseconds from handing over a job to its answer, a model call included."""
    return asyncio.run(_measured(20 if quick else 100))


async def _measured(jobs: int) -> dict[str, Any]:
    start = time.perf_counter()
    async with WasmSandbox(parallel=AT_ONCE, spare=2) as sandbox:
        worker = await sandbox.open(DESIGN)
        opened = time.perf_counter() - start
        milliseconds = []
        for _ in range(jobs):
            await asyncio.sleep(0.25)  # a spare is ready again: this is the latency, not the rate
            milliseconds.append(await _one(worker))
        memory = await _memory(worker)
        start = time.perf_counter()
        await asyncio.gather(*(_one(worker) for _ in range(jobs)))
        rate = jobs / (time.perf_counter() - start)
    value = statistics.median(milliseconds)
    return {
        "value": round(value, 1),
        "bound": BOUND_MS,
        "unit": "ms",
        "open_seconds": round(opened, 2),
        "jobs_per_second": round(rate, 1),
        "memory_of_8_mb": round(memory, 1) if memory is not None else None,
        "memory_bound_mb": MEMORY_BOUND_MB,
        "holds": value < BOUND_MS and (memory is None or memory < MEMORY_BOUND_MB),
    }


async def _one(worker: Worker) -> float:
    async def model(_: dict[str, Json]) -> dict[str, Json]:
        return {"text": '{"answer": 42}', "finish": "stop"}

    start = time.perf_counter()
    result = await worker.run(Job({"prompt": "6 * 7?", "answer_type": "int"}), model)
    assert (result.outcome, result.answer) == (Outcome.ANSWERED, 42), result
    return (time.perf_counter() - start) * 1000


async def _memory(worker: Worker) -> float | None:
    """Proportional set size of eight interpreters in the midst of a call; None outside Linux."""
    waiting, go_on = 0, asyncio.Event()

    async def model(_: dict[str, Json]) -> dict[str, Json]:
        nonlocal waiting
        waiting += 1
        await go_on.wait()
        return {"text": '{"answer": 42}', "finish": "stop"}

    job = Job({"prompt": "6 * 7?", "answer_type": "int"})
    running = [asyncio.ensure_future(worker.run(job, model)) for _ in range(AT_ONCE)]
    while waiting < AT_ONCE:
        await asyncio.sleep(0.05)
    found = sorted(_sizes(os.getpid()), reverse=True)[:AT_ONCE]  # without the spares
    go_on.set()
    await asyncio.gather(*running)
    return sum(found) / 1000 if found else None


def _sizes(parent: int) -> list[int]:
    sizes = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if b"wasm_child.py" in b" ".join(command) and str(parent).encode() in command:
                lines = (entry / "smaps_rollup").read_text().splitlines()
                sizes += [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
        except OSError:
            continue
    return sizes
