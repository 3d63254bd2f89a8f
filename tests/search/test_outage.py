"""An endpoint that is down for an hour, on virtual time; and what evaluations do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from metasearch.domains.base import TaskSet
from metasearch.errors import GatewayUnavailable
from metasearch.gateway.base import Caps, EndpointDown, Spent
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.line import Line
from metasearch.gateway.settings import ModelSettings
from metasearch.sandbox.base import AnswerCall, Limits
from metasearch.search import events
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.outage import Interrupted, Outage, Patient
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import (
    Design,
    Evaluation,
    Finish,
    Json,
    Message,
    ModelReply,
    ModelRequest,
    Outcome,
    Owner,
    Score,
    Split,
    Stream,
    Task,
    Usage,
)
from tests.gateway.test_limits import at_once

HOUR = 3600.0


class Sick(OpenAIGateway):
    """The real gateway, but for its probes: the endpoint is down until `well_at`."""

    def __init__(self, clock: Callable[[], float], well_at: float) -> None:
        settings = ModelSettings("m", base_url="http://127.0.0.1:9/v1", key_env=None, free=True)
        super().__init__([settings], budget=Budget(Caps()), clock=clock)
        self.well_at, self.probes = well_at, 0
        self._now = clock
        for line in self._lines.values():
            line.health.gave_up("http://127.0.0.1:9/v1 answers 503; gave up")

    async def _probe(self, line: Line, patience: float) -> None:
        line.health.enter()
        self.probes += 1
        await asyncio.sleep(0.2)
        if self._now() < self.well_at:
            line.health.gave_up("http://127.0.0.1:9/v1 answers 503; gave up after one attempt")
            raise EndpointDown("still down")
        line.health.answered()


class Watched:
    def __init__(self, clock: Callable[[], float], well_at: float, limit: float = HOUR) -> None:
        self.shown: list[events.Event] = []
        self.notes: list[tuple[str, str]] = []
        self.gateway = Sick(clock, well_at)
        self.outage = Outage(
            self.gateway,
            limit=limit,
            show=self.shown.append,
            note=lambda kind, text: self.notes.append((kind, text)),
            clock=clock,
        )


@at_once
async def test_everybody_waits_together_and_goes_on_by_itself(clock: Callable[[], float]) -> None:
    one = Watched(clock, well_at=50 * 60.0)
    down = EndpointDown("the endpoint answers 503")
    await asyncio.gather(*(one.outage.over(down) for _ in range(100)))
    assert 50 * 60 <= clock() <= 51 * 60 + 1
    assert 40 <= one.gateway.probes <= 60  # about one a minute, not one for each that waits
    assert [kind for kind, _ in one.notes] == ["outage", "outage-over"]
    assert (
        one.notes[0][1] == "the endpoint answers 503; the search waits for it, 60 minutes at most"
    )
    assert "after 30" in one.notes[1][1]
    downs = [event for event in one.shown if isinstance(event, events.EndpointDown)]
    assert [round(event.next_seconds) for event in downs[:5]] == [5, 10, 20, 40, 60]
    assert downs[-1].seconds > 45 * 60
    assert isinstance(one.shown[-1], events.EndpointBack)
    await one.outage.over(down)  # a call that learns of it late does not wait at all


@at_once
async def test_after_the_limit_nobody_waits_any_more(clock: Callable[[], float]) -> None:
    one = Watched(clock, well_at=10 * HOUR)
    waiting = [asyncio.create_task(one.outage.over(EndpointDown("down"))) for _ in range(5)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert clock() == pytest.approx(HOUR, abs=1)
    assert {str(result) for result in results} == {
        "http://127.0.0.1:9/v1 answers 503; gave up after one attempt; waited 60 minutes for it"
    }
    with pytest.raises(GatewayUnavailable):
        await one.outage.over(EndpointDown("down"))
    assert clock() == pytest.approx(HOUR, abs=1)


@at_once
async def test_who_stops_the_search_is_not_kept_waiting(clock: Callable[[], float]) -> None:
    one = Watched(clock, well_at=10 * HOUR)
    waiting = asyncio.create_task(one.outage.over(EndpointDown("down")))
    await asyncio.sleep(100)
    one.outage.stop()
    with pytest.raises(Interrupted):
        await waiting
    assert clock() < 101


@at_once
async def test_with_a_limit_of_nothing_an_outage_ends_the_search(
    clock: Callable[[], float],
) -> None:
    one = Watched(clock, well_at=10 * HOUR, limit=0.0)
    with pytest.raises(GatewayUnavailable, match="503"):
        await one.outage.over(EndpointDown("down"))


REQUEST = ModelRequest("m", (Message("user", "hello"),), 20)


class Recorded:
    """A gateway with a record, whose first `failures` calls find the endpoint down.

    Attributes:
        queue: seconds for which every new call waits before it is made.
    """

    def __init__(self, failures: int = 0, queue: float = 0.0, slow: float = 0.0) -> None:
        self.failures, self.queue, self.slow = failures, queue, slow
        self.kept: dict[str, ModelReply] = {}

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        del owner
        key = request.key(stream)
        if key in self.kept:
            return replace(self.kept[key], recorded=True)
        await asyncio.sleep(self.queue)
        if self.failures:
            self.failures -= 1
            raise EndpointDown("down")
        await asyncio.sleep(self.slow)
        reply = ModelReply("right", Finish.STOP, Usage(1, 0, 1), 0.0, self.slow)
        self.kept[key] = reply
        return reply

    async def check(self) -> None:
        """Nothing is wrong."""

    def spent(self, owner: Owner | None = None) -> Spent:
        del owner
        return Spent()

    async def close(self) -> None:
        """Nothing is held."""

    def trouble(self) -> str:
        return "down" if self.failures else ""

    async def recovered(self, tell: Callable[[str, float], None] | None = None) -> None:
        await asyncio.sleep(0.01)


TASK = Task("t", "question", "right")


async def play(inputs: dict[str, Json], ask: AnswerCall) -> Json:
    said = ""
    for turn in range(3):
        message = {"role": "user", "content": f"{inputs['prompt']} {turn}"}
        said = str((await ask({"messages": [message]}))["text"])
    return said


async def evaluated(gateway: Recorded, wall: float = 60.0) -> tuple[Evaluation, int]:
    """Evaluate once; return what came of it, and how many evaluations had to be repeated."""
    splits = {split: (Task(f"{split}", f"{split}?", "right"),) for split in Split}
    domain = TaskSet("d", "", splits, lambda task, answer: Score(float(answer == task.gold)))
    outage = Outage(
        gateway, limit=5.0, show=lambda _: None, note=lambda *_: None, clock=lambda: 0.0
    )
    limits = Limits(active_seconds=min(10.0, wall), wall_seconds=wall)
    slots = asyncio.Semaphore(1)
    evaluator = Evaluator(gateway, domain, Asking("m"), limits, slots, outage)
    async with FakeSandbox(play) as sandbox:
        worker = await sandbox.open("")
        done = await evaluator.evaluate(worker, Design("d"), TASK, Split.TRAIN)
    return done, evaluator.faults["infrastructure"]


@pytest.mark.parametrize("failures", [1, 4])
async def test_an_evaluation_that_meets_an_outage_is_repeated_and_counts_once(
    failures: int,
) -> None:
    done, repeated = await evaluated(Recorded(failures))
    assert (done.outcome, done.score, done.calls) == (Outcome.ANSWERED, 1.0, 3)
    assert repeated == 1


async def test_a_job_whose_calls_had_to_wait_for_their_turn_is_not_late() -> None:
    done, repeated = await evaluated(Recorded(queue=0.4), wall=1.0)
    assert (done.outcome, done.score) == (Outcome.ANSWERED, 1.0)
    assert repeated == 1


async def test_a_job_whose_calls_take_long_by_themselves_is_late() -> None:
    done, repeated = await evaluated(Recorded(slow=0.4), wall=1.0)
    assert done.outcome is Outcome.TIMED_OUT
    assert repeated == 0


async def test_where_calls_wait_for_ever_the_search_pauses_instead_of_scoring_it() -> None:
    with pytest.raises(GatewayUnavailable, match=r"raise sandbox\.wall_seconds"):
        await evaluated(Recorded(queue=30.0), wall=0.2)


async def test_a_proposer_does_not_notice_an_outage() -> None:
    gateway = Recorded(failures=3)
    outage = Outage(
        gateway, limit=5.0, show=lambda _: None, note=lambda *_: None, clock=lambda: 0.0
    )
    reply = await Patient(gateway, outage).ask(REQUEST, Stream("p"), Owner.PROPOSER)
    assert reply.text == "right"
