"""A search through a storm: 30 % of the requests get 429, 5 % 500, 2 % a reset, 2 % half a body.

The endpoint is a process of its own and takes a fifth of a second for each request, refused or not;
32 may be with it at a time. So it can give 32 / 0.2 s x 61 % = 98 answers a second at best. Every
evaluation asks twice, one question after the other, and runs in this process: a sandbox would only
hide how fast the gateway is.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import nullcontext

from metasearch.archive import Archive
from metasearch.domains.base import TaskSet
from metasearch.domains.questions import task_id
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.settings import ModelSettings
from metasearch.sandbox.base import AnswerCall, Limits
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.events import Event
from metasearch.search.measure import Measurer
from metasearch.search.proposer import Proposal
from metasearch.testing.endpoint import EndpointProcess, Fault, stormy
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Design, Evaluation, Json, Outcome, Owner, Score, Split, Task, Usage
from tests import postgres

LATENCY, IN_FLIGHT = 0.2, 32
RATES = {
    Fault(status=429): 0.30,
    Fault(status=500): 0.05,
    Fault("reset"): 0.02,
    Fault("truncated"): 0.02,
}
EVALUATIONS, QUICK_EVALUATIONS = 2_000, 400
TOGETHER = 48  # evaluations: some wait for their turn while others ask

script = stormy(lambda request: "right", RATES, seed=1)


async def play(inputs: dict[str, Json], ask: AnswerCall) -> Json:
    """Ask twice; the second question quotes the first answer."""
    said = ""
    for turn in range(2):
        message = {"role": "user", "content": f"{inputs['prompt']} {turn} {said}"}
        said = str((await ask({"messages": [message]}))["text"])
    return said


def figure(quick: bool, place: str | None = None) -> dict[str, Json]:
    """Answers a second, as a share of what the endpoint could give."""
    count = QUICK_EVALUATIONS if quick else EVALUATIONS
    with (
        nullcontext(place) if place else postgres.archive_place() as where,
        EndpointProcess(f"{__name__}:script", latency=LATENCY) as endpoint,
        Archive.open(where) as archive,
    ):
        seconds, done = asyncio.run(_run(endpoint.base_url, archive, count))
        served, spent = endpoint.served, archive.spent("storm")
    faults = sum(served.faults.values())
    possible = IN_FLIGHT / LATENCY * (1 - sum(RATES.values()))
    ratio = served.replies / seconds / possible
    outcomes = Counter(str(one.outcome) for one in done)
    whole = outcomes == {str(Outcome.ANSWERED): count} and all(one.score == 1 for one in done)
    lost = served.faults.get("reset", 0) + served.faults.get("truncated", 0)
    return {
        "value": round(ratio, 3),
        "bound": 0.6,
        "unit": "x the answers a second that the endpoint could give",
        "holds": ratio > 0.6 and whole and spent.calls == served.replies + lost,
        "evaluations": count,
        "outcomes": dict(outcomes),
        "replies": served.replies,
        "faults": dict(served.faults),
        "share_of_faults": round(faults / served.requests, 3),
        "calls_paid": spent.calls,
        "seconds": round(seconds, 1),
    }


class _Silent:
    def show(self, event: Event) -> None:
        """Show nothing."""


def _tasks(split: Split, count: int) -> tuple[Task, ...]:
    prompts = [f"{split} question {number}" for number in range(count)]
    return tuple(Task(task_id(prompt), prompt, "right") for prompt in prompts)


async def _run(url: str, archive: Archive, count: int) -> tuple[float, list[Evaluation]]:
    sizes = {Split.TRAIN: 1, Split.VALIDATION: count, Split.TEST: 1}
    splits = {split: _tasks(split, size) for split, size in sizes.items()}
    domain = TaskSet("storm", "", splits, lambda task, answer: Score(float(answer == task.gold)))
    archive.create_search(
        id="storm", domain="storm", strategy="evolve", config={}, seed=0, tasks=splits
    )
    settings = ModelSettings("m", base_url=url, key_env=None, free=True, concurrency=IN_FLIGHT)
    gateway = OpenAIGateway(
        [settings], budget=Budget(Caps()), record=archive.recorder("storm"), rng=random.Random(0)
    )
    async with gateway, FakeSandbox(play) as sandbox:
        evaluator = Evaluator(gateway, domain, Asking("m"), Limits(), asyncio.Semaphore(TOGETHER))
        measurer = Measurer("storm", archive, evaluator, sandbox, _Silent())
        measurer.load()
        design = Design("async def solve(task): ...", name="two questions")
        member = measurer.enter(0, Proposal(design, "", (), Usage(), 0.0, ""), "seed", "pending")
        began = time.monotonic()
        await measurer.meet(member, Split.VALIDATION, splits[Split.VALIDATION])
        seconds = time.monotonic() - began
        await measurer.drain()
    assert gateway.spent(Owner.EVALUATION).calls == archive.spent("storm").calls
    return seconds, archive.evaluations("storm")
