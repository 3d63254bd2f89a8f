"""What a sandbox is: the seam between the host and code that a model wrote.

A sandbox opens one `Worker` for a design. A worker runs jobs of that design, several at once, each
in a process (docker) or interpreter (wasm) of its own that is never used again. Nothing that a
design does raises here: whatever it does is a `JobResult`. Only `SandboxUnavailable` is raised,
when the sandbox itself is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

from metasearch.types import Json, Outcome

__all__ = [
    "MEMBER",
    "RUN_CODE",
    "SEATS",
    "SOLVE",
    "AnswerCall",
    "CallRefused",
    "Job",
    "JobResult",
    "Limits",
    "Sandbox",
    "Worker",
]

SOLVE: Final = "solve"  # a job calls the design's `solve` once
MEMBER: Final = "member"  # a job is one seat of a society: the design's `Member`, turn after turn
RUN_CODE: Final = "run_code"  # a sandbox's own: a piece of code that a job has asked to be run

SEATS: Final = 32  # of one episode: so many jobs that are members a sandbox has places for at least


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one job.

    Attributes:
        active_seconds: time that the design itself may compute, waiting for the model left out.
        wall_seconds: time from start to end, the waiting included.
        memory_mib: memory of the job's process.
        answer_bytes: size of the JSON that the design returns.
        output_bytes: how much of what it prints is kept.
        open_calls: calls that one job may have waiting at the same time; more wait their turn.
        nested_runs: `run_code` calls that one job may make in all.
    """

    active_seconds: float = 10.0
    wall_seconds: float = 600.0
    memory_mib: int = 256
    answer_bytes: int = 64_000
    output_bytes: int = 16_000
    open_calls: int = 16
    nested_runs: int = 32


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a design: a plain value that can be sent to another machine.

    Attributes:
        inputs: what the design's entry function is given (`Task.public()` for `solve`).
        seed: seeds the design's `random`, and a member's own chance.
        entry: `SOLVE`, or `MEMBER` for a seat. The seats of an episode are begun in the order in
            which they were handed over, so that of two episodes one has all its seats.
    """

    inputs: dict[str, Json]
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    entry: str = SOLVE


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of a job. Every text in it is a stranger's: quote it as data.

    Attributes:
        outcome: ANSWERED, or how it failed; `INFRASTRUCTURE`: the sandbox failed, not the design.
        answer: plain JSON (finite numbers, clean strings, depth at most 64) or None.
        error: last part of the design's traceback, or the limit that it hit; "" when answered.
        stdout: the first `output_bytes` of what it printed.
        active_seconds, seconds: by the host's clock, without and with waiting for calls.
    """

    outcome: Outcome
    answer: Json = None
    error: str = ""
    stdout: str = ""
    active_seconds: float = 0.0
    seconds: float = 0.0


class CallRefused(Exception):
    """Raised by an `AnswerCall`: the design gets the reason as an exception of the kit.

    Attributes:
        kind: "over_budget", "blank", "truncated", "refused", "wrong_format" or "bad_request".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


AnswerCall: TypeAlias = Callable[[dict[str, Json]], Awaitable[dict[str, Json]]]
"""Answers one call of a design.

The argument is untrusted JSON. An `ask` is `{agent, messages: [{role, content}], temperature?,
max_tokens?, schema?}`; the value is `{text, finish}`.

A job that is a member also takes turns: `{"op": "turn"}`, and after the first turn what the member
made of its last request, `action` or the `error` and its `kind` (an outcome's name). The value is
`{events: [...], request: {...}}`, or `{request: None}` when all is over. No `ask` has a key "op",
whatever the design puts into it, and only members take turns. Waiting for either is not computing.

May raise `CallRefused`. Any other exception ends the job and comes out of `Worker.run` unchanged,
so that BudgetExhausted and GatewayUnavailable reach the search.
"""


class Worker(Protocol):
    """A warm place for the jobs of one design."""

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        """Run the design once.

        Raises:
            SandboxUnavailable: the sandbox is gone and could not be started again.
        """
        ...

    async def close(self) -> None:
        """End all that still runs and remove every trace; safe to call twice."""
        ...


class Sandbox(Protocol):
    """A way to run untrusted code.

    Attributes:
        name: the plug-in's name, "docker" or "wasm".
    """

    name: str

    async def open(self, source: str) -> Worker:
        """Return a worker for this design's source text.

        Raises:
            SandboxUnavailable: with what to install or start.
        """
        ...

    async def describe(self) -> dict[str, Json]:
        """Return versions and limits in force, for `doctor` and the record."""
        ...

    async def close(self) -> None:
        """Close every worker; safe to call twice."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
