"""The docker sandbox on a real engine: what is in force, and that jobs do not touch each other."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import container
from metasearch.sandbox.docker import DockerSandbox
from metasearch.types import Outcome
from tests.sandbox.docker_stage import Model, asked, containers, design, job, many

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

ECHO = "def solve(task):\n    return task.prompt\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[DockerSandbox]:
    async with DockerSandbox(run="test-docker") as opened:
        yield opened


# what is in force


async def test_the_engine_confirms_every_flag(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(ECHO)
    found = containers(pid=str(os.getpid()))
    assert found
    for one in found:
        host, config = one["HostConfig"], one["Config"]
        assert host["ReadonlyRootfs"] is True
        assert (host["NetworkMode"], host["IpcMode"]) == ("none", "none")
        assert host["CapDrop"] == ["ALL"]
        assert sorted(cap.removeprefix("CAP_") for cap in host["CapAdd"]) == ["SETGID", "SETUID"]
        assert host["Privileged"] is False
        assert host["AutoRemove"] is True
        assert (host["Memory"], host["MemorySwap"]) == (1 << 30, 1 << 30)
        cpus = min(2, os.cpu_count() or 1)
        assert (host["PidsLimit"], host["NanoCpus"]) == (512, cpus * 1_000_000_000)
        assert host["LogConfig"]["Type"] == "none"
        assert not one["LogPath"]  # a flood of prints has no file on the host to grow
        assert not host["Binds"]
        assert not one["Mounts"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert config["StdinOnce"] is True
        assert config["Labels"]["metasearch.run"].startswith("test-docker-")
    await worker.close()


async def test_it_says_what_a_jailed_process_has_tried(sandbox: DockerSandbox) -> None:
    told = await sandbox.describe()
    assert told["engine"]
    assert told["cgroup"] in ("1", "2")
    assert told["image"].startswith("metasearch-sandbox:")
    assert len(told["attacks"]) == 12
    assert set(told["attacks"].values()) <= {"EPERM", "EACCES", "EROFS", "ENOSYS"}


@pytest.mark.parametrize(
    ("flag", "named"),
    [
        ("mem_limit", "memory"),
        ("pids_limit", "pids"),
        ("nano_cpus", "cpus"),
        ("network_mode", "network"),
        ("cap_drop", "capability bounds"),
        ("seccomp", "refusal of inotify"),
        ("security_opt", "no-new-privileges"),
    ],
)
async def test_a_container_without_a_limit_is_not_used(
    flag: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_flags = container._flags

    def all_but_one(*args: Any) -> dict[str, Any]:
        flags = all_flags(*args)
        flags.pop(flag, None)
        if flag == "mem_limit":
            del flags["memswap_limit"]
        if flag == "seccomp":
            flags["security_opt"] = ["no-new-privileges:true"]  # the engine's own filter
        return flags

    monkeypatch.setattr(container, "_flags", all_but_one)
    real = container._create

    def create(api: Any, settings: Any, uid_base: int) -> Any:
        if flag == "network_mode":  # the flag beside it switches the network off as well
            plain = api.create_container
            monkeypatch.setattr(
                api,
                "create_container",
                lambda *args, **kwargs: plain(*args, **{**kwargs, "network_disabled": False}),
            )
        return real(api, settings, uid_base)

    monkeypatch.setattr(container, "_create", create)
    async with DockerSandbox(run=f"test-without-{flag}", spares=0) as weak:
        with pytest.raises(SandboxUnavailable, match=f"does not enforce.*({named})"):
            await weak.open(ECHO)
        assert containers(run=weak._run) == []


async def test_a_runtime_that_the_engine_does_not_know_is_named() -> None:
    async with DockerSandbox(runtime="no-such-runtime", spares=0) as sandbox:
        with pytest.raises(SandboxUnavailable, match="no-such-runtime"):
            await sandbox.open(ECHO)


# jobs beside each other


async def test_fifty_jobs_of_three_calls_wait_together(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        from agentkit import Agent
        async def solve(task):
            agent = Agent("a")
            for turn in range(3):
                await agent.ask(task.prompt)
            return task.prompt
        """)
    )
    model = Model(seconds=0.3)
    start = time.monotonic()
    results = await many(worker, 50, model)
    seconds = time.monotonic() - start
    await worker.close()
    assert [result.answer for result in results] == [str(n) for n in range(50)]
    assert model.calls == 150
    assert seconds < 10.0  # one after the other they would take 45 s
    assert max(result.active_seconds for result in results) < seconds - 0.8


async def test_processes_wait_for_jobs_to_come_and_each_serves_one() -> None:
    told = """
        import os
        from agentkit import Agent
        seen = []
        async def solve(task):
            seen.append(task.prompt)
            return [os.getpid(), seen, (await Agent("a").ask(task.prompt)).text]
        """
    async with DockerSandbox(run="test-held", spares=0, at_once=6) as sandbox:
        worker = await sandbox.open(design(told))
        assert _processes("test-held") == 2  # PID 1 and the fork server
        first = asyncio.ensure_future(worker.run(job("first"), Model(1.0)))
        deadline = time.monotonic() + 10
        while await asyncio.to_thread(_processes, "test-held") < 2 + 1 + 6:
            assert time.monotonic() < deadline
        results = [await first, *await many(worker, 8, Model())]
        assert [result.answer[1] for result in results] == [
            ["first"],
            *([str(n)] for n in range(8)),
        ]
        assert len({result.answer[0] for result in results}) == 9


def _processes(run: str) -> int:
    (found,) = (one for one in containers() if one["Config"]["Labels"]["metasearch.run"][:9] == run)
    return len(asked(lambda client: client.api.top(found["Id"]))["Processes"])


async def test_two_hundred_jobs_all_end_well(sandbox: DockerSandbox) -> None:
    """A reaper that also reaches newborn processes killed 68 of 400 jobs of a first prototype."""
    worker = await sandbox.open(ECHO)
    results = await many(worker, 200, Model())
    await worker.close()
    assert Counter(result.outcome for result in results) == {Outcome.ANSWERED: 200}
    assert [result.answer for result in results] == [str(n) for n in range(200)]


async def test_spinning_jobs_do_not_starve_the_others(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        def solve(task):
            while task.prompt != "quick":
                pass
            return "done"
        """)
    )
    spinning = asyncio.gather(*(worker.run(job(active_seconds=4.0), Model()) for _ in range(20)))
    await asyncio.sleep(1.0)
    start = time.monotonic()
    quick = await worker.run(job("quick"), Model())
    seconds = time.monotonic() - start
    assert quick.answer == "done"
    assert seconds < 3.0
    assert {result.outcome for result in await spinning} == {Outcome.TIMED_OUT}
    await worker.close()


async def test_a_thread_bomb_leaves_threads_to_others(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        import threading, time
        def solve(task):
            threads = []
            try:
                while len(threads) < (500 if task.prompt == "bomb" else 5):
                    thread = threading.Thread(target=time.sleep, args=(2,), daemon=True)
                    thread.start()
                    threads.append(thread)
            except RuntimeError:
                pass
            time.sleep(0.5)
            return len(threads)
        """)
    )
    bomb, other = await asyncio.gather(
        worker.run(job("bomb"), Model()), worker.run(job("other"), Model())
    )
    await worker.close()
    assert 5 < bomb.answer < 64
    assert other.answer == 5


async def test_the_kernel_ends_what_the_design_can_not_end(sandbox: DockerSandbox) -> None:
    """No host is needed for this: the process has a limit of processor time of its own."""
    worker = await sandbox.open(
        design("""
        import resource
        def solve(task):
            return resource.getrlimit(resource.RLIMIT_CPU)
        """)
    )
    result = await worker.run(job(active_seconds=2.5), Model())
    await worker.close()
    assert result.answer == [4, 5]


# nothing is left over


async def test_no_file_and_no_process_outlives_its_job() -> None:
    """One place for all jobs, so that each gets what the one before has left."""
    async with DockerSandbox(run="test-left", spares=0, jobs=1, nested=1) as narrow:
        worker = await narrow.open(
            design("""
            import os
            from pathlib import Path
            def solve(task):
                home = Path(os.environ["HOME"])
                found = sorted(os.listdir(home))
                uid = os.getuid()
                others = [p for p in os.listdir("/proc") if p.isdigit() and _uid(p) == uid]
                for depth in range(120):
                    home = home / "d"
                    home.mkdir()
                (home / "file").write_text("secret of " + task.prompt)
                top = Path(os.environ["HOME"])
                (top / "link").symlink_to("/proc/1")
                (top / "away").symlink_to("/box")
                os.link(home / "file", top / "hard")
                Path(os.fsdecode(b"odd-\\xff\\n")).write_text("x")
                home.chmod(0)
                (top / "d").chmod(0)
                top.chmod(0)
                return [found, len(others)]
            def _uid(pid):
                try:
                    with open(f"/proc/{pid}/status") as status:
                        return int(status.read().split("Uid:")[1].split()[0])
                except OSError:
                    return -1
            """)
        )
        results = [await worker.run(job(str(n)), Model()) for n in range(6)]
        await worker.close()
    assert [result.answer for result in results] == [[[], 1]] * 6, results[0].error


async def test_a_folder_is_small_and_holds_few_names(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        import errno, os
        def solve(task):
            written = names = 0
            try:
                with open("large", "wb", buffering=0) as file:
                    while True:
                        written += file.write(bytes(65536))
            except OSError as error:
                first = errno.errorcode[error.errno]
            os.unlink("large")
            try:
                while True:
                    open(f"f{names}", "w").close()
                    names += 1
            except OSError as error:
                second = errno.errorcode[error.errno]
            return [written, first, names < 256, second]
        """)
    )
    result = await worker.run(job(), Model())
    await worker.close()
    assert result.answer == [2 << 20, "ENOSPC", True, "ENOSPC"]


async def test_large_replies_pass_whole_and_hold_up_nobody(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        import time
        from agentkit import Agent, gather
        async def solve(task):
            if task.prompt != "0":
                return "quick"
            asks = [Agent(f"a{n}").ask("x" * 200_000) for n in range(4)]
            time.sleep(0.5)
            replies = await gather(asks)
            return [len(reply.text) for reply in replies]
        """)
    )
    model = Model(text="y" * 1_500_000)
    results = await many(worker, 5, model)
    await worker.close()
    assert results[0].answer == [1_500_000] * 4, results[0].error
    assert [result.answer for result in results[1:]] == ["quick"] * 4
