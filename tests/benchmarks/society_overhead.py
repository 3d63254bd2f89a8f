"""`society_overhead`: months of `commons` whose five seats are members of rules, in a sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from metasearch.domains.societies.base import DESIGN, Society, society
from metasearch.domains.societies.commons import Commons, Setup, published
from metasearch.sandbox.base import Limits, Sandbox
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.wasm import WasmSandbox
from metasearch.search.episode import Floors, play
from metasearch.types import Json, Outcome, Task

MONTHS = 1_000
YEAR, SPOKEN, SEATS = 12, 9, 5  # in a month five harvest, nine speak, five think
EPISODES_AT_ONCE = 4
BOUNDS = {"docker": 20.0, "wasm": 60.0}
# Takes its share and talks as long as it may, so that a month is as long as it can be.
MEMBER = """
from agentkit import Player
class Member(Player):
    def act(self, request):
        if request.kind == "harvest":
            return request.stock // 2 // request.n
        if request.kind == "speak":
            return {"text": f"{self.name}: half of it, in equal parts.", "end": False, "next": ""}
        return ""
"""


def figure(quick: bool) -> dict[str, Any]:
    """Seconds of 1,000 months in each sandbox; a quick one plays a part and scales it up."""
    part = 10 if quick else 1
    found = {
        "docker": asyncio.run(_timed(DockerSandbox(run="bench-society", spares=0), MONTHS // part)),
        "wasm": asyncio.run(_timed(WasmSandbox(), MONTHS // part)),
    }
    seconds = {name: part * each for name, each in found.items()}
    turns = MONTHS * (2 * SEATS + SPOKEN)
    return {
        "value": round(seconds["docker"], 1),
        "bound": BOUNDS["docker"],
        "unit": "s",
        "wasm": round(seconds["wasm"], 1),
        "wasm_bound": BOUNDS["wasm"],
        "milliseconds_a_turn": {
            name: round(1000 * each / turns, 2) for name, each in seconds.items()
        },
        "holds": all(seconds[name] < bound for name, bound in BOUNDS.items()),
    }


class _Silent:
    """A desk that nobody asks."""

    async def answer(self, body: dict[str, Json], seat: int) -> dict[str, Json]:
        raise AssertionError(f"seat {seat} asks {body}")

    def share(self, seats: Sequence[int]) -> None:
        del seats

    def cost(self, seat: int) -> tuple[int, int]:
        del seat
        return 0, 0


async def _timed(sandbox: Sandbox, months: int) -> float:
    """Seconds of so many months, from the first episode's start to the last one's end."""
    episodes = max(1, round(months / YEAR))
    domain = society(Commons())
    scenario = published(Setup(), (DESIGN,) * SEATS, months=YEAR)
    task = Task("commons", "", None, extra=scenario.to_json())
    room, floors = asyncio.Semaphore(EPISODES_AT_ONCE), Floors()
    async with sandbox:
        worker = await sandbox.open(MEMBER)

        async def one(seed: int) -> None:
            async with room:
                result = await play(
                    worker, domain, task, seed=seed, limits=Limits(), desk=_Silent(), floors=floors
                )
            assert result.outcome is Outcome.ANSWERED, result
            _check(domain, task, result.answer)

        await one(0)  # the sandbox is there, and everything is loaded
        start = time.perf_counter()
        await asyncio.gather(*(one(seed) for seed in range(episodes)))
        seconds = time.perf_counter() - start
        await worker.close()
    return seconds * months / (episodes * YEAR)


def _check(domain: Society, task: Task, answer: Json) -> None:
    """See that all months were played in full, and well."""
    acts = [event for event in answer["log"] if event["kind"] == "act"]
    assert len(acts) == YEAR * (2 * SEATS + SPOKEN)
    assert not any("fault" in event for event in acts)
    assert domain.score(task, answer).value == 1.0
