"""One model's line to its endpoint: attempts, waiting, and giving up.

The client's own retries are off, not doubled: they would keep a place in flight while they sleep,
hide every refusal from the limit, know nothing of damaged bodies, and end after a fixed number.

A call waits for its place inside the client, in a hook, when its request is ready to be written;
and it gives the place up in another hook, as soon as the reply can be read. What the client and we
do before and after that (most of a call's processor time) then keeps no place empty.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx2
from openai import AsyncOpenAI

from metasearch.errors import ConfigError
from metasearch.gateway.base import EndpointDown, RequestRefused
from metasearch.gateway.faults import Fatal, Filtered, Retry, Unsupported, Verdict, judge
from metasearch.gateway.health import Health
from metasearch.gateway.limits import AdaptiveLimit, Slot
from metasearch.gateway.prices import Price
from metasearch.gateway.settings import ModelSettings
from metasearch.gateway.wire import Completion, Habits, read_completion, request_body
from metasearch.types import Finish, Json, ModelRequest, Stream, Usage

__all__ = ["HOOKS", "Answer", "Attempts", "Line"]

FIRST_DELAY = 0.5  # seconds; doubles, drawn at random from zero up to it ("full jitter")
LONGEST_DELAY = 8.0
BLAME_ANSWERS = 6  # other calls answered meanwhile before a request itself is blamed
# Turns of the event loop in which the calls that wait get their places and are written, before
# what has arrived is looked at any further.
REFILLS_FIRST = 2
STARVED = 3  # times the patience, where others are answered and this call is always refused


class Wait(NamedTuple):
    """How long to wait before the next attempt."""

    seconds: float


class Answer(NamedTuple):
    """A completion and how long the attempt took that brought it, in seconds."""

    completion: Completion
    seconds: float


@dataclass(slots=True)
class Attempts:
    """Progress of one call, readable while it runs.

    Attributes:
        lose: is awaited when an attempt was most likely billed though its answer is lost.
        hold: is awaited before the attempt after that.
        on_wire: an attempt is with the endpoint, so that it may be billed.
        cut: an attempt was given up while it was with the endpoint, which may bill it.
        answered: an attempt brought an answer, which is paid for and has to be kept.
        streak: failures since anybody's last answer; `seen` is how many answers that was.
        alike: failures of the kind of the last one (`why`), refusals for load left out.
    """

    lose: Callable[[], Awaitable[None]]
    hold: Callable[[], Awaitable[None]]
    on_wire: bool = False
    cut: bool = False
    answered: bool = False
    made: int = 0
    failed: int = 0
    streak: int = 0
    seen: int = 0
    why: str = ""
    alike: int = 0
    since: float | None = None  # first failure
    answers: int = 0  # of others, at that time


class Line:
    """Sends requests of one model.

    Args:
        settings: of the model.
        price: of its tokens.
        client: shared by the models of one endpoint.
        key: struck out of messages.
        clock: seconds, monotonic.
        rng: draws the delays between attempts.

    Attributes:
        counts: attempts, and failed ones by what was wrong.
        now: the clock.
    """

    def __init__(
        self,
        settings: ModelSettings,
        price: Price,
        client: AsyncOpenAI,
        key: str,
        *,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.settings = settings
        self.price = price
        self.habits = Habits()
        self.health = Health(clock)
        self.limit = AdaptiveLimit(
            settings.concurrency, requests_per_minute=settings.requests_per_minute, clock=clock
        )
        self.counts: Counter[str] = Counter()
        self._client = client
        self._key = key
        self.now = clock
        self._rng = rng

    async def call(
        self,
        request: ModelRequest,
        stream: Stream,
        attempts: Attempts,
        *,
        patience: float | None = None,
    ) -> Answer:
        """Ask until there is an answer or no hope.

        Args:
            request: what is asked.
            stream: gives the seed.
            attempts: is kept up to date.
            patience: seconds of failing, in place of the settings'.

        Raises:
            RequestRefused, ConfigError, EndpointDown: as `Gateway.ask`.
        """
        without = self.habits.dropped
        while True:
            body = request_body(request, stream, self.settings, without)
            answer = await self._attempt(request, body, attempts, patience)
            if isinstance(answer, Answer):
                self.habits.learn(without, schema="response_format" in body)
                return answer
            if isinstance(answer, Filtered):
                completion = Completion("", Finish.FILTER, Usage(), estimated=False)
                return Answer(completion, 0.0)
            if isinstance(answer, Unsupported):
                without |= {answer.part or "response_format"}
                continue
            await asyncio.sleep(answer.seconds)
            await attempts.hold()

    async def _attempt(
        self,
        request: ModelRequest,
        body: dict[str, Json],
        attempts: Attempts,
        patience: float | None,
    ) -> Answer | Filtered | Unsupported | Wait:
        """Try once."""
        turn = _Turn(self, request, attempts)
        try:
            await self._post(body, turn)
        except asyncio.CancelledError:
            attempts.cut = turn.slot is not None  # an answer that nobody will hear of, too
            if turn.slot is not None and turn.answer is None:
                self.limit.failed(turn.slot)
            raise
        except EndpointDown:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, `judge` gives it a name
            if turn.answer is not None:
                return turn.answer
            verdict = self._judged(error, body, turn.slot)
        else:
            assert turn.answer is not None
            return turn.answer
        finally:
            attempts.on_wire = False
        if isinstance(verdict, Retry) and verdict.billed:
            await attempts.lose()
        return self._after(verdict, attempts, 0.0 if turn.probing else patience)

    def _judged(self, error: Exception, body: dict[str, Json], slot: Slot | None) -> Verdict:
        """Give a failure its name and the place in flight back."""
        verdict: Verdict | None = None
        try:
            verdict = judge(error, self.settings, body, self._key)
        finally:
            if slot is None:
                pass  # it has not come so far
            elif isinstance(verdict, Retry) and verdict.busy:
                self.limit.refused(slot, verdict.retry_after)
            else:
                self.limit.failed(slot)
        return verdict

    async def _post(self, body: dict[str, Json], turn: _Turn) -> None:
        # `post` is the client's documented way to a raw response. `chat.completions.create` would
        # build models of the whole reply for the four values that we read: half of its time.
        token = _TURN.set(turn)
        try:
            async with turn.patience:
                response = await self._client.post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    body=body,
                    # The client's own, but said here: it makes a deep copy of each value not given.
                    options={"max_retries": 0, "timeout": self._client.timeout, "headers": {}},
                )
            if turn.answer is None:  # a success of another kind than 200
                turn.end(response)
        finally:
            _TURN.reset(token)

    def _after(
        self, verdict: Verdict, attempts: Attempts, patience: float | None
    ) -> Filtered | Unsupported | Wait:
        """Decide what follows a failed attempt."""
        if isinstance(verdict, Fatal):
            if verdict.vanished and self.health.answers:
                trouble = f"{verdict.error}; it did until now"
                self.health.gave_up(trouble)
                raise EndpointDown(trouble)
            raise verdict.error
        if not isinstance(verdict, Retry):
            return verdict
        self.counts["refused" if verdict.busy else "failed"] += 1
        self._count(verdict, attempts)
        self._give_up(verdict, attempts, self.settings.patience if patience is None else patience)
        if verdict.retry_after is not None:
            return Wait(verdict.retry_after * (1 + 0.1 * self._rng.random()))
        longest = min(FIRST_DELAY * 2 ** min(attempts.streak - 1, 10), LONGEST_DELAY)
        return Wait(self._rng.uniform(0, longest))

    def _count(self, verdict: Retry, attempts: Attempts) -> None:
        attempts.failed += 1
        # Waiting longer each time is for an endpoint that is down. Where others get their answers,
        # the limit on calls in flight already says how much it can bear.
        attempts.streak = 1 if self.health.answers > attempts.seen else attempts.streak + 1
        attempts.seen = self.health.answers
        self.counts["lost"] += verdict.billed
        if verdict.tries:
            attempts.alike = attempts.alike + 1 if verdict.why == attempts.why else 1
            attempts.why = verdict.why
        if attempts.since is None:
            attempts.since, attempts.answers = self.now(), self.health.answers

    def _give_up(self, verdict: Retry, attempts: Attempts, patience: float) -> None:
        """Raise when trying on makes no sense."""
        where = f"{self.settings.base_url} (model {self.settings.name}) {verdict.why}"
        if verdict.page and not self.health.answers:
            hint = "" if self.settings.base_url.rstrip("/").endswith("/v1") else "; is /v1 missing?"
            raise ConfigError(f"{where}, so it is no model endpoint{hint}")
        assert attempts.since is not None
        others = self.health.answers - attempts.answers
        elapsed = self.now() - attempts.since + (verdict.retry_after or 0.0)
        if verdict.tries and attempts.alike >= verdict.tries and others >= BLAME_ANSWERS:
            raise RequestRefused(
                f"{where}, {attempts.alike} times for this request, while it answers others"
            )
        if elapsed > STARVED * patience or (elapsed >= patience and not others):
            tried = f"{attempts.failed} attempts" if attempts.failed > 1 else "one attempt"
            trouble = f"{where}; gave up after {tried}"
            if not others:
                self.health.gave_up(trouble, verdict.retry_after)
            raise EndpointDown(trouble)


@dataclass(slots=True)
class _Turn:
    """One attempt's time with the endpoint, from its place to its reply.

    Attributes:
        slot: its place, None before it has one.
        probing: it tries an endpoint that was down.
        answer: what came.
    """

    line: Line
    request: ModelRequest
    attempts: Attempts
    slot: Slot | None = None
    probing: bool = False
    began: float = 0.0
    answer: Answer | None = None
    patience: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    async def begin(self) -> None:
        """Wait for a place; the clock starts when it is there."""
        line, attempts = self.line, self.attempts
        slot = await line.limit.acquire(again=attempts.made > 0)
        try:
            self.probing = line.health.enter()
        except EndpointDown:
            line.limit.failed(slot)
            raise
        self.slot = slot
        attempts.made += 1
        line.counts["attempts"] += 1
        self.began = line.now()
        attempts.on_wire = True
        seconds = line.settings.timeout
        self.patience.reschedule(asyncio.get_running_loop().time() + seconds)

    def end(self, response: httpx2.Response) -> None:
        """Take the answer, and let the next call go.

        Raises:
            Damaged: it is none.
        """
        kind = response.headers.get("content-type", "")
        completion = read_completion(response.content, kind, self.request)
        self.answer = Answer(completion, self.line.now() - self.began)
        self.attempts.answered = True
        assert self.slot is not None
        self.line.limit.answered(self.slot)
        self.line.health.answered()


_TURN: ContextVar[_Turn] = ContextVar("turn")


async def _leaves(_: httpx2.Request) -> None:
    turn = _TURN.get()
    if turn.slot is None:  # else it was redirected
        await turn.begin()


async def _arrives(response: httpx2.Response) -> None:
    if response.status_code != HTTPStatus.OK:
        return
    await response.aread()
    _TURN.get().end(response)
    for _ in range(REFILLS_FIRST):
        await asyncio.sleep(0)


# For the HTTP client under `openai`: it calls them right before and right after the wire.
HOOKS: dict[str, list[Callable[..., Any]]] = {"request": [_leaves], "response": [_arrives]}
