import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.errors import BudgetExhausted, ConfigError
from metasearch.gateway.base import Caps, Spent
from metasearch.gateway.budget import PICO, Amount, Budget
from metasearch.types import Owner, Usage


def cost(picodollars: int = 0, tokens: int = 0) -> Amount:
    return Amount(picodollars, tokens, 1)


@settings(max_examples=60, deadline=None)
@given(
    cap=st.integers(1_000_000, 10**12),
    seed=st.integers(0, 2**32),
    callers=st.integers(1, 256),
)
async def test_the_cap_is_never_exceeded_and_nearly_reached(
    cap: int, seed: int, callers: int
) -> None:
    rng = random.Random(seed)
    budget = Budget(Caps(dollars=cap / PICO))
    worst = rng.randint(1, max(1, cap // 20))
    peak = 0

    async def work() -> None:
        nonlocal peak
        while True:
            try:
                held = await budget.reserve(rng.choice(list(Owner)), cost(worst))
            except BudgetExhausted:
                return
            for _ in range(rng.randint(0, 3)):
                await asyncio.sleep(0)
            if rng.random() < 0.1:
                budget.release(held)
            else:
                budget.settle(held, Usage(), rng.randint(worst // 2, worst))
            peak = max(peak, round(budget.spent().dollars * PICO))

    await asyncio.wait_for(asyncio.gather(*(work() for _ in range(callers))), 30)
    assert peak <= cap
    assert budget.spent().dollars * PICO >= 0.9 * cap


async def test_who_may_fit_later_waits_and_who_cannot_is_refused() -> None:
    budget = Budget(Caps(dollars=1.0))
    first = await budget.reserve(Owner.EVALUATION, cost(PICO * 7 // 10))
    waiting = asyncio.create_task(budget.reserve(Owner.EVALUATION, cost(PICO // 2)))
    await asyncio.sleep(0)
    assert not waiting.done()
    with pytest.raises(BudgetExhausted, match="1 dollars"):
        await budget.reserve(Owner.EVALUATION, cost(PICO + 1))
    budget.settle(first, Usage(), PICO // 2)
    assert (await waiting).open


async def test_who_waits_in_vain_is_told_when_that_is_clear() -> None:
    budget = Budget(Caps(tokens=100))
    held = await budget.reserve(Owner.PROPOSER, cost(tokens=60))
    waiting = asyncio.create_task(budget.reserve(Owner.PROPOSER, cost(tokens=60)))
    await asyncio.sleep(0)
    budget.settle(held, Usage(prompt=50), 0)
    with pytest.raises(BudgetExhausted, match="100 tokens"):
        await waiting


async def test_a_large_call_is_not_starved_by_small_ones() -> None:
    budget = Budget(Caps(tokens=100))
    small = [await budget.reserve(Owner.EVALUATION, cost(tokens=10)) for _ in range(10)]
    large = asyncio.create_task(budget.reserve(Owner.EVALUATION, cost(tokens=80)))
    await asyncio.sleep(0)
    after = asyncio.create_task(budget.reserve(Owner.EVALUATION, cost(tokens=10)))
    for held in small[:8]:
        budget.release(held)
        await asyncio.sleep(0)
    assert large.done()
    assert not after.done()
    budget.release(await large)
    assert (await after).open


async def test_a_cancelled_wait_gives_its_place_away() -> None:
    budget = Budget(Caps(calls=1))
    held = await budget.reserve(Owner.EVALUATION, cost())
    gone = asyncio.create_task(budget.reserve(Owner.EVALUATION, cost()))
    stays = asyncio.create_task(budget.reserve(Owner.EVALUATION, cost()))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    budget.release(held)
    assert (await asyncio.wait_for(stays, 5)).open


async def test_a_grant_that_meets_a_cancellation_is_given_back() -> None:
    budget = Budget(Caps(calls=1))
    held = await budget.reserve(Owner.EVALUATION, cost())
    gone = asyncio.create_task(budget.reserve(Owner.EVALUATION, cost()))
    await asyncio.sleep(0)
    budget.release(held)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (await asyncio.wait_for(budget.reserve(Owner.EVALUATION, cost()), 5)).open


async def test_what_was_spent_before_a_restart_counts() -> None:
    before = {
        Owner.PROPOSER: Spent(0.25, Usage(10, 0, 5), 3),
        Owner.EVALUATION: Spent(0.5, Usage(20, 4, 6), 7),
    }
    budget = Budget(Caps(dollars=1.0), before)
    assert budget.spent() == Spent(0.75, Usage(30, 4, 11), 10)
    assert budget.share() == 0.75
    with pytest.raises(BudgetExhausted):
        await budget.reserve(Owner.EVALUATION, cost(PICO // 4 + 1))
    assert (await budget.reserve(Owner.EVALUATION, cost(PICO // 4))).open


async def test_an_owner_can_have_a_cap_of_its_own() -> None:
    budget = Budget(Caps(calls=10), owner_caps={Owner.PROPOSER: Caps(calls=1)})
    budget.settle(await budget.reserve(Owner.PROPOSER, cost()), Usage(), 0)
    with pytest.raises(BudgetExhausted, match="budget of proposer"):
        await budget.reserve(Owner.PROPOSER, cost())
    assert (await budget.reserve(Owner.EVALUATION, cost())).open


async def test_what_is_set_aside_is_there_at_the_end() -> None:
    budget = Budget(Caps(calls=10))
    budget.set_aside(Amount(calls=4))
    held = [await budget.reserve(Owner.EVALUATION, cost()) for _ in range(6)]
    for each in held:
        budget.settle(each, Usage(), 0)
    with pytest.raises(BudgetExhausted):
        await budget.reserve(Owner.EVALUATION, cost())
    budget.set_aside(Amount())
    for _ in range(4):
        budget.settle(await budget.reserve(Owner.EVALUATION, cost()), Usage(), 0)
    assert budget.spent().calls == 10


@pytest.mark.parametrize("caps", [Caps(dollars=0.0), Caps(tokens=-1), Caps(dollars=float("nan"))])
def test_a_cap_that_is_no_amount_is_refused(caps: Caps) -> None:
    with pytest.raises(ConfigError, match="must be more than 0"):
        Budget(caps)


async def test_a_reservation_is_settled_once() -> None:
    budget = Budget(Caps())
    held = await budget.reserve(Owner.EVALUATION, cost())
    budget.settle(held, Usage(), 0)
    with pytest.raises(ValueError, match="settled already"):
        budget.settle(held, Usage(), 0)


async def test_a_lost_answer_is_paid_at_its_worst() -> None:
    budget = Budget(Caps(calls=2))
    held = await budget.reserve(Owner.EVALUATION, cost(70, tokens=9))
    budget.lose(held, Usage(5, 0, 4))
    assert budget.spent(Owner.EVALUATION) == Spent(70 / PICO, Usage(5, 0, 4), 1)
    assert budget.lost() == Amount(70, 9, 1)


async def test_what_is_set_aside_is_kept_from_the_evaluations_own_cap_as_well() -> None:
    budget = Budget(Caps(), owner_caps={Owner.EVALUATION: Caps(calls=3)})
    budget.set_aside(Amount(calls=2))
    budget.settle(await budget.reserve(Owner.EVALUATION, cost()), Usage(), 0)
    with pytest.raises(BudgetExhausted, match="kept back for the test"):
        await budget.reserve(Owner.EVALUATION, cost())
    assert (await budget.reserve(Owner.PROPOSER, cost())).open
    budget.set_aside(Amount())
    assert (await budget.reserve(Owner.EVALUATION, cost())).open


async def test_every_cap_tells_how_much_of_it_is_used() -> None:
    before = {Owner.PROPOSER: Spent(0.5, Usage(10, 0, 5), 3)}
    budget = Budget(Caps(dollars=2, calls=6), before, {Owner.PROPOSER: Caps(tokens=60)})
    assert budget.shares() == {
        "the budget of 2 dollars": 0.25,
        "the budget of 6 calls": 0.5,
        "the budget of proposer of 60 tokens": 0.25,
    }
    assert Budget(Caps()).shares() == {}


@pytest.mark.parametrize("dollars", [0.1, 0.3, 1e300, 1e-12, 123456.789])
async def test_a_cap_is_the_number_that_was_written(dollars: float) -> None:
    budget = Budget(Caps(dollars=dollars))
    exact = int(Decimal(str(dollars)) * PICO)
    with pytest.raises(BudgetExhausted):
        await budget.reserve(Owner.EVALUATION, cost(exact + 1))
    assert (await budget.reserve(Owner.EVALUATION, cost(exact))).open
