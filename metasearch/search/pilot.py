"""A pilot: the seeds on three training tasks, to learn what an evaluation costs here.

It asks the real model in the real sandbox, so it costs a little; nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from metasearch.domains.base import Domain
from metasearch.gateway.base import Caps, Spent
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.prices import load_prices
from metasearch.sandbox.base import Limits, Sandbox
from metasearch.sandbox.choose import open_sandbox
from metasearch.search.config import SearchConfig
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.launch import baselines, model_settings
from metasearch.types import Design, Evaluation, Split

__all__ = ["TASKS", "Pilot", "pilot"]

TASKS = 3
SHARE = 0.05  # of the cap in dollars that a pilot may take
MOST_USD = 0.25  # ... and at most so much


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot found.

    Attributes:
        tokens: of one evaluation, the mean of each design.
        prompt_share: of all tokens, in [0, 1].
        spent: what the pilot itself cost.
    """

    tokens: tuple[float, ...]
    prompt_share: float
    spent: Spent


async def pilot(config: SearchConfig, domain: Domain, tell: Callable[[str], None]) -> Pilot:
    """Run every seed on three training tasks.

    Raises:
        BudgetExhausted: it would take more than `SHARE` of the cap.
        ConfigError, Unavailable: key, endpoint, model or sandbox are not there.
    """
    async with AsyncExitStack() as stack:
        settings = await model_settings(config.model, stack, tell, asks=True)
        gateway = OpenAIGateway(
            (settings,),
            budget=Budget(_caps(config)),
            prices=load_prices(config.budget.prices),
            allow_unpriced=config.budget.allow_unpriced,
        )
        await stack.enter_async_context(gateway)
        await gateway.check()
        sandbox = await open_sandbox(
            config.sandbox.name, run="pilot", parallel=config.sandbox.parallel
        )
        await stack.enter_async_context(sandbox)
        evaluator = Evaluator(
            gateway,
            domain,
            Asking(
                model=settings.name,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                calls_per_task=config.search.calls_per_task,
                tokens_per_task=config.search.tokens_per_task,
            ),
            Limits(
                active_seconds=config.sandbox.active_seconds,
                wall_seconds=config.sandbox.wall_seconds,
                memory_mib=config.sandbox.memory_mib,
            ),
            asyncio.Semaphore(config.sandbox.parallel or config.model.concurrency),
        )
        found = await asyncio.gather(
            *(_design(evaluator, sandbox, design) for design in baselines(config))
        )
        return _summed(found, gateway.spent())


def _caps(config: SearchConfig) -> Caps:
    usd = config.budget.usd
    return Caps(dollars=MOST_USD if usd is None else min(MOST_USD, SHARE * usd))


async def _design(evaluator: Evaluator, sandbox: Sandbox, design: Design) -> list[Evaluation]:
    worker = await sandbox.open(design.source)
    try:
        tasks = evaluator.domain.tasks(Split.TRAIN)[:TASKS]
        runs = (evaluator.evaluate(worker, design, task, Split.TRAIN) for task in tasks)
        return list(await asyncio.gather(*runs))
    finally:
        await worker.close()


def _summed(found: Sequence[Sequence[Evaluation]], spent: Spent) -> Pilot:
    tokens = tuple(sum(one.usage.total for one in each) / len(each) for each in found)
    usage = [one.usage for each in found for one in each]
    total = sum(one.total for one in usage)
    share = sum(one.prompt for one in usage) / total if total else 0.0
    return Pilot(tokens, share, spent)
