import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.prices import PriceTable
from metasearch.gateway.settings import ModelSettings
from metasearch.testing.endpoint import ScriptedEndpoint

from .prices import DOLLAR_A_MILLION

Make = Callable[..., OpenAIGateway]


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def make(endpoint: ScriptedEndpoint) -> AsyncIterator[Make]:
    """Gateways to the endpoint's model "m", closed at the end of the test."""
    made: list[OpenAIGateway] = []

    def build(
        *, caps: Caps | None = None, environment: dict[str, str] | None = None, **settings: Any
    ) -> OpenAIGateway:
        options = {key: settings.pop(key) for key in ("record", "mode") if key in settings}
        settings = {"base_url": endpoint.base_url, "patience": 0.5, **settings}
        gateway = OpenAIGateway(
            [ModelSettings("m", **settings)],
            budget=Budget(caps or Caps()),
            prices=PriceTable("", "", {"m": DOLLAR_A_MILLION}),
            environment=environment or {},
            rng=random.Random(0),
            **options,
        )
        made.append(gateway)
        return gateway

    yield build
    for gateway in made:
        await gateway.close()
