"""Every attack of `attacks/` in both sandboxes; see `suite` for what is asserted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hostile.suite import SANDBOXES, Attack, attacks, laid, run_all

ATTACKS = attacks()
Found = dict[str, list[str]]


class Suite:
    """Attacks run together, once; each has a test of its own that looks at what came of it."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    name: str

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def found(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[Found]:
        nodes = (item for item in request.session.items if getattr(item, "cls", None) is cls)
        wanted = {item.callspec.id for item in nodes if hasattr(item, "callspec")}
        chosen = [each for each in ATTACKS if each.name in wanted]
        with laid(tmp_path_factory.mktemp("hostile")) as canaries:
            async with SANDBOXES[cls.name]() as sandbox:
                yield await run_all(sandbox, chosen, canaries)

    @pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
    async def test_it_is_contained(self, found: Found, attack: Attack) -> None:
        assert found[attack.name] == [], attack.idea

    async def test_bystanders_and_host_are_untouched(self, found: Found) -> None:
        assert found[""] == []


@pytest.mark.docker
class TestDocker(Suite):
    name = "docker"


@pytest.mark.wasm
class TestWasm(Suite):
    name = "wasm"
