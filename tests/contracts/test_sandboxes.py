from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from metasearch.sandbox.base import Sandbox
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.testing.isolation_contract import IsolationContract
from metasearch.testing.sandbox_contract import SandboxContract


class TestFake(SandboxContract):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls) -> AsyncIterator[Sandbox]:
        async with FakeSandbox() as opened:
            yield opened

    def judge_left_behind(self, seen: list[str]) -> None:
        assert seen[0] == "nothing"  # one process, so a module of the library is shared: a fake


@pytest.mark.wasm
class TestWasm(SandboxContract):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls) -> AsyncIterator[Sandbox]:
        from metasearch.sandbox.wasm import WasmSandbox

        async with WasmSandbox() as opened:
            yield opened


@pytest.mark.wasm
class TestWasmIsolation(IsolationContract):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls, canaries: object) -> AsyncIterator[Sandbox]:
        from metasearch.sandbox.wasm import WasmSandbox

        async with WasmSandbox() as opened:
            yield opened


@pytest.mark.docker
class TestDocker(SandboxContract):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls) -> AsyncIterator[Sandbox]:
        from metasearch.sandbox.docker import DockerSandbox

        async with DockerSandbox() as opened:
            yield opened


@pytest.mark.docker
class TestDockerIsolation(IsolationContract):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls, canaries: object) -> AsyncIterator[Sandbox]:
        from metasearch.sandbox.docker import DockerSandbox

        async with DockerSandbox() as opened:
            yield opened
