"""The docker sandbox when something ends that should not: nothing is scored, nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import image, owners
from metasearch.sandbox.attach import _Threaded
from metasearch.sandbox.docker import DockerSandbox
from metasearch.types import Outcome
from tests.sandbox.docker_stage import Model, asked, containers, design, job, many

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

ASKING = """
from agentkit import Agent
async def solve(task):
    first = await Agent("a").ask(task.prompt, "first")
    second = await Agent("b").ask(task.prompt, "second")
    return task.prompt + first.text + second.text
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[DockerSandbox]:
    async with DockerSandbox(run="test-faults", spares=0) as opened:
        yield opened


def kill(run: str, by: str = "SIGKILL") -> None:
    for one in containers(run=run):
        asked(lambda client, name=one["Id"]: client.api.kill(name, by))


# a container that is gone


async def test_jobs_of_a_lost_container_are_repeated_and_asked_for_once(
    sandbox: DockerSandbox,
) -> None:
    worker = await sandbox.open(ASKING)

    class Killing(Model):
        async def __call__(self, body: dict[str, object]) -> dict[str, object]:
            if "second" in str(body) and not self.killed:
                self.killed = True
                await asyncio.sleep(0.5)  # the others have their first reply by now
                await asyncio.to_thread(kill, sandbox._run)
            return await super().__call__(body)

        killed = False

    model = Killing(seconds=0.05)
    results = await many(worker, 6, model)
    assert [result.answer for result in results] == [f"{n}okok" for n in range(6)]
    assert model.calls <= 6 + 2 * 6  # the first replies were remembered
    assert (await worker.run(job("later"), Model())).answer == "laterokok"
    await worker.close()


async def test_a_repeated_job_pays_for_no_call_again_though_replies_come_in_another_order(
    sandbox: DockerSandbox,
) -> None:
    worker = await sandbox.open("""
from agentkit import Agent, gather

async def chain(name):
    said = [await Agent(name).ask(f"{name} {step}") for step in range(3)]
    return said[-1].text

async def solve(task):
    chains = await gather([chain("slow"), chain("quick")])
    last = await Agent("last").ask("last")
    return "".join([*chains, last.text])
""")
    model, asked_for = Model(), Counter[str]()

    async def answer(body: dict[str, object]) -> dict[str, object]:
        text = str(body["messages"])
        asked_for[text] += 1
        await asyncio.sleep(0.2 if "slow" in text else 0.01)
        if "last" in text and asked_for[text] == 1:
            await asyncio.to_thread(kill, sandbox._run)
            await asyncio.sleep(10)
        return await model(body)

    assert (await worker.run(job(), answer)).answer == "okokok"
    assert len(asked_for) == 7
    assert {
        text: times for text, times in asked_for.items() if times > 1 and "last" not in text
    } == {}
    await worker.close()


async def test_what_ends_its_container_alone_is_charged(
    sandbox: DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await sandbox.open(ASKING)

    async def ending(body: dict[str, object]) -> dict[str, object]:
        await asyncio.to_thread(kill, sandbox._run)
        await asyncio.sleep(10)
        return {}

    result = await worker.run(job(), ending)
    assert result.outcome is Outcome.CRASHED
    assert "it ended its container, twice, alone" in result.error
    await worker.close()


async def test_a_frozen_container_is_killed_and_replaced(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        import time
        def solve(task):
            if task.prompt == "slow":
                time.sleep(60)
            return "healthy"
        """)
    )
    slow = asyncio.ensure_future(worker.run(job("slow", active_seconds=1.0), Model()))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(kill, sandbox._run, "SIGSTOP")
    assert (await slow).outcome is Outcome.TIMED_OUT
    start = time.monotonic()
    assert (await worker.run(job(active_seconds=20.0), Model())).answer == "healthy"
    assert time.monotonic() - start < 15.0
    await worker.close()
    assert containers(run=sandbox._run) == []


async def test_a_job_that_dies_for_anothers_memory_is_repeated_alone() -> None:
    source = design("""
        import time
        def solve(task):
            held = bytearray(int(task.prompt) << 20)
            time.sleep(0.7)
            return len(held) >> 20
    """)
    async with DockerSandbox(run="test-memory", spares=0, memory_mib=300) as small:
        worker = await small.open(source)
        beside = [worker.run(job("150", memory_mib=400), Model()) for _ in range(4)]
        results = await asyncio.gather(*beside)
        assert [result.answer for result in results] == [150] * 4, results
        alone = await worker.run(job("350", memory_mib=400), Model())
        assert alone.outcome is Outcome.OUT_OF_MEMORY
        assert "out of memory" in alone.error
        assert (await worker.run(job("1", memory_mib=400), Model())).answer == 1
        await worker.close()


async def test_an_engine_that_goes_away_is_not_the_designs_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with DockerSandbox(run="test-engine-gone", spares=0) as sandbox:
        worker = await sandbox.open(ASKING)
        from metasearch.sandbox import docker as module

        def refuse(*_: object) -> None:
            raise ConnectionRefusedError("gone")

        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 1.5)
        monkeypatch.setattr("metasearch.sandbox.container._create", refuse)
        await asyncio.to_thread(kill, sandbox._run)
        start = time.monotonic()
        with pytest.raises(SandboxUnavailable, match="no Docker engine answers"):
            await worker.run(job(), Model())
        assert time.monotonic() - start > 1.0  # it was given time to come back
        await worker.close()


async def test_without_a_word_from_the_host_a_container_ends_itself() -> None:
    async with DockerSandbox(run="test-lease", spares=0, lease_seconds=1.0) as sandbox:
        worker = await sandbox.open(ASKING)
        assert len(containers(run=sandbox._run)) == 1
        await asyncio.sleep(3.0)
        assert containers(run=sandbox._run) == []
        assert (await worker.run(job(), Model())).answer == "pokok"
        await worker.close()


# a host that is gone


HOST = """
import asyncio, sys
from metasearch.sandbox.docker import DockerSandbox
from tests.sandbox.docker_stage import Model, job

async def main():
    async with DockerSandbox(run="test-killed") as sandbox:
        worker = await sandbox.open("import time\\ndef solve(task): time.sleep(60)")
        running = asyncio.ensure_future(worker.run(job(active_seconds=60.0), Model()))
        await asyncio.sleep(0.5)
        print("running", flush=True)
        await running

asyncio.run(main())
"""


async def test_a_killed_host_leaves_no_container_for_five_seconds() -> None:
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"running\n"
        assert containers(pid=str(host.pid))
        host.send_signal(signal.SIGKILL)
        host.wait()
    until = time.monotonic() + 5.0
    while containers(pid=str(host.pid)):
        assert time.monotonic() < until
        time.sleep(0.1)


async def test_a_sweep_takes_what_the_dead_have_left_and_nothing_else(
    sandbox: DockerSandbox,
) -> None:
    worker = await sandbox.open(ASKING)
    with subprocess.Popen(["true"]) as dead:
        pass

    def make(client: object, since: str, pid: int) -> None:
        labels = {**owners.labels("test-dead"), "metasearch.pid": str(pid)}
        labels["metasearch.since"] = since
        client.api.create_container(image.current_tag(), labels=labels)  # type: ignore[attr-defined]

    asked(lambda client: make(client, "5", dead.pid))
    asked(lambda client: make(client, "5", os.getpid()))  # the number is another process' by now
    assert len(containers(run="test-dead")) == 2
    assert await DockerSandbox.sweep() >= 2
    assert containers(run="test-dead") == []
    assert (await worker.run(job(), Model())).answer == "pokok"
    await worker.close()


# closing


async def test_closing_leaves_no_container_whatever_is_going_on() -> None:
    async with DockerSandbox(run="test-close", spares=0) as sandbox:
        workers = [await sandbox.open(ASKING) for _ in range(2)]
        running = [asyncio.ensure_future(w.run(job(), Model(seconds=30))) for w in workers]
        opening = asyncio.ensure_future(sandbox.open(ASKING))
        await asyncio.sleep(0.05)
        opening.cancel()  # in the middle of a start
        run = sandbox._run
        assert containers(run=run)
    assert containers(run=run) == []
    ends = await asyncio.gather(*running, opening, return_exceptions=True)
    assert isinstance(ends.pop(), asyncio.CancelledError)
    for end in ends:
        assert isinstance(end, SandboxUnavailable) or end.outcome is Outcome.INFRASTRUCTURE
    with pytest.raises(SandboxUnavailable, match="closed"):
        await sandbox.open(ASKING)
    await sandbox.close()


async def test_a_cancelled_job_ends_in_the_container_too() -> None:
    async with DockerSandbox(run="test-cancel", spares=0, jobs=1, nested=1) as sandbox:
        worker = await sandbox.open("import time\ndef solve(task):\n    time.sleep(30)")
        for _ in range(4):  # twice as many as there are places
            running = asyncio.ensure_future(worker.run(job(active_seconds=30.0), Model()))
            await asyncio.sleep(0.3)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert len(containers(run=sandbox._run)) == 1
        await worker.close()


async def test_spares_are_kept_and_never_used_twice() -> None:
    async with DockerSandbox(run="test-spares", spares=2) as sandbox:
        seen: Counter[str] = Counter()
        for _ in range(3):
            worker = await sandbox.open("import os\ndef solve(task):\n    return os.getuid()")
            seen[str((await worker.run(job(), Model())).answer)] += 1
            await worker.close()
        assert set(seen.values()) == {1}  # every container has uids of its own
        until = time.monotonic() + 5.0
        while len(containers(run=sandbox._run)) < 2:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


async def test_a_connection_that_can_only_block_serves_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As TLS, ssh and Windows' named pipes do."""

    async def threaded(raw: object) -> _Threaded:
        return _Threaded(raw)

    monkeypatch.setattr("metasearch.sandbox.container.attached", threaded)
    async with DockerSandbox(run="test-threads", spares=0) as sandbox:
        worker = await sandbox.open(textwrap.dedent(ASKING))
        results = await many(worker, 20, Model(seconds=0.02, text="z" * 20_000))
        await worker.close()
    assert [len(result.answer or "") for result in results[:10]] == [40_001] * 10
