"""What a call costs through the gateway, beside the bare client's, in one run.

Both make the same calls to an endpoint of zero latency in another process, in turns, 64 in flight.
The gateway's calls are written to an archive on disk; processor time is this process's own, so the
archive's writing counts as well.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

from openai import AsyncOpenAI

from metasearch.archive import Archive
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.settings import ModelSettings
from metasearch.testing.endpoint import EndpointProcess
from metasearch.types import Json, Message, ModelRequest, Owner, Split, Stream, Task

TOGETHER = 64
WAITING = 10_000
QUESTION = "Mia buys three pens at four euros each and pays with twenty. What is left? " * 4
SCHEMA: Json = {
    "type": "object",
    "properties": {"thinking": {"type": "string"}, "answer": {"type": "integer"}},
    "required": ["thinking", "answer"],
    "additionalProperties": False,
}

Ask = Callable[[int], Awaitable[object]]


def figure(quick: bool) -> dict[str, Json]:
    """Processor time of a call, as a ratio to the bare client's."""
    with tempfile.TemporaryDirectory() as folder, EndpointProcess() as endpoint:
        return asyncio.run(_measure(endpoint.base_url, Path(folder), 300 if quick else 1500))


async def _measure(url: str, folder: Path, calls: int) -> dict[str, Json]:
    archive = Archive.open(folder / "archive.db")
    tasks = {split: (Task(f"t{split}", str(split), 0),) for split in Split}
    archive.create_search(
        id="bench", domain="bench", strategy="evolve", config={}, seed=0, tasks=tasks
    )
    recorder = archive.recorder("bench")
    settings = ModelSettings("m", base_url=url, key_env=None, free=True, concurrency=TOGETHER)
    bare = AsyncOpenAI(base_url=url, api_key="none")
    ratios, ours, theirs = [], [], []
    async with OpenAIGateway([settings], budget=Budget(Caps()), record=recorder) as gateway:
        await gateway.check()
        for turn in range(4):
            theirs.append(await _cost(_bare(bare), calls))
            ours.append(await _cost(_through(gateway, turn), calls))
            ratios.append(ours[-1] / theirs[-1])
        memory = await _waiting(url)
    await bare.close()
    recorder.close()
    archive.close()
    ratio = median(ratios[1:])  # the first turn warms up
    return {
        "value": round(ratio, 3),
        "bound": 1.35,
        "unit": "x the bare client's CPU per call",
        "holds": ratio <= 1.35 and memory < 500,
        "gateway_ms": round(median(ours[1:]), 3),
        "client_ms": round(median(theirs[1:]), 3),
        "mib_with_10000_waiting": round(memory),
    }


def _bare(client: AsyncOpenAI) -> Ask:
    async def ask(number: int) -> object:
        return await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": QUESTION}],
            max_tokens=100,
            temperature=0.5,
            seed=number,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
            },
        )

    return ask


def _through(gateway: OpenAIGateway, turn: int) -> Ask:
    request = ModelRequest("m", (Message("user", QUESTION),), 100, 0.5, SCHEMA)

    async def ask(number: int) -> object:
        return await gateway.ask(request, Stream(f"t{number}", turn), Owner.EVALUATION)

    return ask


async def _cost(ask: Ask, calls: int) -> float:
    """Return milliseconds of processor time for one call."""
    places = asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> None:
        async with places:
            await ask(number)

    began = time.process_time()
    await asyncio.gather(*(one(number) for number in range(calls)))
    return (time.process_time() - began) / calls * 1e3


async def _waiting(url: str) -> float:
    """Return the peak memory, in MiB, once 10,000 calls have been waiting for their turn."""
    settings = ModelSettings("m", base_url=url, key_env=None, free=True, concurrency=TOGETHER)
    async with OpenAIGateway([settings], budget=Budget(Caps())) as gateway:
        ask = _through(gateway, -1)
        waiting: list[asyncio.Task[Any]] = [
            asyncio.ensure_future(ask(number)) for number in range(WAITING)
        ]
        await asyncio.sleep(0.5)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return peak
