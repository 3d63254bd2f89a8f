"""The memory of a process in which 10,000 calls wait for their turn.

64 are with an endpoint that does not answer, the others wait: half of the callers for a place in
flight, and half behind a budget that is wholly reserved. In a fresh process, so that nothing else
counts.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys

from metasearch.errors import BudgetExhausted
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.settings import ModelSettings
from metasearch.testing.endpoint import EndpointProcess
from metasearch.types import Json, Message, ModelReply, ModelRequest, Owner, Stream

WAITING, QUICK_WAITING = 10_000, 2_000
IN_FLIGHT = 64
BOUND = 500  # MiB
QUESTION = "Mia buys three pens at four euros each and pays with twenty. What is left? " * 4


def figure(quick: bool) -> dict[str, Json]:
    """Peak resident memory."""
    calls = QUICK_WAITING if quick else WAITING
    command = [sys.executable, "-m", __name__, str(calls)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Json] = json.loads(done.stdout.splitlines()[-1])
    waiting = measured["waiting"]
    return {
        "value": measured["mib"],
        "bound": BOUND,
        "unit": "MiB",
        "holds": measured["mib"] < BOUND and waiting == calls and measured["ended_well"],
        **measured,
    }


async def _measure(url: str, calls: int) -> dict[str, Json]:
    settings = ModelSettings("m", base_url=url, key_env=None, free=True, concurrency=IN_FLIGHT)
    request = ModelRequest("m", (Message("user", QUESTION),), 100)
    unlimited = OpenAIGateway([settings], budget=Budget(Caps()))
    reserved = OpenAIGateway([settings], budget=Budget(Caps(calls=IN_FLIGHT)))
    async with unlimited, reserved:

        async def ask(number: int) -> ModelReply | BudgetExhausted:
            gateway = unlimited if number % 2 else reserved
            try:
                return await gateway.ask(request, Stream(f"t{number}"), Owner.EVALUATION)
            except BudgetExhausted as error:
                return error

        tasks = [asyncio.create_task(ask(number)) for number in range(calls)]
        await asyncio.sleep(2.0)
        waiting = sum(not task.done() for task in tasks)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    ended_well = all(isinstance(one, asyncio.CancelledError) for one in ended)
    return {"mib": round(peak), "waiting": waiting, "ended_well": ended_well}


if __name__ == "__main__":
    with EndpointProcess(latency=3600.0) as endpoint:
        print(json.dumps(asyncio.run(_measure(endpoint.base_url, int(sys.argv[1])))))
