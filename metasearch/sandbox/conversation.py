"""The host's side of one job, the same for every sandbox: its calls, its clocks, its result.

A sandbox brings a `Link`, which moves the bodies of frames, and a function that runs a piece of
code in a fresh job.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, TypeAlias

from metasearch.sandbox.base import (
    MEMBER,
    RUN_CODE,
    AnswerCall,
    CallRefused,
    Job,
    JobResult,
    Limits,
)
from metasearch.sandbox.frames import FrameError, clean, decode, encode
from metasearch.types import Json, Outcome

__all__ = ["Clock", "Link", "LinkClosed", "RunNested", "converse", "no_model"]

ERROR_CHARACTERS = 4_000
MAX_NESTED_SECONDS = 30.0
RUNS_AT_ONCE = 2  # of one job: its other runs of code wait, so that those of other jobs do not
_MAX_ID = 1 << 53
_LOOK_SECONDS = 0.05  # how often the clocks are read while a call waits and little is left
_RAISED = {
    outcome.value: outcome
    for outcome in Outcome
    if outcome not in (Outcome.ANSWERED, Outcome.TIMED_OUT, Outcome.INFRASTRUCTURE)
}


class LinkClosed(Exception):
    """No further frame will come.

    Attributes:
        outcome: what the sandbox knows about the end. `INFRASTRUCTURE` only for what no design can
        bring about. error: one line, "" when the job's process has simply ended.
    """

    def __init__(self, outcome: Outcome = Outcome.CRASHED, error: str = "") -> None:
        super().__init__(error or outcome.value)
        self.outcome = outcome
        self.error = error


class Link(Protocol):
    """The host's end of one job's pipe."""

    async def send(self, body: bytes) -> None:
        """Hand over one frame's body; returns when there is room for more. Raises `LinkClosed`."""
        ...

    async def receive(self) -> bytes:
        """Return the next frame's body.

        Raises:
            LinkClosed: the job has ended; frames sent before that were returned first.
            FrameError: a frame is larger than `MAX_FROM_JOB`.
        """
        ...


RunNested: TypeAlias = Callable[[str, Limits], Awaitable[JobResult]]
"""Runs a piece of code (entry `RUN_CODE`) in a fresh job without a model; the sandbox's own."""


async def converse(
    link: Link,
    source: str,
    job: Job,
    answer_call: AnswerCall,
    run_nested: RunNested,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> JobResult:
    """Send the job, serve it until its first result, a limit or its end; say what came of it.

    The caller ends the job's process afterwards, whatever the outcome, also when this is cancelled.

    Raises:
        Exception: whatever `answer_call` raises, `CallRefused` apart.
    """
    runs = _no_runs if job.entry == RUN_CODE else run_nested
    return await _Conversation(link, job, answer_call, runs, clock).run(source)


async def no_model(body: dict[str, Json]) -> dict[str, Json]:
    """Refuse a call: the `answer_call` of jobs that run a mere piece of code."""
    del body
    raise CallRefused("bad_request", "there is no model inside run_code")


async def _no_runs(code: str, limits: Limits) -> JobResult:
    """Refuse a run inside a run: a chain would hold every place there is and wait for one more."""
    del code, limits
    raise CallRefused("bad_request", "run_code cannot be used inside run_code")


@dataclass(slots=True)
class _Ending:
    outcome: Outcome
    answer: Json = None
    error: str = ""
    stdout: str = ""


class Clock:
    """Time since its making, and the part of it in which no call was waiting for the host."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._start = self._since = now()
        self._active = 0.0
        self._waiting = 0

    def wait(self, change: int) -> None:
        """One call more (1) or less (-1) waits."""
        if self._waiting == 0:
            self._active += self._now() - self._since
        self._waiting += change
        if self._waiting == 0:
            self._since = self._now()

    @property
    def waits(self) -> bool:
        """True while a call waits."""
        return self._waiting > 0

    def active(self) -> float:
        """Return the seconds in which no call waited."""
        return self._active + (0.0 if self._waiting else self._now() - self._since)

    def wall(self) -> float:
        """Return all seconds so far."""
        return self._now() - self._start


class _Conversation:
    def __init__(
        self,
        link: Link,
        job: Job,
        answer_call: AnswerCall,
        run_nested: RunNested,
        now: Callable[[], float],
    ) -> None:
        self._link = link
        self._job = job
        self._limits = job.limits
        self._answer_call = answer_call
        self._run_nested = run_nested
        self._clock = Clock(now)
        self._room = asyncio.Semaphore(job.limits.open_calls)
        self._runs = asyncio.Semaphore(RUNS_AT_ONCE)
        self._nested = 0
        self._serving = {"ask": self._ask, "turn": self._turn, "run_code": self._run_code}
        self._open: dict[int, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[_Ending] = asyncio.get_running_loop().create_future()

    async def run(self, source: str) -> JobResult:
        talk = asyncio.ensure_future(self._talk(source))
        watch = asyncio.ensure_future(self._watch())
        tasks: set[asyncio.Future[_Ending]] = {talk, watch, self._failed}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            seconds, active = self._clock.wall(), self._clock.active()
            await _cancelled(talk, watch, *self._open.values())
            if not self._failed.cancel() and not self._failed.cancelled():
                self._failed.exception()  # looked at, so that it is not reported as forgotten
        # The host's own failure comes first: no score when a call could not be answered.
        ending = next(each for each in (self._failed, talk, watch) if each in done).result()
        return JobResult(
            ending.outcome,
            ending.answer,
            clean(ending.error)[-ERROR_CHARACTERS:],
            clean(ending.stdout)[: self._limits.output_bytes],
            active_seconds=active,
            seconds=seconds,
        )

    async def _watch(self) -> _Ending:
        """Sleep until a clock has run out."""
        limits = self._limits
        while True:
            active, wall = self._clock.active(), self._clock.wall()
            if wall >= limits.wall_seconds:
                return _late(f"over {limits.wall_seconds:g} s in all")
            if active >= limits.active_seconds:
                return _late(f"over {limits.active_seconds:g} s of its own computing")
            left = min(limits.active_seconds - active, limits.wall_seconds - wall)
            await asyncio.sleep(max(left, _LOOK_SECONDS if self._clock.waits else 0.001))

    async def _talk(self, source: str) -> _Ending:
        try:
            await self._link.send(self._opening(source))
            while True:
                # Taken before reading: who has too many open calls is not read and waits.
                await self._room.acquire()
                frame = decode(await self._link.receive())
                kind = frame.get("type")
                if kind == "result":
                    return self._result(frame)
                if kind != "call":
                    raise FrameError(f"unknown type {str(kind)[:40]!r}")
                await self._begin(frame)
        except FrameError as error:
            return _Ending(Outcome.CRASHED, error=f"protocol: {error}")
        except LinkClosed as closed:
            return _Ending(closed.outcome, error=closed.error or "it ended without an answer")

    def _opening(self, source: str) -> bytes:
        return encode(
            {
                "type": "job",
                "source": source,
                "inputs": self._job.inputs,
                "seed": self._job.seed,
                "limits": asdict(self._limits),
                "entry": self._job.entry,
            }
        )

    # calls

    async def _begin(self, frame: dict[str, Json]) -> None:
        number, body, op = frame.get("id"), frame.get("body"), frame.get("op")
        if not isinstance(number, int) or not 0 <= number < _MAX_ID or number in self._open:
            raise FrameError("a call without an id of its own")
        if not isinstance(body, dict) or not isinstance(op, str) or op not in self._serving:
            raise FrameError("a call without op or body")
        self._clock.wait(+1)
        if op == "turn":
            # Served before another frame is read: a member does nothing else meanwhile.
            await self._serve(number, op, body)
            self._room.release()
            return
        task = asyncio.ensure_future(self._serve(number, op, body))
        self._open[number] = task
        task.add_done_callback(lambda _: self._end(number))

    def _end(self, number: int) -> None:
        del self._open[number]
        self._room.release()

    async def _serve(self, number: int, op: str, body: dict[str, Json]) -> None:
        reply: dict[str, Json] = {"type": "reply", "id": number}
        try:
            reply["value"] = await self._serving[op](body)
            data = encode(reply)
        except CallRefused as refusal:
            data = _refused(number, refusal.kind, str(refusal))
        except FrameError as error:
            data = _refused(number, "bad_request", f"the reply is too large: {error}")
        except _NestedFailed as failure:
            self._fail(_Ending(Outcome.INFRASTRUCTURE, error=str(failure)))
            return
        except Exception as error:  # noqa: BLE001 - the caller's own: it leaves `converse`
            self._fail(error)
            return
        finally:
            self._clock.wait(-1)
        try:
            await self._link.send(data)
        except LinkClosed:
            return  # the reader sees the same and says why

    def _fail(self, why: _Ending | Exception) -> None:
        if self._failed.done():
            return
        if isinstance(why, Exception):
            self._failed.set_exception(why)
        else:
            self._failed.set_result(why)

    async def _ask(self, body: dict[str, Json]) -> dict[str, Json]:
        body.pop("op", None)
        return await self._answer_call(body)

    async def _turn(self, body: dict[str, Json]) -> dict[str, Json]:
        if self._job.entry != MEMBER:
            raise CallRefused("bad_request", "only the members of a society take turns")
        return await self._answer_call({**body, "op": "turn"})

    async def _run_code(self, body: dict[str, Json]) -> dict[str, Json]:
        code, seconds = body.get("code"), body.get("seconds")
        if not isinstance(code, str) or isinstance(seconds, bool):
            raise CallRefused("bad_request", "run_code needs a text and a number of seconds")
        if not isinstance(seconds, int | float) or not 0 < seconds <= MAX_NESTED_SECONDS:
            raise CallRefused("bad_request", f"seconds must be in (0, {MAX_NESTED_SECONDS:g}]")
        self._nested += 1
        if self._nested > self._limits.nested_runs:
            raise CallRefused("over_budget", f"more than {self._limits.nested_runs} runs of code")
        limits = replace(self._limits, active_seconds=min(seconds, self._limits.active_seconds))
        async with self._runs:
            return _run_of(await self._run_nested(code, limits))

    # the result

    def _result(self, frame: dict[str, Json]) -> _Ending:
        stdout = frame.get("stdout")
        stdout = stdout if isinstance(stdout, str) else ""
        if frame.get("status") == "answered":
            return self._answered(frame.get("answer"), stdout)
        outcome = _RAISED.get(str(frame.get("kind")), Outcome.CRASHED)
        error = frame.get("error")
        return _Ending(outcome, error=error if isinstance(error, str) else "", stdout=stdout)

    def _answered(self, answer: Json, stdout: str) -> _Ending:
        # The runner has said so already; this is for a design that speaks in the runner's place.
        most = self._limits.answer_bytes
        if _size(answer) > most:
            error = f"the answer has more than {most} bytes"
            return _Ending(Outcome.WRONG_FORMAT, error=error, stdout=stdout)
        return _Ending(Outcome.ANSWERED, answer, stdout=stdout)


def _late(error: str) -> _Ending:
    return _Ending(Outcome.TIMED_OUT, error=error)


def _refused(number: int, kind: str, message: str) -> bytes:
    error = {"kind": kind, "message": message[:ERROR_CHARACTERS]}
    return encode({"type": "reply", "id": number, "error": error})


def _run_of(result: JobResult) -> dict[str, Json]:
    """What `run_code` returns: the code's own failure is a value, the sandbox's is not."""
    if result.outcome is Outcome.INFRASTRUCTURE:
        raise _NestedFailed(result.error)
    answer: Any = result.answer
    if result.outcome is not Outcome.ANSWERED or not isinstance(answer, dict):
        error = f"{result.outcome.value}: {result.error}"
        return {"value": None, "stdout": result.stdout, "error": error}
    return {
        "value": answer.get("value"),
        "stdout": str(answer.get("stdout") or ""),
        "error": str(answer.get("error") or ""),
    }


class _NestedFailed(Exception):
    """The sandbox has failed a nested job; the outer one cannot be scored either."""


def _size(answer: Json) -> int:
    return len(json.dumps(answer, ensure_ascii=False).encode())


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have let go; what they would have said is lost."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
