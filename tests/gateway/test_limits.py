import asyncio
import random
from collections.abc import Callable
from time import monotonic

from metasearch.gateway.limits import AdaptiveLimit

LATENCY = 0.004


async def pressed(
    limit: AdaptiveLimit,
    refuses: Callable[[int], bool],
    *,
    calls: int,
    callers: int = 96,
) -> float:
    """Push calls through; returns how many were answered for each that was begun."""
    inside = begun = answered = 0

    async def caller() -> None:
        nonlocal inside, begun, answered
        while answered < calls:
            slot = await limit.acquire()
            begun += 1
            if refuses(inside):
                await asyncio.sleep(LATENCY / 2)  # a refusal travels, too
                limit.refused(slot)
                await asyncio.sleep(2 * LATENCY)
                continue
            inside += 1
            await asyncio.sleep(LATENCY)
            inside -= 1
            answered += 1
            limit.answered(slot)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return answered / begun


async def test_it_finds_what_an_endpoint_can_bear() -> None:
    limit = AdaptiveLimit(64, clock=monotonic)
    await pressed(limit, lambda inside: inside >= 12, calls=600)
    assert 4 <= limit.limit <= 24
    assert await pressed(limit, lambda inside: inside >= 12, calls=600) > 0.7


async def test_it_comes_back_when_the_endpoint_does() -> None:
    limit = AdaptiveLimit(32, clock=monotonic)
    await pressed(limit, lambda inside: inside >= 1, calls=40)
    assert limit.limit < 8
    await pressed(limit, lambda inside: False, calls=1500)
    assert limit.limit == 32


async def test_refusals_that_are_not_about_load_do_not_stop_the_work() -> None:
    rng = random.Random(3)
    limit = AdaptiveLimit(32, clock=monotonic)
    await pressed(limit, lambda inside: rng.random() < 0.3, calls=1500)
    assert limit.limit >= 16


async def test_there_is_always_one_place() -> None:
    limit = AdaptiveLimit(8, clock=monotonic)
    for _ in range(200):
        limit.refused(await asyncio.wait_for(limit.acquire(), 5))
    assert limit.limit >= 1
    assert limit.busy == 0


async def test_everybody_waits_when_everybody_is_refused() -> None:
    limit = AdaptiveLimit(4, clock=monotonic)
    for _ in range(12):
        limit.refused(await limit.acquire(), 0.1)
    began = monotonic()
    limit.answered(await limit.acquire())
    assert monotonic() - began > 0.05


async def test_a_cancelled_wait_loses_no_place() -> None:
    limit = AdaptiveLimit(1, clock=monotonic)
    slot = await limit.acquire()
    gone = [asyncio.create_task(limit.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in gone[:2]:
        task.cancel()
    limit.answered(slot)
    gone[2].cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert limit.busy == 0
    await asyncio.wait_for(limit.acquire(), 5)


async def test_requests_a_minute_are_kept_without_a_burst_of_a_whole_minute() -> None:
    limit = AdaptiveLimit(64, requests_per_minute=1200, clock=monotonic)
    began = monotonic()
    for _ in range(30):
        limit.answered(await limit.acquire())
    assert monotonic() - began > 0.4  # 20 a second: the first 20 at once, the next 10 in half one
