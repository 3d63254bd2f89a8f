"""A cap is never exceeded, not by one picodollar, and nearly all of it can be used.

Many small searches against an endpoint in a process of its own, over real HTTP, with prices, caps,
prompts, replies and calls in flight at random. Some answers come damaged, some tell no usage; half
of the searches are ended in the middle and go on with nothing but the archive's rows. The endpoint
bills by what it has really served. There is always work left, so at least 90 % must be used.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text as sql

from metasearch.archive import Archive
from metasearch.errors import BudgetExhausted
from metasearch.gateway.base import Caps, Spent
from metasearch.gateway.budget import PICO, Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.prices import Price, PriceTable
from metasearch.gateway.settings import ModelSettings
from metasearch.gateway.wire import prompt_bound
from metasearch.testing.endpoint import EndpointProcess, Fault, Reaction, ScriptedReply
from metasearch.types import Json, Message, ModelRequest, Owner, Split, Stream, Task
from tests import postgres

RUNS, QUICK_RUNS = 1_000, 100
MOST_CALLS = 22  # worst cases that a cap holds, at most
LEAST_CALLS = 11  # ... and at least: with ten the last one might not fit under 90 %
LARGEST_PROMPT = 400  # characters
TOGETHER = 12  # searches
FAULTS_OF = 8  # one search in so many meets damaged answers, another one no usage


def script(request: dict[str, Any]) -> Reaction:
    """Answer with a usage anywhere up to the worst case, drawn from the request itself."""
    said = request["messages"][0]["content"]
    draw = random.Random(hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest())
    kind = said.partition(" ")[0]
    if kind == "damaged" and draw.random() < 0.1 and said not in _damaged:
        _damaged.add(said)  # the second attempt of a call comes through
        return Fault(draw.choice(["truncated", "reset"]))
    prompt = draw.randint(len(said) // 8, len(said.encode()))
    usage = prompt, draw.randint(0, prompt), draw.randint(0, request["max_tokens"])
    return ScriptedReply("ok", usage=None if kind == "unmetered" else usage)


_damaged: set[str] = set()


@dataclass(frozen=True, slots=True)
class Plan:
    """One search, drawn from its number."""

    name: str
    kind: str
    price: Price
    caps: Caps
    max_tokens: int
    in_flight: int
    is_split: bool

    @classmethod
    def of(cls, number: int) -> Plan:
        rng = random.Random(number)
        price = Price(*(_log(rng, 10**3, 10**8) for _ in range(3)))
        max_tokens = rng.randint(1, 2_000)
        settings = ModelSettings("m", max_tokens=max_tokens)
        bound = prompt_bound(_request("x" * (LARGEST_PROMPT + 40), max_tokens), settings)
        calls = rng.randint(LEAST_CALLS, MOST_CALLS)
        dollars = price.worst(*bound) * calls / PICO
        caps = Caps(dollars=dollars * rng.uniform(1, 1.05))
        if number % 5 == 1:
            caps = Caps(tokens=sum(bound) * calls)
        elif number % 5 == 2:
            caps = Caps(calls=rng.randint(LEAST_CALLS, 2 * MOST_CALLS))
        kind = {3: "damaged", 6: "unmetered"}.get(number % FAULTS_OF, "plain")
        in_flight = _log(rng, 1, 257) if number % 10 else 256
        return cls(f"s{number}", kind, price, caps, max_tokens, in_flight, number % 2 == 1)


def _log(rng: random.Random, low: int, high: int) -> int:
    return int(low * (high / low) ** rng.random())


def _request(said: str, max_tokens: int) -> ModelRequest:
    return ModelRequest("m", (Message("user", said),), max_tokens)


def figure(quick: bool, place: str | None = None) -> dict[str, Json]:
    """Searches that overspent, and the least part of a cap that was used."""
    runs = QUICK_RUNS if quick else RUNS
    with (
        nullcontext(place) if place else postgres.archive_place() as where,
        EndpointProcess(f"{__name__}:script") as endpoint,
        Archive.open(where) as archive,
    ):
        began = time.monotonic()
        found = asyncio.run(_all(endpoint.base_url, archive, range(runs)))
        seconds = time.monotonic() - began
        served = endpoint.served
    shares = [one.share for one in found]
    over = sum(share > 1 for share in shares)
    calls, tokens = sum(one.calls for one in found), sum(one.tokens for one in found)
    # Every request has a row, and no row says less than the endpoint has counted.
    is_true = calls == served.requests and tokens >= (
        served.prompt_tokens + served.completion_tokens
    )
    return {
        "value": over,
        "bound": 0,
        "unit": "searches over their cap",
        "holds": over == 0 and min(shares) >= 0.9 and is_true,
        "runs": runs,
        "least_used": round(min(shares), 4),
        "most_used": round(max(shares), 6),
        "calls": calls,
        "requests_served": served.requests,
        "seconds": round(seconds, 1),
    }


class Used(NamedTuple):
    """What a search used by its rows: the share of its cap, calls, tokens."""

    share: float
    calls: int
    tokens: int


async def _all(url: str, archive: Archive, numbers: Iterable[int]) -> list[Used]:
    """Run the searches, some at a time: while one waits after a fault, others work."""
    places = asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> Used:
        async with places:
            return await _run(url, archive, Plan.of(number))

    return await asyncio.gather(*(one(number) for number in numbers))


async def _run(url: str, archive: Archive, plan: Plan) -> Used:
    """Run one search to the end of its budget."""
    tasks = {split: (Task(f"{plan.name}{split}", str(split), 0),) for split in Split}
    archive.create_search(
        id=plan.name, domain="bench", strategy="evolve", config={}, seed=0, tasks=tasks
    )
    if plan.is_split:
        await _spend(url, archive, plan, "first", stop_after=LEAST_CALLS // 2)
    memory = await _spend(url, archive, plan, "second", stop_after=None)
    return _used(archive, plan, memory)


async def _spend(
    url: str, archive: Archive, plan: Plan, part: str, stop_after: int | None
) -> Spent:
    """Ask until the budget ends, or until so many were answered; start from the rows alone."""
    rows = {owner: archive.spent(plan.name, owner) for owner in Owner}
    before = {owner: Spent(row.dollars, row.usage, row.calls) for owner, row in rows.items()}
    gateway = OpenAIGateway(
        [
            ModelSettings(
                "m",
                base_url=url,
                key_env=None,
                max_tokens=plan.max_tokens,
                concurrency=plan.in_flight,
            )
        ],
        budget=Budget(plan.caps, before),
        record=archive.recorder(plan.name),
        prices=PriceTable("", "", {"m": plan.price}),
        rng=random.Random(0),
    )
    answered = 0

    async def caller(place: int) -> None:
        nonlocal answered
        rng = random.Random(f"{plan.name} {part} {place}")
        for turn in range(10_000):
            if stop_after is not None and answered >= stop_after:
                return
            said = f"{plan.kind} {plan.name} {part} {place} {turn} "
            said += "x" * rng.randint(0, LARGEST_PROMPT - len(said))
            owner = rng.choice((Owner.PROPOSER, Owner.EVALUATION))
            try:
                await gateway.ask(_request(said, plan.max_tokens), Stream(said[:40]), owner)
            except BudgetExhausted:
                return
            answered += 1

    async with gateway:
        await asyncio.gather(*(caller(place) for place in range(plan.in_flight)))
        return gateway.spent()


def _used(archive: Archive, plan: Plan, memory: Spent) -> Used:
    """Read what was used from the archive's rows, which memory must agree with."""
    query = sql(
        "SELECT SUM(picodollars), SUM(prompt_tokens + completion_tokens), COUNT(*) FROM reply "
        "WHERE search_id = :search"
    )
    with archive._database.reading() as connection:
        money, tokens, calls = connection.execute(query, {"search": plan.name}).one()
    assert (round(memory.dollars * PICO), memory.usage.total, memory.calls) == (
        money,
        tokens,
        calls,
    ), f"{plan.name}: memory and rows differ"
    share = max(Budget(plan.caps, {Owner.EVALUATION: memory}).shares().values())
    return Used(share, calls, tokens)
