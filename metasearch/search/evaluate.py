"""One evaluation, followed from the job to the score.

The design runs in a sandbox worker; each of its questions to the model comes back here, is checked,
capped and asked through the gateway; what it returns is scored on the host, where the gold is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from metasearch.domains.base import Domain
from metasearch.domains.societies import Society
from metasearch.errors import GatewayUnavailable, SandboxUnavailable, Unavailable
from metasearch.gateway.base import EndpointDown, Gateway, RequestRefused
from metasearch.sandbox.base import CallRefused, Job, JobResult, Limits, Worker
from metasearch.search.alarms import INFRASTRUCTURE
from metasearch.search.critical_path import CriticalPath
from metasearch.search.episode import Floors, play
from metasearch.search.outage import Outage
from metasearch.search.schemas import is_of_kit
from metasearch.types import (
    Design,
    Evaluation,
    Json,
    Message,
    ModelCall,
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

__all__ = ["UNANSWERED", "Asking", "Evaluator", "evaluations_at_once"]

UNANSWERED = "not answered"  # the error of a call that was still open when its job ended
ROLES = ("system", "user", "assistant")
SCHEMA_BYTES = 16_000
MESSAGES = 64
ERROR_CHARS = 2_000
INFRASTRUCTURE_TRIES = 3
AHEAD = 2  # evaluations for each call that may be in flight; see `evaluations_at_once`
MOST_RUNS = 50  # of one evaluation, where the endpoint goes down again and again
DELAYED = 0.1  # part of the wall clock: who waits so long in the queue did not run out of time


@dataclass(frozen=True, slots=True)
class Asking:
    """How a design's questions become model requests, and what one task may cost.

    Attributes:
        model: the model that all designs of the search use; a design cannot choose.
        max_tokens: new tokens of a call where the design names none, and the most it may name.
        temperature: where the design names none; None is the endpoint's own.
        calls_per_task, tokens_per_task: caps of one evaluation; beyond them the design is told
            `over_budget` and goes on without a model.
        prompt_bytes: longest prompt of one call, UTF-8.
    """

    model: str
    max_tokens: int = 1024
    temperature: float | None = None
    calls_per_task: int = 32
    tokens_per_task: int = 100_000
    prompt_bytes: int = 200_000


@dataclass(slots=True)
class _Desk:
    """Answers the questions of one evaluation and keeps its trace; see `episode.Desk`, too.

    Attributes:
        path: how long it all takes by itself.
        made, used: calls and tokens of each seat; None asks where there are no seats.
        shares: what each may have had at the end of this round, of calls and of tokens.
    """

    gateway: Gateway
    asking: Asking
    task: Task
    repeat: int
    seen: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[int, str, str, ModelRequest]] = field(default_factory=list)
    replies: dict[int, ModelReply] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)
    tokens: int = 0
    over_budget: bool = False
    delays: list[tuple[float, float]] = field(default_factory=list)
    waiting: dict[int, float] = field(default_factory=dict)
    path: CriticalPath = field(default_factory=CriticalPath)
    made: Counter[int | None] = field(default_factory=Counter)
    used: Counter[int | None] = field(default_factory=Counter)
    shares: dict[int, tuple[int, int]] = field(default_factory=dict)

    async def answer(self, body: dict[str, Json], seat: int | None = None) -> dict[str, Json]:
        request = read_request(body, self.asking)
        self._check_caps(seat)
        scope = self.task.id if seat is None else f"{self.task.id}/{seat}"
        first = request.key(Stream(scope, self.repeat))
        stream = Stream(scope, self.repeat, self.seen[first])
        self.seen[first] += 1
        self.made[seat] += 1
        position = len(self.asked)
        agent = ("" if seat is None else f"seat {seat}: ") + str(body.get("agent", ""))[:80]
        self.asked.append((position, agent, request.key(stream), request))
        began = self.waiting[position] = time.monotonic()
        begun = self.path.begin(body.get("heard"), seat)
        try:
            reply = await self.gateway.ask(request, stream, Owner.EVALUATION)
        except RequestRefused as error:
            self.refusals[position] = str(error)
            raise CallRefused("bad_request", str(error)) from None
        del self.waiting[position]
        self.path.end(begun, reply.seconds, seat)
        worked = 0.0 if reply.recorded else reply.seconds
        self.delays.append((began, time.monotonic() - worked))
        self.replies[position] = reply
        self.tokens += reply.usage.total
        self.used[seat] += reply.usage.total
        return {"text": reply.text, "finish": str(reply.finish)}

    def share(self, seats: Sequence[int]) -> None:
        self.path.meet()
        calls = max(0, self.asking.calls_per_task - len(self.asked)) // max(1, len(seats))
        tokens = max(0, self.asking.tokens_per_task - self.tokens) // max(1, len(seats))
        for seat in seats:
            self.shares[seat] = (self.made[seat] + calls, self.used[seat] + tokens)

    def cost(self, seat: int) -> tuple[int, int]:
        return self.made[seat], self.used[seat]

    def _check_caps(self, seat: int | None) -> None:
        calls, tokens = most = self.asking.calls_per_task, self.asking.tokens_per_task
        if seat is not None:
            calls, tokens = self.shares.get(seat, (0, 0))
        if len(self.asked) >= most[0] or self.made[seat] >= calls:
            self.over_budget = True
            raise CallRefused("over_budget", f"{most[0]} calls a task")
        if self.tokens >= most[1] or self.used[seat] >= tokens:
            self.over_budget = True
            raise CallRefused("over_budget", f"{most[1]} tokens a task")

    def delayed(self) -> float:
        """Return the seconds in which calls waited for their turn, or for a failing endpoint.

        A call without answer counts for what it took longer than any that was answered.
        """
        usual = max((reply.seconds for reply in self.replies.values()), default=0.0)
        now, total, reached = time.monotonic(), 0.0, 0.0
        unanswered = [(began, now - usual) for began in self.waiting.values()]
        for began, ended in sorted([*self.delays, *unanswered]):
            total += max(0.0, ended - max(began, reached))
            reached = max(reached, ended)
        return total

    def trace(self) -> tuple[ModelCall, ...]:
        return tuple(
            ModelCall(
                position,
                agent,
                key,
                request,
                self.replies.get(position),
                "" if position in self.replies else self.refusals.get(position, UNANSWERED),
            )
            for position, agent, key, request in self.asked
        )


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Runs designs on tasks, a bounded number at once, and scores what they return.

    Attributes:
        slots: shared by all designs of a search: how many evaluations run at the same time.
        outage: where a job waits that met an endpoint that is down; None does not wait.
        faults: counts evaluations that had to be repeated, under "infrastructure".
        floors: where episodes are played, if the domain is a society.
    """

    gateway: Gateway
    domain: Domain
    asking: Asking
    limits: Limits
    slots: asyncio.Semaphore
    outage: Outage | None = None
    faults: Counter[str] = field(default_factory=Counter)
    floors: Floors = field(default_factory=Floors)

    async def evaluate(
        self, worker: Worker, design: Design, task: Task, split: Split, repeat: int = 0
    ) -> Evaluation:
        """Run one design on one task, once, and score it.

        Raises:
            BudgetExhausted, GatewayUnavailable: the search cannot go on; nothing was scored.
            SandboxUnavailable: the sandbox failed `INFRASTRUCTURE_TRIES` times in a row.
        """
        job = Job(task.public(), seed=Stream(task.id, repeat).seed(), limits=self.limits)
        failures, problem = 0, None
        async with self.slots:
            for run in range(MOST_RUNS):
                self.faults[INFRASTRUCTURE] += run == 1  # an evaluation counts once
                desk = _Desk(self.gateway, self._asked(task), task, repeat)
                alone = isinstance(problem, SandboxUnavailable)
                try:
                    result = await self._run(worker, task, job, desk, alone=alone)
                except EndpointDown as error:
                    if self.outage is None:
                        raise
                    await self.outage.over(error)
                    continue
                problem = self._problem(result, desk)
                if problem is None:
                    return self._scored(design, task, split, repeat, result, desk)
                failures += 1
                if failures == INFRASTRUCTURE_TRIES:
                    raise problem
        raise GatewayUnavailable(f"the endpoint went down again and again, {MOST_RUNS} times")

    def _asked(self, task: Task) -> Asking:
        """Return the caps of one task: those of an episode are for each of the design's seats."""
        if not isinstance(self.domain, Society):
            return self.asking
        seats = len(self.domain.scenario(task).focal)
        return replace(
            self.asking,
            calls_per_task=seats * self.asking.calls_per_task,
            tokens_per_task=seats * self.asking.tokens_per_task,
        )

    async def _run(
        self, worker: Worker, task: Task, job: Job, desk: _Desk, *, alone: bool
    ) -> JobResult:
        if not isinstance(self.domain, Society):
            return await worker.run(job, desk.answer)
        return await play(
            worker,
            self.domain,
            task,
            seed=job.seed,
            limits=job.limits,
            desk=desk,
            floors=self.floors,
            alone=alone,
        )

    def _problem(self, result: JobResult, desk: _Desk) -> Unavailable | None:
        """Return what went wrong that is none of the design's doing, None when nothing did.

        A job that ran out of its wall clock because its calls had to wait is repeated: those that
        were answered come from the record at once.
        """
        if result.outcome is Outcome.INFRASTRUCTURE:
            return SandboxUnavailable(
                f"the sandbox failed {INFRASTRUCTURE_TRIES} times: {result.error}"
            )
        wall = self.limits.wall_seconds
        is_over = result.outcome is Outcome.TIMED_OUT and result.seconds >= wall
        if is_over and desk.delayed() >= DELAYED * wall:
            return GatewayUnavailable(
                f"calls wait so long for their turn that a task takes more than {wall:g} s; lower "
                "sandbox.parallel or raise sandbox.wall_seconds, then resume"
            )
        return None

    def _scored(
        self,
        design: Design,
        task: Task,
        split: Split,
        repeat: int,
        result: JobResult,
        desk: _Desk,
    ) -> Evaluation:
        score = Score(0.0, result.outcome, result.error)
        if result.outcome is Outcome.ANSWERED:
            score = self.domain.score(task, result.answer)
        elif desk.over_budget:
            score = Score(0.0, Outcome.OVER_BUDGET, result.error)
        return Evaluation(
            design_id=design.id,
            task_id=task.id,
            split=split,
            repeat=repeat,
            outcome=score.outcome,
            score=score.value if score.outcome is Outcome.ANSWERED else 0.0,
            answer=result.answer,
            error=score.detail[-ERROR_CHARS:] if score.outcome is not Outcome.ANSWERED else "",
            stdout=result.stdout,
            usage=sum((reply.usage for reply in desk.replies.values()), Usage()),
            calls=len(desk.asked),
            dollars=sum(reply.dollars for reply in desk.replies.values()),
            seconds=desk.path.seconds(result.seconds),
            active_seconds=result.active_seconds,
            trace=desk.trace(),
        )


def evaluations_at_once(concurrency: int) -> int:
    """Return how many evaluations keep an endpoint busy that takes `concurrency` calls at once.

    A job that starts, computes or is scored asks nothing meanwhile. With as many jobs again, the
    calls of others take its place: 128 tasks of 5 calls then last 1.1 to 1.2 times as long as their
    calls alone, with as many jobs as calls 1.25 to 1.3 times.
    """
    return AHEAD * concurrency


def read_request(body: dict[str, Json], asking: Asking) -> ModelRequest:
    """Turn a design's untrusted question into a request; nothing of it is believed.

    Raises:
        CallRefused: kind "bad_request", with what is wrong, for the design to read.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= MESSAGES:
        raise CallRefused("bad_request", f"messages must be a list of 1 to {MESSAGES}")
    parsed = tuple(_message(item) for item in messages)
    size = sum(len(message.content.encode("utf-8", "replace")) for message in parsed)
    if size > asking.prompt_bytes:
        raise CallRefused("bad_request", f"the prompt has {size} bytes; {asking.prompt_bytes} fit")
    schema = body.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise CallRefused("bad_request", "schema must be an object")
    if schema is not None and len(json.dumps(schema)) > SCHEMA_BYTES:
        raise CallRefused("bad_request", f"the schema is longer than {SCHEMA_BYTES} bytes")
    if schema is not None and not is_of_kit(schema):
        raise CallRefused("bad_request", "schema must be one that the kit makes of `fields`")
    cap = _number(body.get("max_tokens"), asking.max_tokens, 1, asking.max_tokens)
    temperature = body.get("temperature", asking.temperature)
    return ModelRequest(
        model=asking.model,
        messages=parsed,
        max_tokens=int(cap),
        temperature=None if temperature is None else _number(temperature, 0.0, 0.0, 2.0),
        schema=schema,
    )


def _message(item: Json) -> Message:
    if not isinstance(item, dict) or item.get("role") not in ROLES:
        raise CallRefused("bad_request", f"a message needs a role, one of {', '.join(ROLES)}")
    if not isinstance(item.get("content"), str):
        raise CallRefused("bad_request", "a message's content must be a string")
    return Message(item["role"], item["content"])


def _number(value: Json, default: float, low: float, high: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CallRefused("bad_request", f"{value!r} is not a number")
    return float(min(max(value, low), high))  # in this order: a huge integer is no float
