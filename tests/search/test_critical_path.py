"""The seconds of an evaluation: what was on record, what waited, and what was asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from metasearch import domains
from metasearch.sandbox.base import Limits, Sandbox
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.wasm import WasmSandbox
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Design, Finish, ModelReply, ModelRequest, Owner, Split, Stream, Usage

IN_TURN = """
from agentkit import Agent

async def solve(task):
    said = await Agent("a").ask("2 seconds")
    said = await Agent("b").ask("3 seconds", said)
    return said.text
"""
AT_ONCE = """
from agentkit import Agent, gather

async def solve(task):
    said = await gather(Agent(f"a{n}").ask(f"{n} seconds") for n in (1, 5, 2))
    said = await Agent("judge").ask("4 seconds", *said)
    return said.text
"""


def taking(request: ModelRequest) -> ModelReply:
    """A reply that took as long as the question says, whenever that was."""
    seconds = float(request.messages[-1].content.split()[0])
    return ModelReply("so", Finish.STOP, Usage(), 0.0, seconds, recorded=True)


class OnRecord(FakeGateway):
    """Answers without any delay, not even that of a turn of the event loop."""

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        return taking(request)


@pytest_asyncio.fixture(
    params=[
        "fake",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("wasm", marks=pytest.mark.wasm),
    ]
)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    made = {"fake": FakeSandbox, "docker": DockerSandbox, "wasm": WasmSandbox}[request.param]
    async with made() as opened:
        yield opened


async def seconds(sandbox: Sandbox, gateway: FakeGateway, source: str) -> float:
    domain = domains.load("starter", sizes=dict.fromkeys(Split, 10))
    evaluator = Evaluator(gateway, domain, Asking("m"), Limits(), asyncio.Semaphore(1))
    task = domain.tasks(Split.TRAIN)[0]
    worker = await sandbox.open(source)
    try:
        done = await evaluator.evaluate(worker, Design(source, "", ""), task, Split.TRAIN)
    finally:
        await worker.close()
    assert [call.error for call in done.trace] == [""] * len(done.trace)
    return done.seconds


async def test_a_call_on_record_takes_as_long_as_when_it_was_made(sandbox: Sandbox) -> None:
    assert 5 <= await seconds(sandbox, OnRecord(), IN_TURN) < 6


async def test_calls_made_at_once_count_as_the_longest_of_them(sandbox: Sandbox) -> None:
    assert 9 <= await seconds(sandbox, OnRecord(), AT_ONCE) < 10


async def test_waiting_for_a_place_at_the_endpoint_does_not_count(sandbox: Sandbox) -> None:
    def quick(request: ModelRequest) -> ModelReply:
        return ModelReply("so", Finish.STOP, Usage(), 0.0, 0.01)

    slow = FakeGateway(quick, latency=1.5)  # a hundredth at the endpoint, the rest in the queue
    assert 0.02 <= await seconds(sandbox, slow, IN_TURN) < 1.5
