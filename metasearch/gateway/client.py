"""The gateway on the official `openai` client: the only door to a model.

A call goes: record, calls in flight with the same key, budget, place in flight, endpoint; then
settle and keep. Importing this module imports `openai` (half a second), so only do it to call.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from metasearch.errors import ArchiveUnavailable, ConfigError, GatewayUnavailable
from metasearch.gateway.base import NotRecorded, Record, RecordMode, RequestRefused, Spent
from metasearch.gateway.budget import PICO, Amount, Budget, Reservation
from metasearch.gateway.line import HOOKS, Answer, Attempts, Line
from metasearch.gateway.prices import FREE, PriceTable, load_prices
from metasearch.gateway.settings import OPENAI_URL, ModelSettings
from metasearch.gateway.wire import prompt_bound
from metasearch.types import Finish, Message, ModelReply, ModelRequest, Owner, Stream, Usage

__all__ = ["OpenAIGateway"]

CONNECT_SECONDS = 10.0
CHECK_PATIENCE = 2.0  # seconds: a wrong address should be told at once
CHECK_TOKENS = 16

# What is loaded by now (100,000 objects, most of them of `openai`) lives as long as the process.
# The cycle collector would look at all of it in the midst of a search: 0.14 s in which calls wait.
gc.freeze()
# A call's objects live until it is answered. To look at the youngest after each 700 finds the calls
# in flight again and again: a twentieth of a call's processor time.
gc.set_threshold(10_000, 20, 50)


@dataclass(eq=False, slots=True)
class _Flight:
    """One call under way, for all who asked the same."""

    task: asyncio.Task[ModelReply]
    attempts: Attempts
    waiters: int = 0


@dataclass(slots=True)
class _Stake:
    """What one call holds of the budget.

    Attributes:
        worst: of one attempt; `most` is the same in tokens.
        keep: writes down what was paid for a lost answer.
    """

    budget: Budget
    owner: Owner
    worst: Amount
    most: Usage
    keep: Callable[[ModelReply], Awaitable[None]]
    held: Reservation | None = None

    async def hold(self) -> None:
        if self.held is None:
            self.held = await self.budget.reserve(self.owner, self.worst)

    async def lose(self) -> None:
        """Pay for an attempt that was most likely billed, though its answer is lost."""
        held, self.held = self.held, None
        assert held is not None
        self.budget.lose(held, self.most)
        paid = self.worst.picodollars / PICO
        await self.keep(ModelReply("", Finish.STOP, self.most, paid, 0.0))

    def settle(self, usage: Usage, picodollars: int) -> None:
        held, self.held = self.held, None
        assert held is not None
        self.budget.settle(held, usage, picodollars)

    def release(self) -> None:
        if self.held is not None:
            self.budget.release(self.held)
            self.held = None


@dataclass(slots=True)
class _Endpoint:
    client: AsyncOpenAI
    key: str


@dataclass(slots=True)
class _Clients:
    """One long-lived client for each (address, key); all are closed at the end.

    A client that is dropped unclosed was seen to stall the others.
    """

    environment: Mapping[str, str]
    ceiling: int
    made: dict[tuple[str, str | None], _Endpoint] = field(default_factory=dict)

    def get(self, settings: ModelSettings) -> _Endpoint:
        where = (settings.base_url, settings.key_env)
        if where not in self.made:
            key = settings.key(self.environment)
            self.made[where] = _Endpoint(_client(settings, key, self.ceiling), key)
        return self.made[where]

    async def close(self) -> None:
        endpoints = list(self.made.values())
        self.made.clear()
        for endpoint in endpoints:
            await endpoint.client.close()


class OpenAIGateway:
    """Meters, limits, records and makes every model call; implements `base.Gateway`.

    Args:
        models: by whose names requests are told apart.
        budget: the search's one purse.
        record: where replies are kept; None keeps none.
        prices: None is the shipped table.
        allow_unpriced: a model without a price costs 0 dollars instead of being refused.
        mode: what the record is used for.
        environment: where keys are looked up.
        clock: seconds, monotonic.
        rng: draws the delays between attempts.

    Raises:
        ConfigError: a key or a price is missing.
    """

    def __init__(
        self,
        models: Iterable[ModelSettings],
        *,
        budget: Budget,
        record: Record | None = None,
        prices: PriceTable | None = None,
        allow_unpriced: bool = False,
        mode: RecordMode = RecordMode.NORMAL,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        known = tuple(models)
        table = prices or load_prices()
        self.budget = budget
        self._record = record
        self._mode = mode
        self._flights: dict[str, _Flight] = {}
        self._counts: Counter[str] = Counter()
        self._closed = False
        self._clock = clock
        self._clients = _Clients(environment, sum(settings.concurrency for settings in known))
        self._lines: dict[str, Line] = {}
        replaying = mode is RecordMode.REPLAY_ONLY  # needs neither key nor price
        for settings in known:
            if replaying:
                settings = replace(settings, key_env=None)
            name = settings.remote or settings.name
            loose = allow_unpriced or replaying
            price = FREE if settings.free else table.price(name, allow_unpriced=loose)
            endpoint = self._clients.get(settings)
            self._lines[settings.name] = Line(
                settings,
                price,
                endpoint.client,
                endpoint.key,
                clock=clock,
                rng=rng or random.Random(),
            )

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        """Answer a request from the record, else from the endpoint; see `base.Gateway.ask`."""
        line = self._line(request.model)
        key = request.key(stream)
        if self._record is not None and self._mode in (RecordMode.NORMAL, RecordMode.REPLAY_ONLY):
            found = self._record.find(key)
            if found is not None:
                self._counts["recorded"] += 1
                return found
        if self._mode is RecordMode.REPLAY_ONLY:
            raise NotRecorded(
                f"the record holds no reply to call {key[:12]} of {stream.scope!r}; "
                "replay with the archive that made it, or make the call: resume --record"
            )
        flight = self._flights.get(key)
        if flight is not None:
            self._counts["shared"] += 1
            return replace(await self._wait(flight), recorded=True)
        return await self._wait(self._start(key, line, request, stream, owner))

    def spent(self, owner: Owner | None = None) -> Spent:
        """Return what this search has paid so far, for one owner or in all."""
        return self.budget.spent(owner)

    def counts(self) -> dict[str, int]:
        """Return counters: attempts, refused, failed, lost, recorded, shared, estimated."""
        total = Counter(self._counts)
        for line in self._lines.values():
            total.update(line.counts)
        return dict(total)

    def trouble(self) -> str:
        """Return one line that says which endpoint is down and why, "" when none is."""
        return "; ".join(
            line.health.trouble for line in self._lines.values() if line.health.trouble
        )

    async def check(self) -> None:
        """Ask every model one tiny question, so that a wrong key, URL or model is told at once.

        Costs about 20 tokens a model, which are paid and written down as `Owner.PROBE`.

        Raises:
            ConfigError, GatewayUnavailable: as `ask`, with what to mend.
        """
        if self._mode is RecordMode.REPLAY_ONLY:
            return
        for line in self._lines.values():
            await self._probe(line, CHECK_PATIENCE)

    async def recovered(self, tell: Callable[[str, float], None] | None = None) -> None:
        """Wait until every endpoint that was found down answers again, probing it now and then.

        Args:
            tell: is told before each wait what is wrong, and in how many seconds it is tried again.
        """
        for line in self._lines.values():
            while line.health.trouble:
                wait = max(0.0, line.health.retry_at - self._clock())
                if tell is not None:
                    tell(line.health.trouble, wait)
                await asyncio.sleep(wait)
                with contextlib.suppress(GatewayUnavailable):
                    await self._probe(line, 0.0)

    async def close(self) -> None:
        """End the calls under way and close the clients; safe to call twice.

        An answer that has come is still kept; what is with the endpoint is given up.
        """
        self._closed = True
        flights = list(self._flights.values())
        for flight in flights:
            if not flight.attempts.answered:
                flight.task.cancel()
        await asyncio.gather(*(flight.task for flight in flights), return_exceptions=True)
        await self._clients.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _line(self, model: str) -> Line:
        if self._closed:
            raise GatewayUnavailable("the gateway is closed")
        line = self._lines.get(model)
        if not self._lines:
            raise RequestRefused("this search has no model to ask; choose one with --model NAME")
        if line is None:
            known = ", ".join(self._lines)
            raise ConfigError(f"no model {model!r} is set up in this search; there are {known}")
        return line

    def _start(
        self, key: str, line: Line, request: ModelRequest, stream: Stream, owner: Owner
    ) -> _Flight:
        """Begin a call in a task of its own: who asked may be cancelled, what is paid is kept."""
        stake = self._stake(key, line, request, stream, owner)
        attempts = Attempts(stake.lose, stake.hold)
        task = asyncio.create_task(self._fly(key, line, request, stream, stake, attempts))
        flight = _Flight(task, attempts)
        self._flights[key] = flight
        task.add_done_callback(lambda done: self._land(key, done))
        return flight

    def _stake(
        self, key: str, line: Line, request: ModelRequest, stream: Stream, owner: Owner
    ) -> _Stake:
        async def keep(lost: ModelReply) -> None:
            if self._record is not None:  # under a key that is never replayed
                await self._record.keep(f"{key}~lost", request, stream, lost, owner)

        bound = prompt_bound(request, line.settings)
        worst = Amount(line.price.worst(*bound), sum(bound), 1)
        return _Stake(self.budget, owner, worst, Usage(bound.prompt, 0, bound.completion), keep)

    def _land(self, key: str, task: asyncio.Task[ModelReply]) -> None:
        del self._flights[key]
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits for it any more

    async def _wait(self, flight: _Flight) -> ModelReply:
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.task.cancelled() and self._closed:
                raise GatewayUnavailable("the gateway was closed during the call") from None
            raise
        finally:
            flight.waiters -= 1
            # Nobody wants it any more; once it is on the wire it is paid for, so let it end.
            attempts = flight.attempts
            if not (flight.waiters or attempts.on_wire or attempts.answered):
                flight.task.cancel()

    async def _fly(
        self,
        key: str,
        line: Line,
        request: ModelRequest,
        stream: Stream,
        stake: _Stake,
        attempts: Attempts,
        patience: float | None = None,
    ) -> ModelReply:
        await stake.hold()
        try:
            answer = await line.call(request, stream, attempts, patience=patience)
        except BaseException:  # cancelled, too: what is held must come back
            if attempts.cut:
                with contextlib.suppress(ArchiveUnavailable):  # then nothing can be written down
                    await stake.lose()
            stake.release()
            raise
        reply, paid = self._reply(line, answer, stake)
        stake.settle(reply.usage, paid)
        if self._record is None:
            return reply
        wanted = f"{key}~own" if self._mode is RecordMode.OFF else key
        kept = await self._record.keep(wanted, request, stream, reply, stake.owner)
        return reply if kept == key else replace(reply, key=kept)

    def _reply(self, line: Line, answer: Answer, stake: _Stake) -> tuple[ModelReply, int]:
        completion = answer.completion
        usage, paid = completion.usage, line.price.of(completion.usage)
        if completion.estimated:  # it tells no usage: whatever it bills, it is not more than this
            self._counts["estimated"] += 1
            usage, paid = stake.most, stake.worst.picodollars
        return ModelReply(
            text=completion.text,
            finish=completion.finish,
            usage=usage,
            dollars=paid / PICO,
            seconds=answer.seconds,
        ), paid

    async def _probe(self, line: Line, patience: float) -> None:
        messages = (Message("user", "Reply with the word: ok"),)
        request, stream = ModelRequest(line.settings.name, messages, CHECK_TOKENS), Stream("check")
        key = request.key(stream)
        stake = self._stake(key, line, request, stream, Owner.PROBE)
        attempts = Attempts(stake.lose, stake.hold)
        # What it refuses is this tiny question: it answers, and knows key and model.
        with contextlib.suppress(RequestRefused):
            await self._fly(key, line, request, stream, stake, attempts, patience)


def _client(settings: ModelSettings, key: str, ceiling: int) -> AsyncOpenAI:
    # The transport on aiohttp: the other one looks at every connection of its pool for every call
    # (500 in flight: 3.8 ms a call, against 1.0).
    http = DefaultAioHttpClient(
        event_hooks=HOOKS,
        limits=httpx2.Limits(max_connections=ceiling, max_keepalive_connections=ceiling),
        timeout=httpx2.Timeout(settings.timeout, connect=CONNECT_SECONDS, pool=None),
        trust_env=not settings.on_loopback,  # a proxy of the environment cannot reach this machine
    )
    client = AsyncOpenAI(api_key=key, base_url=settings.base_url, max_retries=0, http_client=http)
    if settings.base_url != OPENAI_URL:
        # Read from the environment by the client; they are nobody else's business.
        client.organization = client.project = None
    return client
