"""The engine fails in the middle: one line that names it, nothing scored, and the search goes on.

All of it through a proxy, so that the engine that everybody uses stays as it is.
"""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import metasearch.sandbox
from metasearch.archive import Archive
from metasearch.assets import asset
from metasearch.cli.app import app
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import docker as module
from metasearch.sandbox import image
from metasearch.sandbox.docker import DockerSandbox
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.types import Outcome, Split
from tests.cli.test_run import configure
from tests.e2e.scripted import script
from tests.sandbox.docker_stage import Model, containers, job, many
from tests.sandbox.engine_proxy import EngineProxy

FULL = "write /var/lib/docker/overlay2/x/lower: no space left on device"
ASKING = """
from agentkit import Agent
async def solve(task):
    first = await Agent("a").ask(task.prompt, "first")
    second = await Agent("b").ask(task.prompt, "second")
    return task.prompt + first.text + second.text
"""


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProxy]:
    with EngineProxy(tmp_path) as between:
        monkeypatch.setenv("DOCKER_HOST", between.address)
        yield between


# the engine restarts


@pytest.mark.docker
async def test_jobs_go_on_after_the_engine_was_restarted(proxy: EngineProxy) -> None:
    async with DockerSandbox(run="test-restart") as sandbox:
        worker = await sandbox.open(ASKING)

        class Restarting(Model):
            down = False

            async def __call__(self, body: dict[str, object]) -> dict[str, object]:
                if "second" in str(body) and not self.down:
                    self.down = True
                    proxy.down()
                    asyncio.get_running_loop().call_later(1.5, proxy.up)
                return await super().__call__(body)

        model = Restarting(seconds=0.1)
        results = await many(worker, 4, model)
        assert [result.outcome for result in results] == [Outcome.ANSWERED] * 4
        assert [result.answer for result in results] == [f"{n}okok" for n in range(4)]
        assert model.calls <= 4 + 2 * 4  # what was answered before is remembered
        assert (await worker.run(job("later"), Model())).answer == "laterokok"
        run = sandbox._run
    assert containers(run=run) == []


@pytest.mark.docker
def test_a_search_whose_engine_goes_away_ends_with_4_and_can_be_resumed(
    proxy: EngineProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("METASEARCH_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.0)
    asked = 0

    def react(request: dict[str, object]) -> str:
        nonlocal asked
        asked += 1
        if asked == 12:
            proxy.down()
        return script(request)

    with ScriptedEndpoint(react) as endpoint:
        configure(endpoint.base_url)
        assert _exit_code("run", "--sandbox", "docker") == 4
        said = capsys.readouterr().err
        errors = [line for line in said.splitlines() if line.startswith("error:")]
        assert len(errors) == 1
        assert f"no Docker engine answers at {proxy.address}" in errors[0]
        with Archive.open(tmp_path / "archive.db") as archive:
            assert all(one.outcome is Outcome.ANSWERED for one in archive.evaluations("sums"))
        proxy.up()
        assert _exit_code("resume") == 0, capsys.readouterr().err
    with Archive.open(tmp_path / "archive.db") as archive:
        rows = archive.evaluations("sums")
        assert len({(row.design_id, row.task_id, row.repeat) for row in rows}) == len(rows)
        assert {row.outcome for row in rows if row.split is Split.VALIDATION} == {Outcome.ANSWERED}
        assert archive.spent("sums").calls <= asked  # nothing was paid twice


def test_without_an_engine_nothing_is_asked_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("METASEARCH_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with ScriptedEndpoint(script) as endpoint:
        configure(endpoint.base_url)
        assert _exit_code("run", "--sandbox", "docker") == 4
        assert endpoint.served.requests <= 2  # the check of key, address and model
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "docker: no Docker engine answers at" in errors[0]
    assert "never run unprotected" in errors[0]


def _exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app.main([*arguments])
    return int(ended.value.code or 0)


# the engine's disk


@pytest.mark.docker
async def test_a_full_disk_under_the_engine_is_named(proxy: EngineProxy) -> None:
    proxy.refusals["POST .*/containers/create"] = FULL
    async with DockerSandbox(run="test-full", spares=0) as sandbox:
        with pytest.raises(SandboxUnavailable) as refused:
            await sandbox.open(ASKING)
        assert f"the disk of the Docker engine at {proxy.address} is full" in str(refused.value)
        assert "docker system prune" in str(refused.value)
        assert "\n" not in str(refused.value)
        proxy.refusals.clear()  # somebody has made room
        worker = await sandbox.open(ASKING)
        assert (await worker.run(job(), Model())).answer == "pokok"
        await worker.close()


@pytest.mark.docker
async def test_a_container_that_can_be_made_but_not_started_does_not_stay(
    proxy: EngineProxy,
) -> None:
    proxy.refusals["POST .*/start"] = FULL
    async with DockerSandbox(run="test-unstarted", spares=0) as sandbox:
        with pytest.raises(SandboxUnavailable, match="disk of the Docker engine"):
            await sandbox.open(ASKING)
        assert containers(run=sandbox._run) == []


@pytest.mark.docker
def test_a_full_disk_while_the_image_is_built_is_named(proxy: EngineProxy) -> None:
    proxy.refusals["POST .*/build"] = FULL
    with pytest.raises(SandboxUnavailable, match=r"disk of the Docker engine.*system prune"):
        image.build(image.OFFLINE, force=True)


# no permission

ASK_AS_NOBODY = """
import asyncio, os, sys
from metasearch.sandbox.docker import DockerSandbox
import docker.transport, encodings.idna
os.environ["DOCKER_HOST"] = "unix://" + sys.argv[1]
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(61235, 61235, 61235)
    os.setresuid(61235, 61235, 61235)
print(asyncio.run(DockerSandbox.available()))
"""


@pytest.mark.docker
def test_a_user_who_may_not_open_the_socket_is_told_so(proxy: EngineProxy, tmp_path: Path) -> None:
    path = Path(proxy.address.removeprefix("unix://"))
    path.chmod(0)
    ran = subprocess.run(
        [sys.executable, "-c", ASK_AS_NOBODY, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == (
        f"the Docker engine at unix://{path} refuses this user; join the group docker "
        "(sudo usermod -aG docker $USER, then log in again)\n"
    )


# clocks


def test_no_limit_of_the_sandbox_hangs_on_a_clock_that_can_be_set() -> None:
    """A wall clock that jumps can neither end a job nor let it run on."""
    folders = [Path(metasearch.sandbox.__path__[0]), asset("sandbox") / "image" / "runner"]
    found = {
        path.name
        for folder in folders
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and (node.attr in ("now", "utcnow") or ast.unparse(node) == "time.time")
    }
    assert found <= {"image.py", "wasm_image.py"}  # how old an image, or a file in the cache, is


@pytest.mark.docker
async def test_a_clock_that_jumps_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    async with DockerSandbox(run="test-clock", spares=0, lease_seconds=60.0) as sandbox:
        worker = await sandbox.open(ASKING)
        real, jumps = time.time, 0

        def jumping() -> float:
            nonlocal jumps
            jumps += 1
            return real() + (-1) ** jumps * 10 * 86_400

        monkeypatch.setattr(time, "time", jumping)
        results = await many(worker, 4, Model(seconds=0.2))
        await worker.close()
    assert [result.answer for result in results] == [f"{n}okok" for n in range(4)]
    assert all(0.3 < result.seconds < 30.0 for result in results)
