"""Episodes with members in a sandbox: what they decide counts, and nothing else of what they do."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from metasearch.errors import GatewayUnavailable, SandboxUnavailable
from metasearch.sandbox.base import AnswerCall, Job, JobResult, Limits, Sandbox, Worker
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.testing.scripted import dedented
from metasearch.types import Design, Evaluation, Json, Outcome, Split
from tests.search.pot import SHARES, pot

PATIENT, HURRIED = Limits(), Limits(active_seconds=0.5)


def faults(evaluation: Evaluation, seat: int) -> list[str]:
    """What went wrong with a seat's actions, "" where nothing did, in order."""
    log = evaluation.answer["log"]
    return [e.get("fault", "") for e in log if e["kind"] == "act" and e["seat"] == seat]


def values(evaluation: Evaluation, seat: int, kind: str = "harvest") -> list[Json]:
    acts = [e for e in evaluation.answer["log"] if e["kind"] == "act"]
    return [e["value"] for e in acts if (e["seat"], e["ask"]) == (seat, kind)]


async def played(
    worker: Worker,
    *,
    gateway: Any = None,
    asking: Asking | None = None,
    limits: Limits | None = None,
    repeat: int = 0,
    **society: Any,
) -> Evaluation:
    """Evaluate an opened design on one episode."""
    domain = pot(**society)
    evaluator = Evaluator(
        gateway or FakeGateway(),
        domain,
        asking or Asking("m"),
        limits or Limits(),
        asyncio.Semaphore(4),
    )
    task = domain.tasks(Split.VALIDATION)[0]
    return await evaluator.evaluate(worker, Design("x"), task, Split.VALIDATION, repeat)


async def in_fake(source: str, **what: Any) -> Evaluation:
    async with FakeSandbox() as sandbox:
        return await played(await sandbox.open(dedented(source)), **what)


# the log


async def test_a_member_plays_as_its_twin_among_the_bots_does() -> None:
    domain = pot(months=4, spoken=3)
    task = domain.tasks(Split.VALIDATION)[0]
    evaluation = await in_fake(SHARES, months=4, spoken=3)
    twin = domain.game.rehearse(domain.scenario(task), domain.game.bots["sharer"])
    *log, cost = evaluation.answer["log"]
    assert log == twin
    assert cost == {"kind": "cost", "calls": [0, 0, 0], "tokens": [0, 0, 0]}
    assert (evaluation.outcome, evaluation.score) == (Outcome.ANSWERED, 1.0)


ASKS = """
    from agentkit import Agent, AgentError, Player, gather
    class Member(Player):
        async def act(self, request):
            if request.kind != "harvest":
                return self.notes.get("said", "")
            try:
                agents = [Agent("me", temperature=0.5), Agent("myself")]
                replies = await gather(one.ask("How much?") for one in agents)
            except AgentError as error:
                self.notes["said"] = error.kind
                return 0
            return int(replies[0].text) + self.rng.randrange(3)
"""


class Uneven(FakeGateway):
    """Answers late or early, by chance that no seed decides; notes the scopes."""

    def __init__(self) -> None:
        super().__init__(lambda _: str(len(self.requests) % 2))
        self.scopes: Counter[str] = Counter()

    async def ask(self, request: Any, stream: Any, owner: Any) -> Any:
        self.scopes[stream.scope] += 1
        number = stream.seed() % 2  # of the sample, whenever it comes
        await asyncio.sleep(random.SystemRandom().random() * 0.01)
        reply = await super().ask(request, stream, owner)
        return type(reply)(str(number), *[getattr(reply, name) for name in reply.__slots__[1:]])


async def test_timing_does_not_matter_and_seats_draw_their_own_samples() -> None:
    logs, gateways = [], []
    for _ in range(3):
        gateways.append(Uneven())
        logs.append((await in_fake(ASKS, gateway=gateways[-1])).answer["log"])
    assert logs[0] == logs[1] == logs[2]
    task = pot().tasks(Split.VALIDATION)[0].id
    assert gateways[0].scopes == {f"{task}/0": 10, f"{task}/2": 10}
    other = (await in_fake(ASKS, gateway=Uneven(), repeat=1)).answer["log"]
    assert other != logs[0]


async def test_seats_share_the_caps_whoever_comes_first() -> None:
    asking = Asking("m", calls_per_task=7)  # for each of the design's two seats
    found = [await in_fake(ASKS, gateway=Uneven(), asking=asking) for _ in range(2)]
    assert found[0].answer == found[1].answer
    # 14 in the first month for two: 7 each. Then 10, 6, 2 are left, and one each is too few.
    assert found[0].answer["log"][-1]["calls"] == [7, 0, 7]
    assert found[0].calls == 14
    assert found[0].outcome is Outcome.ANSWERED
    assert values(found[0], 0, "reflect")[-1] == "over_budget"


async def test_the_trace_says_which_seat_has_asked() -> None:
    evaluation = await in_fake(ASKS, gateway=Uneven(), months=1)
    names = sorted(call.agent for call in evaluation.trace)
    assert names == ["seat 0: me", "seat 0: myself", "seat 2: me", "seat 2: myself"]
    tokens = evaluation.answer["log"][-1]["tokens"]
    assert sum(tokens) == evaluation.usage.total > 0


async def test_what_seats_print_is_told_by_seat_and_cut() -> None:
    source = SHARES + "        \n    def observe(self, event):\n        print(event.kind)\n"
    evaluation = await in_fake(source, months=1, limits=Limits(output_bytes=60))
    assert evaluation.stdout.startswith("[seat 0]\nrules\nharvested\ntalk\n")
    assert len(evaluation.stdout) <= 60


# faults


async def test_a_late_reply_is_thrown_away_and_the_seat_goes_on() -> None:
    source = """
        import asyncio
        from agentkit import Player
        class Member(Player):
            async def act(self, request):
                if request.kind == "harvest" and request.month == 1:
                    await asyncio.sleep(0.7)
                return request.month + 1 if request.kind == "harvest" else "x"
    """
    evaluation = await in_fake(
        source, limits=Limits(active_seconds=0.1), seats=("design",), months=4, spoken=0
    )
    assert values(evaluation, 0)[:2] == [1, 0]
    assert values(evaluation, 0)[-1] == 4
    assert faults(evaluation, 0)[2] == "late"
    assert evaluation.outcome is Outcome.ANSWERED


async def test_asking_a_model_is_not_computing() -> None:
    gateway = FakeGateway(lambda _: "3", latency=0.5)
    limits = Limits(active_seconds=0.2)
    evaluation = await in_fake(ASKS, gateway=gateway, limits=limits, months=1, spoken=0)
    assert (faults(evaluation, 0), faults(evaluation, 2)) == ([""] * 2, [""] * 2)


@pytest.mark.parametrize(
    ("action", "outcome", "text"),
    [
        ("7.5", Outcome.WRONG_FORMAT, "harvest: 7.5 is no whole number"),
        ("{1}", Outcome.WRONG_FORMAT, "not plain JSON"),
        ("1 // 0", Outcome.CRASHED, "ZeroDivisionError"),
    ],
)
async def test_where_no_action_is_valid_the_fault_is_the_outcome(
    action: str, outcome: Outcome, text: str
) -> None:
    source = f"""
        from agentkit import Player
        class Member(Player):
            def act(self, request):
                return {action}
    """
    evaluation = await in_fake(source, spoken=0)
    assert (evaluation.outcome, evaluation.score) == (outcome, 0.0)
    assert text in evaluation.error
    assert len(evaluation.answer["log"]) > 20  # kept all the same


async def test_a_design_without_a_member_is_gone_from_the_start() -> None:
    evaluation = await in_fake("def solve(task):\n    return 1\n")
    assert (evaluation.outcome, set(faults(evaluation, 2))) == (Outcome.CRASHED, {"gone"})
    assert "Member" in evaluation.error
    assert set(faults(evaluation, 1)) == {""}


# the host


class Scripted:
    """A worker whose jobs fail as they are told to, one after the other; then they work."""

    def __init__(self, worker: Worker, *results: JobResult) -> None:
        self._worker, self._results = worker, list(results)
        self.playing = 0

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        self.playing += 1
        try:
            if self._results:
                return self._results.pop(0)
            return await self._worker.run(job, answer_call)
        finally:
            self.playing -= 1

    async def close(self) -> None:
        await self._worker.close()


LOST = JobResult(Outcome.INFRASTRUCTURE, error="the container is gone")
KILLED = JobResult(Outcome.OUT_OF_MEMORY, error="the kernel ended it")


@pytest.mark.parametrize("result", [LOST, KILLED])
async def test_what_may_be_the_sandboxs_doing_is_no_score(result: JobResult) -> None:
    async with FakeSandbox() as sandbox:
        worker = Scripted(await sandbox.open(SHARES), result)
        evaluation = await played(worker)
    assert (evaluation.outcome, evaluation.score) == (Outcome.ANSWERED, 1.0)
    assert worker.playing == 0


async def test_a_sandbox_that_always_fails_stops_the_search() -> None:
    async with FakeSandbox() as sandbox:
        worker = Scripted(await sandbox.open(SHARES), *[LOST] * 9)
        with pytest.raises(SandboxUnavailable, match="the container is gone"):
            await played(worker)


async def test_a_seat_that_is_killed_for_its_memory_alone_is_gone() -> None:
    async with FakeSandbox() as sandbox:
        # The first run's two seats, then the first seat of the run alone.
        worker = Scripted(await sandbox.open(SHARES), KILLED, LOST, KILLED)
        evaluation = await played(worker)
    assert (set(faults(evaluation, 0)), set(faults(evaluation, 2))) == ({"gone"}, {""})


async def test_what_ends_a_search_comes_out_and_no_job_stays() -> None:
    class Gone(FakeGateway):
        async def ask(self, *_: Any) -> Any:
            raise GatewayUnavailable("no endpoint")

    async with FakeSandbox() as sandbox:
        worker = Scripted(await sandbox.open(dedented(ASKS)))
        with pytest.raises(GatewayUnavailable, match="no endpoint"):
            await played(worker, gateway=Gone())
        assert worker.playing == 0
        waiting = asyncio.ensure_future(played(worker, gateway=FakeGateway(latency=60.0)))
        while not worker.playing:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert worker.playing == 0


async def test_an_episode_has_a_wall_clock() -> None:
    source = """
        import asyncio
        from agentkit import Player
        class Member(Player):
            async def act(self, request):
                await asyncio.sleep(60)
    """
    evaluation = await in_fake(source, limits=Limits(wall_seconds=0.3))
    assert (evaluation.outcome, evaluation.answer) == (Outcome.TIMED_OUT, None)
    assert 0.3 <= evaluation.seconds < 5


# bad input, where it is kept apart


class BadMembers:
    """What members must not be able to do; one sandbox serves the class."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    async def episode(
        self, sandbox: Sandbox, act: str, limits: Limits = PATIENT, **what: Any
    ) -> Evaluation:
        """Play with seats 0 and 2 running this body of `act`, and see that the bot is untouched."""
        lines = dedented(act).replace("\n", "\n        ")
        head = "import os, sys\nfrom agentkit import *\nfrom agentkit import _link\n"
        source = f"{head}class Member(Player):\n    def act(self, request):\n        {lines}\n"
        worker = await sandbox.open(source)
        try:
            evaluation = await played(worker, limits=limits, **what)
        finally:
            await worker.close()
        months = len(values(evaluation, 1))
        assert months == what.get("months", 5)
        assert set(faults(evaluation, 1)) == {""}
        for seat in (0, 2):
            assert len(values(evaluation, seat)) == months
        return evaluation

    async def test_never_answers(self, sandbox: Sandbox) -> None:
        evaluation = await self.episode(sandbox, "while True: pass", HURRIED)
        assert evaluation.outcome is Outcome.TIMED_OUT
        assert faults(evaluation, 0) == ["late"] * 3 + ["gone"] * (len(faults(evaluation, 0)) - 3)

    async def test_answers_for_others(self, sandbox: Sandbox) -> None:
        act = """
            if request.kind != "harvest":
                return "x"
            if request.month % 2:
                return {"seat": 1, "quantity": 100, "kind": "harvest", "op": "turn"}
            for fd in (1, 3):
                for seat in (0, 1, 2):
                    body = b'{"type":"call","id":%d,"op":"turn","body":{"action":99,"seat":%d}}'
                    body %= (700 + seat, seat)
                    try:
                        os.write(fd, len(body).to_bytes(4, "big") + body)
                    except OSError:
                        pass
            return 1
        """
        evaluation = await self.episode(sandbox, act)
        assert set(values(evaluation, 1)) <= {100 // 2 // 3, *range(17)}
        assert "invalid" in faults(evaluation, 0) or "gone" in faults(evaluation, 0)

    @pytest.mark.parametrize("op", ["turn", "ask"])
    async def test_floods(self, sandbox: Sandbox, op: str) -> None:
        act = f"""
            for _ in range(10_000):
                try:
                    _link.call_blocking("{op}", {{"action": 1, "messages": []}})
                except AgentError:
                    pass
            return 2
        """
        evaluation = await self.episode(sandbox, act, HURRIED, months=2)
        assert evaluation.calls == 0

    @pytest.mark.parametrize("way", ["raise ValueError(request.month)", "os._exit(1)"])
    async def test_crashes_in_month_3(self, sandbox: Sandbox, way: str) -> None:
        act = f"""
            if request.get("month") == 3:
                {way}
            return 4 if request.kind == "harvest" else "x"
        """
        evaluation = await self.episode(sandbox, act, spoken=0)
        after = "" if "raise" in way else "gone"
        first = "crashed" if "raise" in way else "gone"
        assert faults(evaluation, 0) == [""] * 6 + [first] + [after] * 3
        assert values(evaluation, 0) == [4, 4, 4, 0, 0 if after else 4]
        assert evaluation.outcome is Outcome.ANSWERED

    async def test_replies_that_are_none(self, sandbox: Sandbox) -> None:
        act = """
            replies = [1e308, "ten", True, -1, 10 ** 300, [3], {"take": 3}, 2.5, None, "9" * 10**6]
            return replies[request.month] if request.kind == "harvest" else 7
        """
        evaluation = await self.episode(sandbox, act, months=10, spoken=0)
        assert set(faults(evaluation, 0)) == {"invalid"}
        assert values(evaluation, 2) == [0] * 10
        assert evaluation.outcome is Outcome.WRONG_FORMAT

    async def test_recursion_and_prints_without_end(self, sandbox: Sandbox) -> None:
        act = """
            if request.kind == "harvest" and request.month == 2:
                return self.act(request)
            if request.kind == "reflect":
                large = "x" * 100_000
                for _ in range(10_000):
                    print(large)
                return "printed"
            return 3 if request.kind == "harvest" else "x"
        """
        evaluation = await self.episode(sandbox, act, months=3, spoken=0)
        assert values(evaluation, 0) == [3, 3, 0]
        assert faults(evaluation, 0)[4] in ("crashed", "gone")
        assert len(evaluation.stdout) <= PATIENT.output_bytes


def _opened(name: str) -> Callable[[], Sandbox]:
    if name == "docker":
        from metasearch.sandbox.docker import DockerSandbox

        return lambda: DockerSandbox(jobs=40, spares=0)
    from metasearch.sandbox.wasm import WasmSandbox

    return lambda: WasmSandbox(spare=2)


@pytest.mark.docker
class TestDocker(BadMembers):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls) -> AsyncIterator[Sandbox]:
        async with _opened("docker")() as opened:
            yield opened

    async def test_episodes_wait_for_places_and_never_for_each_other(self) -> None:
        from metasearch.sandbox.docker import DockerSandbox

        gateway = FakeGateway(lambda _: "1", latency=0.02)
        async with DockerSandbox(jobs=5, spares=0) as sandbox:
            worker = await sandbox.open(dedented(ASKS))
            episodes = (
                played(worker, gateway=gateway, seats=("design",) * 3, spoken=0, months=2)
                for _ in range(5)
            )
            async with asyncio.timeout(60):
                found = await asyncio.gather(*episodes)
        assert {one.outcome for one in found} == {Outcome.ANSWERED}
        assert {str(faults(one, 2)) for one in found} == {str([""] * 4)}


@pytest.mark.wasm
class TestWasm(BadMembers):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls) -> AsyncIterator[Sandbox]:
        async with _opened("wasm")() as opened:
            yield opened
