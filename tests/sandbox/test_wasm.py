from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import wasm_image, wasm_prepare
from metasearch.sandbox.base import Job, JobResult, Limits
from metasearch.sandbox.conversation import converse, no_model
from metasearch.sandbox.wasm import WasmSandbox
from metasearch.sandbox.wasm_process import Interpreter
from metasearch.testing.scripted import HEALTHY, ScriptedModel, dedented, run
from metasearch.types import Outcome

pytestmark = [pytest.mark.wasm]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[WasmSandbox]:
    async with WasmSandbox(parallel=4, spare=1) as opened:
        yield opened


def children(of: int) -> list[int]:
    """Pids of the interpreters that a process has started and that still live."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            status = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ours = b"wasm_child.py" in command and str(of).encode() in command.split(b"\0")
        if ours and status[0] != "Z":
            found.append(int(entry.name))
    return found


async def nested_never(code: str, limits: Limits) -> JobResult:
    raise AssertionError


# what is inside


async def test_the_guest_finds_nothing_but_its_library(sandbox: WasmSandbox) -> None:
    source = """
        import os, sys
        def solve(task):
            seen = []
            for path in ("/", ".", "/etc", "/proc", "/dev", "/tmp", "/usr/local/lib/python3.12"):
                try:
                    seen.append([path, len(os.listdir(path))])
                except OSError:
                    pass
            return [dict(os.environ), sys.argv, sys.platform, seen, os.path.exists("/proc/self")]
    """
    environment, argv, platform, seen, proc = (await run(sandbox, dedented(source))).answer
    assert (environment, argv, platform, proc) == ({}, ["-c"], "wasi", False)
    assert [path for path, _ in seen] == ["/usr/local/lib/python3.12"]


async def test_sets_are_ordered_alike_in_every_job(sandbox: WasmSandbox) -> None:
    source = "def solve(task):\n    return list({f'word {i}' for i in range(50)})"
    one, two = [(await run(sandbox, source)).answer for _ in range(2)]
    assert one == two


async def test_designs_find_their_modules_imported(sandbox: WasmSandbox) -> None:
    source = """
        import time
        start = time.perf_counter()
        import asyncio, collections, dataclasses, datetime, decimal, json, math, random, statistics
        def solve(task):
            return time.perf_counter() - start
    """
    assert (await run(sandbox, dedented(source))).answer < 0.05


# processes


@linux
async def test_every_job_has_a_process_of_its_own_and_none_is_left() -> None:
    seen: set[int] = set()

    async def model(body: dict[str, object]) -> dict[str, object]:
        await asyncio.sleep(0.05)
        seen.update(children(os.getpid()))
        return {"text": "ok", "finish": "stop"}

    source = """
        from agentkit import Agent
        async def solve(task):
            return (await Agent("a").ask("x")).text
    """
    async with WasmSandbox(parallel=4, spare=1) as sandbox:
        jobs = [run(sandbox, dedented(source), model) for _ in range(6)]
        assert {result.answer for result in await asyncio.gather(*jobs)} == {"ok"}
    assert len(seen) >= 6
    assert children(os.getpid()) == []


@linux
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_interpreter_outlives_a_killed_host(end: signal.Signals) -> None:
    program = """
        import asyncio
        from metasearch.sandbox.wasm import WasmSandbox
        from metasearch.sandbox.base import Job
        async def main():
            async with WasmSandbox(parallel=2, spare=2) as sandbox:
                worker = await sandbox.open("def solve(task):\\n    while True: pass")
                job = asyncio.ensure_future(worker.run(Job({}), None))
                await asyncio.sleep(0.3)
                print("running", flush=True)
                await job
        asyncio.run(main())
    """
    host = subprocess.Popen([sys.executable, "-c", dedented(program)], stdout=subprocess.PIPE)
    assert host.stdout is not None
    try:
        assert host.stdout.readline() == b"running\n"
        assert children(host.pid)
    finally:
        host.send_signal(end)
        host.communicate()
    until = time.monotonic() + 5
    while children(host.pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert children(host.pid) == []


@linux
async def test_a_child_killed_from_outside_is_not_the_designs_fault(sandbox: WasmSandbox) -> None:
    source = """
        import time
        from agentkit import Agent
        async def solve(task):
            await Agent("a").ask("x")
            time.sleep(30)
    """
    worker = await sandbox.open(dedented(source))
    model = ScriptedModel()
    running = asyncio.ensure_future(worker.run(Job({}), model))
    while not model.bodies:
        await asyncio.sleep(0.01)
    for pid in children(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    result = await asyncio.wait_for(running, 10)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "SIGKILL" in result.error
    # The spares were killed too: a job that has not begun is given another.
    assert (await run(sandbox, HEALTHY)).outcome is Outcome.ANSWERED


@linux
async def test_ctrl_c_in_the_terminal_does_not_reach_a_child(sandbox: WasmSandbox) -> None:
    await sandbox.open(HEALTHY)
    pids = children(os.getpid())
    assert pids
    assert all(os.getsid(pid) != os.getsid(0) for pid in pids)


async def test_a_child_ends_by_itself_when_the_host_is_silent() -> None:
    image = await wasm_image.prepare()
    alive: set[Interpreter] = set()
    interpreter = await Interpreter.start(image, 64 << 20, 5.0, alive=alive)
    transport = interpreter._transport
    assert transport is not None
    stdin = transport.get_pipe_transport(0)
    assert stdin is not None
    stdin.close()
    await asyncio.wait_for(interpreter.gone(), 5)
    assert transport.get_returncode() == 0
    assert alive == set()


async def test_a_child_ends_a_loop_that_its_host_forgets() -> None:
    image = await wasm_image.prepare()
    interpreter = await Interpreter.start(image, 64 << 20, 0.4, alive=set())
    loop = "def solve(task):\n    while True: pass"
    job = Job({}, limits=Limits(active_seconds=60.0))
    try:
        result = await converse(interpreter, loop, job, no_model, nested_never)
    finally:
        interpreter.end("the test is over")
        await interpreter.gone()
    assert result.outcome is Outcome.TIMED_OUT
    assert "processor time" in result.error
    assert result.seconds < 10


async def test_memory_is_capped_by_the_jobs_own_limit(sandbox: WasmSandbox) -> None:
    source = "def solve(task):\n    return len(bytearray(100 << 20))"
    assert (await run(sandbox, source, memory_mib=128)).answer == 100 << 20
    assert (await run(sandbox, source, memory_mib=64)).outcome is Outcome.OUT_OF_MEMORY


async def test_a_stack_too_deep_is_the_designs_fault(sandbox: WasmSandbox) -> None:
    source = """
        def solve(task):
            return sorted(range(900), key=lambda x: deeper(x, 400))
        def deeper(x, n):
            return sorted([1], key=lambda y: deeper(x, n - 1))[0] if n else x
    """
    result = await run(sandbox, dedented(source))
    assert result.outcome is Outcome.CRASHED
    assert "recursion" in result.error


async def test_many_jobs_wait_their_turn_and_nested_ones_never_block() -> None:
    source = """
        from agentkit import run_code
        async def solve(task):
            return (await run_code("6 * 7")).value
    """
    async with WasmSandbox(parallel=2, spare=1) as sandbox:
        results = await asyncio.gather(*(run(sandbox, dedented(source)) for _ in range(8)))
    assert [result.answer for result in results] == [42] * 8


async def test_a_closed_sandbox_says_so() -> None:
    sandbox = WasmSandbox()
    await sandbox.close()
    await sandbox.close()
    with pytest.raises(SandboxUnavailable, match="closed"):
        await sandbox.open(HEALTHY)


async def test_closing_ends_jobs_that_wait_for_an_interpreter() -> None:
    sandbox = WasmSandbox(parallel=1, spare=0)
    worker = await sandbox.open("import time\ndef solve(task):\n    time.sleep(30)")
    jobs = [asyncio.ensure_future(worker.run(Job({}), ScriptedModel())) for _ in range(3)]
    await asyncio.sleep(0.3)
    await asyncio.wait_for(sandbox.close(), 10)
    results = await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 10)
    for result in results:
        closed = isinstance(result, SandboxUnavailable)
        assert closed or (
            isinstance(result, JobResult) and result.outcome is Outcome.INFRASTRUCTURE
        )


# the prepared files


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    asyncio.run(wasm_image.prepare(cache))
    return cache


@pytest.fixture
def cache(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "cache"))


async def test_preparing_happens_once(cache: Path) -> None:
    before = {path: path.stat().st_ino for path in cache.iterdir()}
    assert {path.suffix for path in before} == {".code", ".memory", ".json"}
    image = await wasm_image.prepare(cache)
    assert {path: path.stat().st_ino for path in cache.iterdir()} == before
    assert image.sha256 == wasm_image.MODULE_SHA256


@pytest.mark.parametrize(("which", "damage"), [("*.code", "garbage"), ("*.memory", "cut")])
async def test_damaged_files_are_made_anew(cache: Path, which: str, damage: str) -> None:
    (path,) = cache.glob(which)
    data = path.read_bytes()
    path.write_bytes(data[:-5000] if damage == "cut" else b"x" * 10_000)
    async with WasmSandbox(parallel=1, spare=0, cache=cache) as sandbox:
        assert (await run(sandbox, HEALTHY)).outcome is Outcome.ANSWERED


async def test_files_that_nobody_opens_any_more_are_removed(cache: Path) -> None:
    days = wasm_image.KEPT_DAYS
    ages = {"old.memory": days + 1, "old.code": days + 1, "young.memory": days - 1}
    for name, age in {**ages, "old.code.7.part": 0.01, "young.code.8.part": 0.001}.items():
        path = cache / f"wasm-{name}"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age * 86_400,) * 2)
    image = await wasm_image.prepare(cache)
    left = {path.name for path in cache.iterdir()}
    young = {"wasm-young.memory", "wasm-young.code.8.part"}
    assert left == {image.code.name, image.memory.name, "wasm-module.json", *young}


@linux
async def test_preparing_ends_with_its_host(tmp_path: Path) -> None:
    program = (
        "import asyncio; from pathlib import Path; from metasearch.sandbox import wasm_image;"
        f"asyncio.run(wasm_image.prepare(Path({str(tmp_path)!r})))"
    )
    host = subprocess.Popen([sys.executable, "-c", program])
    while not preparers(host.pid):
        assert host.poll() is None
        await asyncio.sleep(0.01)
    host.kill()
    host.wait()
    for _ in range(200):
        if not preparers(host.pid):
            break
        await asyncio.sleep(0.01)
    assert not preparers(host.pid)
    assert not list(tmp_path.glob("*.code"))


def preparers(of: int) -> list[int]:
    """Pids of the living processes that a process has started to prepare the files."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if str(of).encode() in command and any(b"wasm_prepare.py" in one for one in command):
                found.append(int(entry.name))
    return found


async def test_a_cache_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    with pytest.raises(SandboxUnavailable, match="cannot write") as caught:
        await wasm_image.prepare(blocked / "cache")
    assert "\n" not in str(caught.value)


async def test_another_module_is_refused_unless_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known = wasm_image._module()
    other = tmp_path / "other.wasm"
    other.write_bytes(known.read_bytes() + b"\x00\x05\x04note")  # an empty custom section
    with monkeypatch.context() as patch:
        patch.setattr(wasm_image, "_module", lambda: other)
        with pytest.raises(SandboxUnavailable, match=r"sha256 .* not e5dc5a39"):
            await wasm_image.prepare(cache)
    monkeypatch.setenv(wasm_image.MODULE_VARIABLE, str(other))
    async with WasmSandbox(parallel=1, spare=0, cache=cache) as sandbox:
        told = await sandbox.describe()
    assert told["module_known"] is False
    assert told["module_sha256"] != wasm_image.MODULE_SHA256
    assert str(told["module_sha256"]) in caplog.text


@pytest.mark.parametrize("content", [b"", b"\0asm\1\0\0\0", b"not wasm at all" * 100])
async def test_a_file_that_is_no_interpreter_is_told(
    content: bytes, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.wasm"
    other.write_bytes(content)
    monkeypatch.setenv(wasm_image.MODULE_VARIABLE, str(other))
    with pytest.raises(SandboxUnavailable, match=r"other\.wasm") as caught:
        await wasm_image.prepare(cache)
    assert "\n" not in str(caught.value)
    assert not list(cache.glob("*.part"))


async def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wasm_image.MODULE_VARIABLE, "/nowhere/python.wasm")
    assert "/nowhere/python.wasm" in await WasmSandbox.available()
    monkeypatch.delenv(wasm_image.MODULE_VARIABLE)
    monkeypatch.setattr(wasm_image, "_PACKAGE", "no-such-package")
    assert "metasearch[wasm]" in await WasmSandbox.available()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "wasmtime is not installed" in await WasmSandbox.available()


def test_the_guard_of_start_is_found_and_the_stack_pointer_exported() -> None:
    import wasmtime

    raw = wasm_image._module().read_bytes()
    guard = wasm_prepare.guard_of_start(raw)
    assert guard is not None
    assert guard % 4 == 0
    changed = wasm_prepare.exporting_stack_pointer(raw)
    assert 0 < len(changed) - len(raw) < 40
    wasmtime.Module.validate(wasmtime.Engine(), changed)
