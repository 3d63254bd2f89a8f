"""The host's side of one job, against a scripted job: no process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from metasearch.sandbox.base import CallRefused, Job, JobResult, Limits
from metasearch.sandbox.conversation import Clock, LinkClosed, converse, no_model
from metasearch.sandbox.frames import FrameError
from metasearch.types import Json, Outcome

Body = dict[str, Json]
END = LinkClosed()


class ScriptedJob:
    """Plays the job: what it will say, and what it was sent."""

    def __init__(self, *said: Any) -> None:
        self._said = list(said)
        self.got: list[Body] = []
        self.news = asyncio.Event()

    async def send(self, body: bytes) -> None:
        self.got.append(json.loads(body))
        self.news.set()

    async def receive(self) -> bytes:
        if not self._said:
            await asyncio.Event().wait()
        each = self._said.pop(0)
        if callable(each):
            await each(self)
            return await self.receive()
        if isinstance(each, Exception):
            raise each
        return each if isinstance(each, bytes) else json.dumps(each).encode()

    def replies(self) -> list[Body]:
        return [frame for frame in self.got if frame["type"] == "reply"]


def until_replies(count: int) -> Callable[[ScriptedJob], Awaitable[None]]:
    async def wait(job: ScriptedJob) -> None:
        while len(job.replies()) < count:
            job.news.clear()
            await job.news.wait()

    return wait


def call(number: int, which: str = "ask", **body: Json) -> Body:
    return {"type": "call", "id": number, "op": which, "body": body}


def answered(answer: Json = "done") -> Body:
    return {"type": "result", "status": "answered", "answer": answer, "stdout": "printed"}


async def never_nested(code: str, limits: Limits) -> JobResult:
    raise AssertionError("no run of code was asked for")


async def talk(
    job: ScriptedJob,
    answer_call: Any = no_model,
    nested: Any = never_nested,
    *,
    inputs: Body | None = None,
    entry: str = "solve",
    **limits: Any,
) -> JobResult:
    opened = Job(inputs or {}, 5, Limits(**limits), entry)
    async with asyncio.timeout(20):
        return await converse(job, "source", opened, answer_call, nested)


async def test_the_job_is_sent_and_its_answer_taken() -> None:
    job = ScriptedJob(answered([1, None]))
    result = await talk(job, inputs={"prompt": "p"})
    assert (result.outcome, result.answer, result.stdout) == (
        Outcome.ANSWERED,
        [1, None],
        "printed",
    )
    assert job.got[0]["source"] == "source"
    assert job.got[0]["inputs"] == {"prompt": "p"}
    assert (job.got[0]["seed"], job.got[0]["entry"]) == (5, "solve")
    assert job.got[0]["limits"]["open_calls"] == 16


async def test_calls_are_answered_and_refusals_told() -> None:
    async def model(body: Body) -> Body:
        if body["n"] == 2:
            raise CallRefused("over_budget", "no more")
        return {"text": f"reply {body['n']}", "finish": "stop"}

    job = ScriptedJob(call(1, n=1), until_replies(1), call(2, n=2), until_replies(2), answered())
    await talk(job, model)
    assert job.replies() == [
        {"type": "reply", "id": 1, "value": {"text": "reply 1", "finish": "stop"}},
        {"type": "reply", "id": 2, "error": {"kind": "over_budget", "message": "no more"}},
    ]


async def test_the_hosts_exception_comes_out_and_beats_an_answer() -> None:
    async def model(body: Body) -> Body:
        raise ConnectionError("endpoint")

    with pytest.raises(ConnectionError, match="endpoint"):
        await talk(ScriptedJob(call(1), until_replies(1)), model)


async def test_no_more_than_open_calls_are_read() -> None:
    running = most = 0

    async def model(body: Body) -> Body:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return {"text": "x", "finish": "stop"}

    job = ScriptedJob(*(call(n) for n in range(20)), until_replies(20), answered())
    result = await talk(job, model, open_calls=3)
    assert (result.outcome, most) == (Outcome.ANSWERED, 3)


async def test_the_first_result_ends_the_job_and_its_calls() -> None:
    cancelled = []

    async def model(body: Body) -> Body:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(body["n"])
            raise
        return {}

    async def begun(job: ScriptedJob) -> None:
        await asyncio.sleep(0.01)

    result = await talk(ScriptedJob(call(1, n=1), begun, answered(), answered("later")), model)
    assert (result.answer, cancelled) == ("done", [1])


@pytest.mark.parametrize(
    "frame",
    [
        b"junk",
        {"type": "hello"},
        {"no": "type"},
        {"type": "call", "id": 1, "op": "shell", "body": {}},
        {"type": "call", "id": 1, "op": "ask", "body": []},
        {"type": "call", "id": True, "op": "ask"},
        {"type": "call", "id": "1", "op": "ask", "body": {}},
        {"type": "call", "id": -1, "op": "ask", "body": {}},
        {"type": "call", "id": 1 << 60, "op": "ask", "body": {}},
        {"type": ["call"]},
        {"type": "call", "id": 1, "op": ["ask"], "body": {}},
        FrameError("a frame of 4294967295 bytes"),
    ],
    ids=range(12),
)
async def test_what_is_not_in_the_protocol_ends_the_job(frame: Any) -> None:
    result = await talk(ScriptedJob(frame, answered()))
    assert (result.outcome, result.answer) == (Outcome.CRASHED, None)
    assert result.error.startswith("protocol: ")


async def test_turns_are_served_one_after_the_other_and_their_wait_is_free() -> None:
    bodies: list[Body] = []

    async def host(body: Body) -> Body:
        bodies.append(body)
        await asyncio.sleep(0.1)
        return {"request": {"kind": str(len(bodies))}}

    job = ScriptedJob(call(1, "turn"), call(2, "turn", action=7, op="ask"), answered())
    result = await talk(job, host, entry="member", active_seconds=0.1, wall_seconds=9.0)
    assert result.outcome is Outcome.ANSWERED
    assert bodies == [{"op": "turn"}, {"op": "turn", "action": 7}]
    assert [reply["value"]["request"]["kind"] for reply in job.replies()] == ["1", "2"]
    assert result.active_seconds < 0.1


@pytest.mark.parametrize("entry", ["solve", "run_code"])
async def test_only_members_take_turns(entry: str) -> None:
    job = ScriptedJob(call(1, "turn"), until_replies(1), answered())
    await talk(job, entry=entry)
    assert job.replies()[0]["error"]["kind"] == "bad_request"


async def test_an_ask_has_no_op_whatever_the_design_says() -> None:
    bodies: list[Body] = []

    async def host(body: Body) -> Body:
        bodies.append(body)
        return {"text": "x", "finish": "stop"}

    job = ScriptedJob(call(1, "ask", op="turn", action=7), until_replies(1), answered())
    await talk(job, host, entry="member")
    assert bodies == [{"action": 7}]


async def test_an_id_in_use_is_not_taken_twice() -> None:
    async def model(body: Body) -> Body:
        await asyncio.sleep(60)
        return {}

    result = await talk(ScriptedJob(call(1), call(1)), model)
    assert "protocol" in result.error


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("crashed", Outcome.CRASHED),
        ("wrong_format", Outcome.WRONG_FORMAT),
        ("blank", Outcome.BLANK),
        ("truncated", Outcome.TRUNCATED),
        ("refused", Outcome.REFUSED),
        ("over_budget", Outcome.OVER_BUDGET),
        ("out_of_memory", Outcome.OUT_OF_MEMORY),
        ("infrastructure", Outcome.CRASHED),
        ("answered", Outcome.CRASHED),
        ("timed_out", Outcome.CRASHED),
        (None, Outcome.CRASHED),
        ({"a": 1}, Outcome.CRASHED),
    ],
)
async def test_a_job_cannot_claim_what_only_the_host_knows(kind: Json, outcome: Outcome) -> None:
    frame = {"type": "result", "status": "raised", "kind": kind, "error": "e" * 9000, "stdout": 3}
    result = await talk(ScriptedJob(frame))
    assert (result.outcome, result.stdout) == (outcome, "")
    assert len(result.error) == 4000


async def test_an_answer_is_measured_by_the_host_too() -> None:
    result = await talk(ScriptedJob(answered("é" * 600)), answer_bytes=1000)
    assert (result.outcome, result.answer) == (Outcome.WRONG_FORMAT, None)
    assert (await talk(ScriptedJob(answered("e" * 600)), answer_bytes=1000)).answer == "e" * 600


async def test_output_is_cut_and_cleaned() -> None:
    frame = {**answered("\ud800"), "stdout": "\x00" + "x" * 100}
    result = await talk(ScriptedJob(frame), output_bytes=10)
    assert (result.answer, result.stdout) == ("\ufffd", "\ufffd" + "x" * 9)


@pytest.mark.parametrize(
    ("closed", "outcome", "error"),
    [
        (LinkClosed(), Outcome.CRASHED, "without an answer"),
        (LinkClosed(Outcome.OUT_OF_MEMORY, "the kernel"), Outcome.OUT_OF_MEMORY, "the kernel"),
        (LinkClosed(Outcome.INFRASTRUCTURE, "engine gone"), Outcome.INFRASTRUCTURE, "engine gone"),
    ],
)
async def test_the_end_of_the_link_has_an_outcome(
    closed: LinkClosed, outcome: Outcome, error: str
) -> None:
    result = await talk(ScriptedJob(closed))
    assert result.outcome is outcome
    assert error in result.error


async def test_computing_time_is_limited_and_waiting_is_not_computing() -> None:
    async def model(body: Body) -> Body:
        await asyncio.sleep(0.5)
        return {"text": "x", "finish": "stop"}

    waits = ScriptedJob(call(1), until_replies(1), answered())
    result = await talk(waits, model, active_seconds=0.2)
    assert result.outcome is Outcome.ANSWERED
    assert result.active_seconds < 0.2 < 0.45 < result.seconds
    result = await talk(ScriptedJob(), active_seconds=0.1)
    assert result.outcome is Outcome.TIMED_OUT
    assert 0.1 <= result.active_seconds < 1.0


async def test_all_time_is_limited() -> None:
    async def model(body: Body) -> Body:
        await asyncio.sleep(60)
        return {}

    result = await talk(ScriptedJob(call(1)), model, wall_seconds=0.2)
    assert result.outcome is Outcome.TIMED_OUT
    assert "in all" in result.error


def test_the_clock_counts_only_what_no_call_waits_for() -> None:
    now = 0.0
    clock = Clock(lambda: now)
    for moment, change in ((1.0, +1), (2.0, +1), (5.0, -1), (7.0, -1)):
        now = moment
        clock.wait(change)
    now = 8.0
    assert (clock.active(), clock.wall()) == (2.0, 8.0)


async def test_a_run_of_code_is_limited_like_its_job() -> None:
    seen: list[tuple[str, Limits]] = []

    async def nested(code: str, limits: Limits) -> JobResult:
        seen.append((code, limits))
        value = {"value": 42, "stdout": "s", "error": ""}
        return JobResult(Outcome.ANSWERED, value)

    job = ScriptedJob(
        call(1, "run_code", code="6*7", seconds=2.0),
        until_replies(1),
        call(2, "run_code", code="x", seconds=30),
        until_replies(2),
        call(3, "run_code", code="x", seconds=1),
        until_replies(3),
        answered(),
    )
    await talk(job, nested=nested, active_seconds=3.0, nested_runs=2, memory_mib=99)
    assert [code for code, _ in seen] == ["6*7", "x"]
    assert [limits.active_seconds for _, limits in seen] == [2.0, 3.0]
    assert seen[0][1].memory_mib == 99
    assert job.replies()[0]["value"] == {"value": 42, "stdout": "s", "error": ""}
    assert job.replies()[2]["error"]["kind"] == "over_budget"


@pytest.mark.parametrize(
    "body",
    [{}, {"code": 1, "seconds": 1}, {"code": "x", "seconds": 0}, {"code": "x", "seconds": 1e9},
     {"code": "x", "seconds": True}, {"code": "x", "seconds": "1"}],
)  # fmt: skip
async def test_an_odd_run_of_code_is_refused(body: Body) -> None:
    job = ScriptedJob(call(1, "run_code", **body), until_replies(1), answered())
    await talk(job)
    assert job.replies()[0]["error"]["kind"] == "bad_request"


async def test_a_nested_failure_is_an_error_of_the_code() -> None:
    async def nested(code: str, limits: Limits) -> JobResult:
        return JobResult(Outcome.TIMED_OUT, error="over 1 s", stdout="so far")

    job = ScriptedJob(call(1, "run_code", code="x", seconds=1), until_replies(1), answered())
    await talk(job, nested=nested)
    value = job.replies()[0]["value"]
    assert value == {"value": None, "stdout": "so far", "error": "timed_out: over 1 s"}


async def test_a_sandbox_that_fails_a_nested_run_fails_the_job() -> None:
    async def nested(code: str, limits: Limits) -> JobResult:
        return JobResult(Outcome.INFRASTRUCTURE, error="engine gone")

    job = ScriptedJob(call(1, "run_code", code="x", seconds=1), until_replies(1), answered())
    result = await talk(job, nested=nested)
    assert (result.outcome, result.error) == (Outcome.INFRASTRUCTURE, "engine gone")


async def test_a_reply_too_large_is_the_calls_error() -> None:
    async def model(body: Body) -> Body:
        return {"text": "x" * (5 << 20), "finish": "stop"}

    job = ScriptedJob(call(1), until_replies(1), answered())
    await talk(job, model)
    assert job.replies()[0]["error"]["kind"] == "bad_request"


async def test_cancelling_stops_the_calls_too() -> None:
    stopped = asyncio.Event()

    async def model(body: Body) -> Body:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return {}

    running = asyncio.ensure_future(talk(ScriptedJob(call(1)), model))
    await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stopped.is_set()
