"""Every bug that building and attacking a first prototype has found, by name.

A bug stays here even if it cannot be written any more. Four of them are also covered, under load
and through the whole sandbox, by tests that were there before:

1. the reaper killed newborn processes: `test_docker.test_two_hundred_jobs_all_end_well`;
4. a chain of folders broke the clean-up:
   `test_docker.test_no_file_and_no_process_outlives_its_job`;
6. a slow death held up all: `test_docker_faults.test_a_cancelled_job_ends_in_the_container_too`;
7. busy jobs starved PID 1: `test_docker.test_spinning_jobs_do_not_starve_the_others`.
"""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import metasearch.sandbox
from metasearch.assets import asset
from metasearch.sandbox.docker import DockerSandbox
from metasearch.types import Outcome
from tests.sandbox.as_init import as_init
from tests.sandbox.docker_stage import Model, design, job, many


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[DockerSandbox]:
    async with DockerSandbox(run="test-bugs", spares=0) as opened:
        yield opened


# 1. A reaper with the real uid 0 also killed newborn jobs that had not yet dropped theirs.


@pytest.mark.docker
def test_1_the_reaper_spares_processes_that_are_still_root() -> None:
    ends = as_init("""
        newborn = forked(lambda: time.sleep(1.5))
        other = forked(lambda: time.sleep(1.5), UID + 2)
        own = forked(lambda: time.sleep(30), UID + 1)
        Slots(UID, 4).kill(1)
        signals = {}
        for name, pid in (("own", own), ("newborn", newborn), ("other", other)):
            signals[name] = os.waitpid(pid, 0)[1]
        said(signals)
    """)
    assert ends == {"own": 9, "newborn": 0, "other": 0}


# 2. Descriptors on their way are counted for a uid over all containers: PID 1 crashed at 8 x 50.

SENDING = """
import json, os, resource, socket, sys
sys.path.insert(0, sys.argv[1])
from runner import processes
from runner.slots import Slots

control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
control.setblocking(False)
one = processes.Processes(control, Slots(61_000, 8), 0)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
if os.getuid() == 0:
    os.setresuid(61_234, 61_234, 61_234)  # root may have any number on their way
hog, sink = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
hog.setblocking(False)
on_way = 0
while True:  # another container of the same uid
    try:
        socket.send_fds(hog, [b"x"], [0] * 8)
        on_way += 8
    except OSError:
        break

for _ in range(5):
    one.take((16, 1))
    one.advance(0.0)
refused = len(one._waiting)
for _ in range(on_way // 8):
    _, fds, _, _ = socket.recv_fds(sink, 1, 8)
    for fd in fds:
        os.close(fd)
one.advance(0.0)
print(json.dumps({"refused": refused, "waiting": len(one._waiting), "forking": one._forking}))
"""


def test_2_too_many_descriptors_on_their_way_are_waited_for() -> None:
    ran = subprocess.run(
        [sys.executable, "-I", "-c", SENDING, str(asset("sandbox") / "image")],
        input="", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"refused": 5, "waiting": 3, "forking": 2}


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
async def test_2_containers_side_by_side_make_all_their_jobs(sandbox: DockerSandbox) -> None:
    source = design("""
        from agentkit import Agent
        async def solve(task):
            return task.prompt + (await Agent("a").ask(task.prompt)).text
    """)
    workers = [await sandbox.open(source) for _ in range(3)]
    model = Model(seconds=0.3)
    for results in await asyncio.gather(*(many(worker, 40, model) for worker in workers)):
        assert [result.answer for result in results] == [f"{n}ok" for n in range(40)]
    await asyncio.gather(*(worker.close() for worker in workers))


# 3. A limit of the address space broke honest thread pools of 20 threads.


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
async def test_3_twenty_threads_fit_in_a_jobs_memory(sandbox: DockerSandbox) -> None:
    worker = await sandbox.open(
        design("""
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier
        def solve(task):
            together = Barrier(20, timeout=20)
            with ThreadPoolExecutor(20) as pool:
                return sum(pool.map(lambda n: n if together.wait() >= 0 else 0, range(20)))
        """)
    )
    results = await many(worker, 2, Model(), memory_mib=64)
    await worker.close()
    assert [result.answer for result in results] == [190, 190], results[0].error


# 4. A deep chain of folders ended the container, and on the host the process that removed it.


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
async def test_4_a_chain_of_folders_is_capped_and_cleaned() -> None:
    async with DockerSandbox(run="test-chain", spares=0, jobs=1, nested=1) as narrow:
        worker = await narrow.open(
            design("""
            import os
            def solve(task):
                found = os.listdir()
                try:
                    for depth in range(3000):
                        os.mkdir("d")
                        os.chdir("d")
                except OSError:
                    return [found, depth]
            """)
        )
        results = [await worker.run(job(), Model()) for _ in range(5)]  # two places, each twice
        await worker.close()
    assert [result.answer for result in results] == [[[], 255]] * 5, results[0].error


EMPTYING = """
import os, sys
sys.path.insert(0, sys.argv[1])
from runner.slots import _emptied

sys.setrecursionlimit(120)  # a recursive clean-up of 250 folders would end here
os.chdir(sys.argv[2])
for _ in range(250):
    os.mkdir("d")
    os.chdir("d")
print(_emptied(sys.argv[2]), os.listdir(sys.argv[2]))
"""


def test_4_the_clean_up_does_not_recurse(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", EMPTYING, str(asset("sandbox") / "image"), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("True []\n", "")


def test_4_the_host_never_cleans_up_after_a_design() -> None:
    """No design writes on the host; what is removed there is what we made ourselves.

    That is, building an image, and an attack of our own that has succeeded.
    """
    folder = Path(metasearch.sandbox.__path__[0])
    removing = {"rmtree", "removedirs", "rmdir", "TemporaryDirectory"}
    found = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
        and getattr(node, "attr", getattr(node, "id", "")) in removing
    }
    assert found <= {"image.py", "base_image.py", "proof.py"}


# 5. A PID 1 that does not collect orphans: zombies used up the uid's share of processes.


@pytest.mark.docker
def test_5_orphans_are_collected_and_their_uid_can_fork_again() -> None:
    seen = as_init("""
        import resource
        def daemons():
            for _ in range(30):
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(30)
                    os._exit(0)
        slots = Slots(UID, 4)
        rounds = []
        for _ in range(3):
            slot = 2
            os.waitpid(forked(daemons, UID + slot), 0)
            before = len(of_uid(UID + slot))
            until = time.monotonic() + 10
            slots.give_back(slot)
            while slot in slots.dirty and time.monotonic() < until:
                time.sleep(0.02)
                slots.clean(time.monotonic())
            rounds.append([before, of_uid(UID + slot)])
        said(rounds)
    """)
    assert seen == [[30, []]] * 3


# 6. Killed processes need time to die: waiting two seconds for them stalled every other job.


@pytest.mark.docker
def test_6_a_place_whose_process_is_slow_to_die_holds_up_nobody() -> None:
    seen = as_init("""
        def server():
            job = forked(lambda: time.sleep(60), UID + slot)
            os.write(begun, b"1")
            time.sleep(3.0)  # busy elsewhere: the dead job stays in the table of processes
            os.waitpid(job, 0)
            time.sleep(60)
        slots = Slots(UID, 4)
        slot = slots.take()
        begin, begun = os.pipe()
        forked(server)
        os.read(begin, 1)
        start = time.monotonic()
        slots.give_back(slot)
        took = time.monotonic() - start
        aside = slot in slots.dirty
        others = {slots.take(), slots.take(), slots.take()}
        none_left = slots.take() is None
        while slot in slots.dirty and time.monotonic() < start + 20:
            time.sleep(0.05)
            slots.clean(time.monotonic())
        said([took < 1.0, aside, sorted(others | {slot}), none_left, slots.take() == slot])
    """)
    assert seen == [True, True, [0, 1, 2, 3], True, True]


# 7. PID 1 was starved by its own children until they ran with less priority.


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
async def test_7_and_9_a_job_gives_way_and_dies_first(sandbox: DockerSandbox) -> None:
    """Also 9: the score for dying first could not be written once a process was closed."""
    worker = await sandbox.open(
        design("""
        import os
        def solve(task):
            tried = []
            for attempt in (lambda: os.nice(-5), lambda: write("0"), lambda: write("-1000")):
                try:
                    attempt()
                    tried.append("done")
                except OSError as error:
                    tried.append(type(error).__name__)
            with open("/proc/self/oom_score_adj") as file:
                return [os.nice(0), int(file.read()), tried]
        def write(score):
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write(score)
        """)
    )
    result = await worker.run(job(), Model())
    await worker.close()
    assert result.answer == [15, 1000, ["PermissionError"] * 3], result.error


# 8. Prints were lost, because ending a process at once flushes nothing.


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("end", ["return 'x'", "raise ValueError('x')"])
async def test_8_what_was_printed_before_the_end_is_kept(sandbox: DockerSandbox, end: str) -> None:
    worker = await sandbox.open(
        design(f"""
        import sys
        def solve(task):
            print("with newline")
            sys.stdout.write("no newline")
            print("to the errors", file=sys.stderr, end=";", flush=False)
            sys.__stdout__.write("the first stream;")
            {end}
        """)
    )
    result = await worker.run(job(), Model())
    await worker.close()
    assert result.stdout == "with newline\nno newlineto the errors;the first stream;"
    assert result.outcome is (Outcome.ANSWERED if "return" in end else Outcome.CRASHED)
