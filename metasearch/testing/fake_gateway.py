"""A gateway without HTTP: a script answers, everything else behaves as the real one does.

gateway = FakeGateway(lambda request: "42", models=("m",))
reply = await gateway.ask(request, stream, Owner.EVALUATION)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self, TypeAlias

from metasearch.errors import ConfigError, GatewayUnavailable, MetasearchError
from metasearch.gateway.base import Caps, Record, Spent
from metasearch.gateway.budget import PICO, Amount, Budget
from metasearch.gateway.prices import FREE, Price
from metasearch.gateway.settings import ModelSettings
from metasearch.gateway.wire import estimate, prompt_bound
from metasearch.testing.endpoint import minimal
from metasearch.types import Finish, ModelReply, ModelRequest, Owner, Stream, Usage

__all__ = ["FakeGateway", "FakeScript"]

FakeScript: TypeAlias = "Callable[[ModelRequest], str | ModelReply | MetasearchError]"


def default_script(request: ModelRequest) -> str:
    """Answer a schema with its smallest valid value, anything else with "ok"."""
    return "ok" if request.schema is None else json.dumps(minimal(request.schema))


class FakeGateway:
    """Implements `gateway.base.Gateway` for tests.

    Args:
        script: a function from the request to a text, a whole reply or an error to raise; or a
            sequence of those, one for each call that is really made.
        models: names that are known; () takes all.
        budget: the purse; None has no caps.
        record: where replies are kept; None keeps none.
        price: of a token.
        latency: seconds before each answer.

    Attributes:
        requests: what was really asked, in order.
    """

    def __init__(
        self,
        script: FakeScript | Sequence[str | ModelReply | MetasearchError] = default_script,
        *,
        models: tuple[str, ...] = (),
        budget: Budget | None = None,
        record: Record | None = None,
        price: Price = FREE,
        latency: float = 0.0,
    ) -> None:
        self._script = script if callable(script) else _one_by_one(script)
        self._models = models
        self.budget = budget or Budget(Caps())
        self._record = record
        self._price = price
        self._latency = latency
        self._closed = False
        self._flights: dict[str, asyncio.Task[ModelReply]] = {}
        self.requests: list[ModelRequest] = []

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        """Answer a request from the record, else from the script."""
        if self._closed:
            raise GatewayUnavailable("the gateway is closed")
        if self._models and request.model not in self._models:
            raise ConfigError(f"no model {request.model!r}; there are {', '.join(self._models)}")
        key = request.key(stream)
        found = self._record.find(key) if self._record is not None else None
        if found is not None:
            return found
        if key in self._flights:
            return replace(await asyncio.shield(self._flights[key]), recorded=True)
        flight = asyncio.create_task(self._call(key, request, stream, owner))
        self._flights[key] = flight
        flight.add_done_callback(lambda _: self._flights.pop(key))
        return await asyncio.shield(flight)  # others may wait for it, too

    def spent(self, owner: Owner | None = None) -> Spent:
        """Return what was paid so far, for one owner or in all."""
        return self.budget.spent(owner)

    async def check(self) -> None:
        """Find nothing wrong."""

    async def close(self) -> None:
        """Refuse all later calls; safe to call twice."""
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _call(
        self, key: str, request: ModelRequest, stream: Stream, owner: Owner
    ) -> ModelReply:
        bound = prompt_bound(request, ModelSettings(request.model))
        worst = Amount(self._price.worst(*bound), sum(bound), 1)
        reservation = await self.budget.reserve(owner, worst)
        try:
            await asyncio.sleep(self._latency)
            reply = self._reply(request)
        except BaseException:  # cancelled, too: what is held must come back
            self.budget.release(reservation)
            raise
        self.budget.settle(reservation, reply.usage, self._price.of(reply.usage))
        if self._record is not None:
            await self._record.keep(key, request, stream, reply, owner)
        return reply

    def _reply(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        made = self._script(request)
        if isinstance(made, MetasearchError):
            raise made
        if isinstance(made, str):
            usage: Usage = estimate(request, made)
            made = ModelReply(made, Finish.STOP, usage, 0.0, self._latency)
        return replace(made, dollars=self._price.of(made.usage) / PICO)


def _one_by_one(script: Sequence[str | ModelReply | MetasearchError]) -> FakeScript:
    left = iter(script)

    def answer(request: ModelRequest) -> str | ModelReply | MetasearchError:
        made = next(left, None)
        if made is None:
            raise AssertionError(f"the script has no more than {len(script)} replies: {request}")
        return made

    return answer
