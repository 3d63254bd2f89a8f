from collections.abc import AsyncIterator, Iterator

import pytest

from metasearch.gateway.base import Gateway
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.prices import PriceTable
from metasearch.gateway.settings import ModelSettings
from metasearch.testing.endpoint import ScriptedEndpoint, ScriptedReply
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.gateway_contract import USAGE, GatewayContract, MemoryRecord
from metasearch.types import Finish, ModelReply

from .prices import DOLLAR_A_MILLION


class TestFakeGateway(GatewayContract):
    @pytest.fixture
    async def gateway(self, record: MemoryRecord, budget: Budget) -> Gateway:
        reply = ModelReply("ok", Finish.STOP, USAGE, 0.0, 0.0)
        return FakeGateway(
            lambda request: reply,
            models=("m",),
            budget=budget,
            record=record,
            price=DOLLAR_A_MILLION,
        )


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(lambda request: ScriptedReply("ok", usage=(10, 0, 5))) as endpoint:
        yield endpoint


class TestOpenAIGateway(GatewayContract):
    @pytest.fixture
    async def gateway(
        self, record: MemoryRecord, budget: Budget, endpoint: ScriptedEndpoint
    ) -> AsyncIterator[Gateway]:
        gateway = OpenAIGateway(
            [ModelSettings("m", base_url=endpoint.base_url)],
            budget=budget,
            record=record,
            prices=PriceTable("", "", {"m": DOLLAR_A_MILLION}),
            environment={},
        )
        yield gateway
        await gateway.close()
