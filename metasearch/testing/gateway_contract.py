"""What every gateway must do; subclass it and override the fixture `gateway`.

    class TestMine(GatewayContract):
        @pytest.fixture
        async def gateway(self, record, budget): ...

The gateway under test knows one model, "m", whose every reply is the text "ok" with 10 prompt and 5
completion tokens, at one dollar for a million tokens of either kind.
"""

from __future__ import annotations

import asyncio

import pytest

from metasearch.errors import BudgetExhausted, ConfigError, GatewayUnavailable
from metasearch.gateway.base import Caps, Gateway
from metasearch.gateway.budget import Budget
from metasearch.types import Finish, Message, ModelReply, ModelRequest, Owner, Stream, Usage

__all__ = ["GatewayContract", "MemoryRecord"]

USAGE = Usage(10, 0, 5)
CALL_DOLLARS = 15e-6


class MemoryRecord:
    """A record that lives in memory; implements `gateway.base.Record`.

    Attributes:
        kept: replies by key.
        owners: who paid, by key.
    """

    def __init__(self) -> None:
        self.kept: dict[str, ModelReply] = {}
        self.owners: dict[str, Owner] = {}

    def find(self, key: str) -> ModelReply | None:
        """Return the recorded reply, marked as such, or None."""
        reply = self.kept.get(key)
        if reply is None:
            return None
        return ModelReply(
            reply.text, reply.finish, reply.usage, reply.dollars, reply.seconds, recorded=True
        )

    async def keep(
        self, key: str, request: ModelRequest, stream: Stream, reply: ModelReply, owner: Owner
    ) -> str:
        """Keep a reply."""
        assert key.partition("~")[0] == request.key(stream)
        self.kept[key] = reply
        self.owners[key] = owner
        return key


def question(text: str = "hello") -> ModelRequest:
    """Return a request of the model "m"."""
    return ModelRequest("m", (Message("user", text),), max_tokens=20)


class GatewayContract:
    """One door, one record, one purse."""

    @pytest.fixture
    def caps(self) -> Caps:
        """Override to run with other caps."""
        return Caps()

    @pytest.fixture
    def budget(self, caps: Caps) -> Budget:
        """The purse of the gateway under test."""
        return Budget(caps)

    @pytest.fixture
    def record(self) -> MemoryRecord:
        """The record of the gateway under test."""
        return MemoryRecord()

    @pytest.fixture
    async def gateway(self) -> Gateway:
        """Override: the gateway under test, on `record` and `budget`."""
        pytest.fail("a subclass overrides the fixture `gateway`")

    async def test_answers_and_says_what_it_cost(self, gateway: Gateway) -> None:
        """A reply has text, finish, usage and price."""
        reply = await gateway.ask(question(), Stream("t"), Owner.EVALUATION)
        assert (reply.text, reply.finish, reply.usage) == ("ok", Finish.STOP, USAGE)
        assert reply.dollars == pytest.approx(CALL_DOLLARS, abs=1e-15)
        assert not reply.recorded

    async def test_keeps_what_it_paid_for_and_never_pays_twice(
        self, gateway: Gateway, record: MemoryRecord
    ) -> None:
        """The second time the answer comes from the record, at the first price."""
        first = await gateway.ask(question(), Stream("t"), Owner.PROPOSER)
        again = await gateway.ask(question(), Stream("t"), Owner.EVALUATION)
        assert again.recorded
        assert (again.text, again.usage, again.dollars) == (first.text, first.usage, first.dollars)
        assert gateway.spent().calls == 1
        assert list(record.owners.values()) == [Owner.PROPOSER]

    async def test_two_who_ask_the_same_at_the_same_time_pay_once(
        self, gateway: Gateway, record: MemoryRecord
    ) -> None:
        """Calls in flight are shared like recorded ones."""
        asking = (gateway.ask(question(), Stream("t"), Owner.EVALUATION) for _ in range(5))
        replies = await asyncio.gather(*asking)
        assert gateway.spent().calls == len(record.kept) == 1
        assert [reply.recorded for reply in replies] == [False, True, True, True, True]

    async def test_other_samples_of_the_same_call_are_other_calls(self, gateway: Gateway) -> None:
        """The stream is part of the address."""
        for stream in (Stream("t"), Stream("t", 1), Stream("t", 0, 1), Stream("u")):
            reply = await gateway.ask(question(), stream, Owner.EVALUATION)
            assert not reply.recorded
        assert gateway.spent().calls == 4

    async def test_meters_each_owner(self, gateway: Gateway) -> None:
        """Proposer and evaluation have meters of their own under one purse."""
        await gateway.ask(question(), Stream("a"), Owner.PROPOSER)
        await gateway.ask(question(), Stream("b"), Owner.EVALUATION)
        await gateway.ask(question(), Stream("c"), Owner.EVALUATION)
        assert gateway.spent(Owner.PROPOSER).usage == USAGE
        assert gateway.spent(Owner.EVALUATION).calls == 2
        assert gateway.spent().dollars == pytest.approx(3 * CALL_DOLLARS, abs=1e-15)

    @pytest.mark.parametrize("caps", [Caps(calls=3)])
    async def test_a_cap_holds_however_many_ask(self, gateway: Gateway) -> None:
        """Who does not fit is refused; nobody gets through beyond the cap."""
        asking = (gateway.ask(question(), Stream(f"t{n}"), Owner.EVALUATION) for n in range(8))
        results = await asyncio.gather(*asking, return_exceptions=True)
        refused = [result for result in results if isinstance(result, BudgetExhausted)]
        assert len(refused) == 5
        assert gateway.spent().calls == 3

    async def test_an_unknown_model_is_the_users_to_mend(self, gateway: Gateway) -> None:
        """The message names the model."""
        request = ModelRequest("no-such-model", (Message("user", "x"),), 5)
        with pytest.raises(ConfigError, match="no-such-model"):
            await gateway.ask(request, Stream("t"), Owner.EVALUATION)

    async def test_check_finds_nothing_wrong_and_has_a_meter_of_its_own(
        self, gateway: Gateway, record: MemoryRecord
    ) -> None:
        """A good endpoint passes; what that cost is in the record and no design's."""
        await gateway.check()
        assert gateway.spent().calls == gateway.spent(Owner.PROBE).calls == len(record.kept)

    async def test_a_cancelled_caller_does_not_take_the_others_with_it(
        self, gateway: Gateway
    ) -> None:
        """A shared call outlives the one who began it."""
        first = asyncio.create_task(gateway.ask(question(), Stream("t"), Owner.EVALUATION))
        second = asyncio.create_task(gateway.ask(question(), Stream("t"), Owner.EVALUATION))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).text == "ok"
        assert gateway.spent().calls == 1

    async def test_closed_is_closed_and_closing_twice_is_fine(self, gateway: Gateway) -> None:
        """After the end every call is refused."""
        await gateway.close()
        await gateway.close()
        with pytest.raises(GatewayUnavailable):
            await gateway.ask(question(), Stream("t"), Owner.EVALUATION)
