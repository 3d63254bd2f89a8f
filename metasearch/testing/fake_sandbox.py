"""A sandbox that protects from nothing, for tests of everything around a sandbox.

It runs trusted code in this process: a design could read every key and file that the test can. It
is not installed as a plug-in and no setting reaches it. Against the real ones it is fast (no
process), shares one `random` between jobs that run at the same time, and cannot stop a design that
does not await.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import random
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from metasearch.assets import asset
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.base import MEMBER, AnswerCall, CallRefused, Job, JobResult
from metasearch.sandbox.conversation import Clock
from metasearch.sandbox.frames import FrameError, decode, encode
from metasearch.types import Json, Outcome

if TYPE_CHECKING:
    from runner.printed import Printed

__all__ = ["FakeSandbox", "Play"]

Play: TypeAlias = Callable[[dict[str, Json], AnswerCall], Awaitable[Json]]
"""What a test may put in the place of every design: (inputs, the door to the model) -> answer."""


class FakeSandbox:
    """Runs trusted designs in this process. FOR TESTS ONLY: it isolates nothing.

    Args:
        play: runs instead of the design's source; None runs the source with the real kit.
    """

    name = "fake"

    def __init__(self, play: Play | None = None) -> None:
        self._play = play
        self._closed = False
        self._workers: list[FakeWorker] = []

    @classmethod
    async def available(cls) -> str:
        """It runs everywhere."""
        return ""

    async def open(self, source: str) -> FakeWorker:
        """Return a worker for this source text."""
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed")
        worker = FakeWorker(source, self._play)
        self._workers.append(worker)
        return worker

    async def describe(self) -> dict[str, Json]:
        """Say what this is."""
        return {"name": self.name, "isolation": "none", "python": sys.version.split()[0]}

    async def close(self) -> None:
        """Close every worker."""
        self._closed = True
        for worker in self._workers:
            await worker.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class FakeWorker:
    """Runs one design's jobs as tasks of this process."""

    def __init__(self, source: str, play: Play | None) -> None:
        self._source = source
        self._play = play
        self._running: set[asyncio.Future[JobResult]] = set()
        self._closed = False

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        """Run the design once; see `metasearch.sandbox.base.Worker`."""
        if self._closed:
            raise SandboxUnavailable("the worker is closed")
        run = asyncio.ensure_future(_Run(job, answer_call).result(self._source, self._play))
        self._running.add(run)
        run.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(run)
        except asyncio.CancelledError:
            if self._closed and run.cancelled():
                return JobResult(Outcome.INFRASTRUCTURE, error="its worker is closed")
            run.cancel()
            raise

    async def close(self) -> None:
        """Cancel the jobs that still run."""
        self._closed = True
        for run in list(self._running):
            run.cancel()


class _HostFailed(BaseException):
    """Carries an exception of `answer_call` past the design's own handlers."""


class _Run:
    """One job: what the kit's calls reach while its task runs."""

    def __init__(self, job: Job, answer_call: AnswerCall) -> None:
        self._limits = job.limits
        self._job = job
        self._answer_call = answer_call
        self._clock = Clock()
        self._room = asyncio.Semaphore(job.limits.open_calls)
        self._loop = asyncio.get_running_loop()
        self._runs = 0
        self._heard = 0
        self._broken: Exception | None = None  # what the host has raised

    async def result(self, source: str, play: Play | None) -> JobResult:
        """Run to the end and say what came of it."""
        _prepare()
        from runner import job as program
        from runner.printed import Printed

        printed = Printed(self._limits.output_bytes)
        _current.set(self)
        _printed.set(printed)
        random.seed(self._job.seed)
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                with _Router():
                    value = await (self._played(play) if play else self._designed(source))
            frame = program.answered(value, self._limits.answer_bytes, printed)
            return self._done(Outcome.ANSWERED, printed, answer=decode(encode(frame))["answer"])
        except TimeoutError:
            error = f"over {self._limits.wall_seconds:g} s in all"
            return self._done(Outcome.TIMED_OUT, printed, error=error)
        except _HostFailed as failed:
            raise failed.args[0] from None
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a design raises is its result
            told = program.failure(error)
            return self._done(Outcome(told["kind"]), printed, error=told["error"])

    def _done(self, outcome: Outcome, printed: Printed, **what: Any) -> JobResult:
        seconds, active = self._clock.wall(), self._clock.active()
        stdout = printed.text()
        return JobResult(outcome, stdout=stdout, active_seconds=active, seconds=seconds, **what)

    async def _played(self, play: Play) -> Json:
        try:
            return await play(self._job.inputs, self._ask)
        except CallRefused as refusal:
            from agentkit._errors import error_of

            raise error_of(refusal.kind, str(refusal)) from None

    async def _designed(self, source: str) -> Json:
        from runner import job as program
        from runner import member

        module = program.load(source)
        if self._job.entry == MEMBER:
            seat = member.Seat(
                member.made(module, self._job.seed), self._turn, self._limits.answer_bytes
            )
            return await seat.play()
        task = program.task_of(self._job.inputs)
        if hasattr(module, "solve"):
            value = program.begun(module, task)
        else:  # the interface of the paper blocks on its calls
            value = await asyncio.to_thread(program.begun, module, task)
        return program.unwrapped(await value if inspect.isawaitable(value) else value)

    async def call(self, op: str, body: dict[str, Json]) -> dict[str, Json]:
        """Answer one call of the kit."""
        from agentkit._errors import AgentError, error_of

        answers = {"ask": self._counted, "turn": self._turn, "run_code": self._run_code}
        try:
            return await answers[op](decode(encode(body)))
        except CallRefused as refusal:
            raise error_of(refusal.kind, str(refusal)) from None
        except FrameError as error:
            raise AgentError(str(error)) from None

    async def _turn(self, body: dict[str, Json]) -> dict[str, Json]:
        if self._job.entry != MEMBER:
            raise CallRefused("bad_request", "only the members of a society take turns")
        if self._broken is not None:  # the member went on all the same
            raise _HostFailed(self._broken)
        return await self._answer({**decode(encode(body)), "op": "turn"})

    async def _counted(self, body: dict[str, Json]) -> dict[str, Json]:
        asked = {**body, "heard": self._heard}
        await asyncio.sleep(0)  # as in a sandbox, others may ask before anybody is answered
        try:
            return await self._ask(asked)
        finally:
            self._heard += 1

    async def _ask(self, body: dict[str, Json]) -> dict[str, Json]:
        body.pop("op", None)
        return await self._answer(body)

    async def _answer(self, body: dict[str, Json]) -> dict[str, Json]:
        async with self._room:
            self._clock.wait(+1)
            try:
                return await self._answer_call(body)
            except CallRefused:
                raise
            except Exception as error:  # whatever it is, it must pass the design's own handlers
                self._broken = error
                raise _HostFailed(error) from error
            finally:
                self._clock.wait(-1)

    async def _run_code(self, body: dict[str, Json]) -> dict[str, Json]:
        from runner import code
        from runner.printed import Printed

        self._runs += 1
        if self._runs > self._limits.nested_runs:
            raise CallRefused("over_budget", f"more than {self._limits.nested_runs} runs of code")
        printed = Printed(self._limits.output_bytes)
        token = _printed.set(printed)
        try:
            return code.execute(str(body["code"]), printed)
        finally:
            _printed.reset(token)

    def call_blocking(self, op: str, body: dict[str, Json]) -> dict[str, Json]:
        """Answer one call of a design that runs in a thread of its own."""
        future = asyncio.run_coroutine_threadsafe(self.call(op, body), self._loop)
        return future.result()


class _Transport:
    """Hands the kit's calls to the job whose task makes them."""

    async def call(self, op: str, body: dict[str, Json]) -> dict[str, Json]:
        return await _current.get().call(op, body)

    def call_blocking(self, op: str, body: dict[str, Json]) -> dict[str, Json]:
        return _current.get().call_blocking(op, body)


class _Router(io.TextIOBase):
    """While jobs run: prints of a job's task go to the job, all others where they went before."""

    running = 0
    before: Any = None

    def __enter__(self) -> Self:
        if _Router.running == 0:
            _Router.before, sys.stdout = sys.stdout, self
        _Router.running += 1
        return self

    def __exit__(self, *_: object) -> None:
        _Router.running -= 1
        if _Router.running == 0:
            sys.stdout = _Router.before

    def write(self, text: str) -> int:
        """Pass on one print."""
        return int((_printed.get(None) or _Router.before).write(text))

    def flush(self) -> None:
        """Nothing is held back."""


_current: ContextVar[_Run] = ContextVar("current")
_printed: ContextVar[Printed | None] = ContextVar("printed", default=None)


def _prepare() -> None:
    """Make the kit importable and connect it; once is enough, more does no harm."""
    kit = str(asset("sandbox") / "image")
    if kit not in sys.path:
        sys.path.append(kit)
    from agentkit import _link

    _link.connect(_Transport())
