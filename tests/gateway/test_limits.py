"""On virtual time: the loop's clock jumps to the next timer, so nothing depends on the machine."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

from metasearch.gateway.limits import AdaptiveLimit

LATENCY = 1.0


class _Jump(selectors.DefaultSelector):
    """Waits for no time: it moves the clock by what it was asked to wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(0)


def at_once(test: Callable[[Callable[[], float]], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on virtual time; it is given the clock."""

    def run() -> None:
        selector = _Jump()
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now  # type: ignore[method-assign]
        try:
            loop.run_until_complete(test(loop.time))
        finally:
            loop.close()

    run.__name__ = test.__name__
    return run


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


@at_once
async def test_it_finds_what_an_endpoint_can_bear(clock: Callable[[], float]) -> None:
    limit = AdaptiveLimit(64, clock=clock)
    await pressed(limit, lambda inside: inside >= 12, calls=600)
    assert 4 <= limit.limit <= 24
    assert await pressed(limit, lambda inside: inside >= 12, calls=600) > 0.7


@at_once
async def test_it_comes_back_when_the_endpoint_does(clock: Callable[[], float]) -> None:
    limit = AdaptiveLimit(32, clock=clock)
    await pressed(limit, lambda inside: inside >= 1, calls=40)
    assert limit.limit < 8
    await pressed(limit, lambda inside: False, calls=1500)
    assert limit.limit == 32


@at_once
async def test_refusals_that_are_not_about_load_do_not_stop_the_work(
    clock: Callable[[], float],
) -> None:
    rng = random.Random(3)
    limit = AdaptiveLimit(32, clock=clock)
    await pressed(limit, lambda inside: rng.random() < 0.3, calls=1500)
    assert limit.limit >= 16


@at_once
async def test_there_is_always_one_place(clock: Callable[[], float]) -> None:
    limit = AdaptiveLimit(8, clock=clock)
    for _ in range(200):
        limit.refused(await asyncio.wait_for(limit.acquire(), 50))
    assert limit.limit >= 1
    assert limit.busy == 0


@at_once
async def test_everybody_waits_when_everybody_is_refused(clock: Callable[[], float]) -> None:
    limit = AdaptiveLimit(4, clock=clock)
    for _ in range(12):
        limit.refused(await limit.acquire(), 0.1)
    began = clock()
    limit.answered(await limit.acquire())
    assert clock() - began > 0.05


@at_once
async def test_a_cancelled_wait_loses_no_place(clock: Callable[[], float]) -> None:
    limit = AdaptiveLimit(1, clock=clock)
    slot = await limit.acquire()
    gone = [asyncio.create_task(limit.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in gone[:2]:
        task.cancel()
    limit.answered(slot)
    gone[2].cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert limit.busy == 0
    await asyncio.wait_for(limit.acquire(), 50)


@at_once
async def test_requests_a_minute_are_kept_without_a_burst_of_a_whole_minute(
    clock: Callable[[], float],
) -> None:
    limit = AdaptiveLimit(64, requests_per_minute=1200, clock=clock)
    began = clock()
    for _ in range(30):
        limit.answered(await limit.acquire())
    assert clock() - began > 0.4  # 20 a second: the first 20 at once, the next 10 in half one
