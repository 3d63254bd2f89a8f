"""Which tests can run here: what is missing is left out and named at the end, or is a failure.

METASEARCH_REQUIRE=docker,wasm,local,tasks,postgres turns each named part from "left out" into a
failure, so that continuous integration cannot pass by skipping.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import postgres

HOW = {
    "docker": "start a Docker engine and run `metasearch image build`",
    "wasm": "pip install 'metasearch[wasm]'",
    "local": "pip install 'metasearch[local]' and run `metasearch local fetch`",
    "tasks": "pip install 'metasearch[tasks]'",
    "postgres": "apt-get install postgresql and pip install 'metasearch[postgres]'",
}
_left_out: Counter[str] = Counter()


def _docker() -> str:
    from metasearch.sandbox.docker import DockerSandbox

    return asyncio.run(DockerSandbox.available())


def _wasm() -> str:
    from metasearch.sandbox.wasm import WasmSandbox

    return asyncio.run(WasmSandbox.available())


def _local() -> str:
    from metasearch.gateway import local

    return local.available()


def _tasks() -> str:
    return "" if importlib.util.find_spec("reasoning_gym") else "reasoning-gym is not installed"


PROBES = {
    "docker": _docker,
    "wasm": _wasm,
    "local": _local,
    "tasks": _tasks,
    "postgres": postgres.available,
}


@cache
def _missing(part: str) -> str:
    return PROBES[part]()


def _required() -> set[str]:
    parts = {part for part in os.environ.get("METASEARCH_REQUIRE", "").split(",") if part}
    if unknown := parts - set(HOW):
        raise pytest.UsageError(f"METASEARCH_REQUIRE names {unknown}; known: {', '.join(HOW)}")
    return parts


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    required = _required()
    kept, dropped = [], []
    for item in items:
        parts = [part for part in HOW if item.get_closest_marker(part)]
        missing = [part for part in parts if part not in required and _missing(part)]
        _left_out.update(missing[:1])
        (dropped if missing else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for part in _required():
        if item.get_closest_marker(part) and _missing(part):
            pytest.fail(f"METASEARCH_REQUIRE names {part}, but: {_missing(part)}", pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker of pytest-xdist say what it left out; each has collected all tests."""
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["left_out"] = dict(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker has left out."""
    _left_out.update(Counter(getattr(node, "workeroutput", {}).get("left_out", {})) - _left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for part, count in _left_out.items():
        terminalreporter.write_line(
            f"left out: {count} tests of {part!r} ({_missing(part)}). To include them: {HOW[part]}"
        )


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive without rows: to copy it is ten times quicker than to run the migrations."""
    from metasearch.archive import Archive

    made = tmp_path_factory.mktemp("archive") / "blank.db"
    Archive.open(made).close()
    return made


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server of this session; a test that asks for it has the marker `postgres`."""
    with postgres.Server() as started:
        yield started


@pytest.fixture(scope="session")
def blank_database(server: postgres.Server) -> str:
    """The same archive without rows on the server; the name of its database."""
    from metasearch.archive import Archive

    name = server.database()
    Archive.open(server.url(name)).close()
    return name


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of an archive on both databases, and one that asks for its `file` on SQLite."""
    both = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
    for name in ("place", "nowhere"):
        if name in metafunc.fixturenames:
            kinds = both[:1] if "file" in metafunc.fixturenames else both
            metafunc.parametrize(name, kinds, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, blank: Path) -> Iterator[str]:
    """An archive without rows, as `--archive` takes it."""
    if request.param == "sqlite":
        yield str(shutil.copy(blank, tmp_path / "archive.db"))
        return
    started: postgres.Server = request.getfixturevalue("server")
    name = started.database(request.getfixturevalue("blank_database"))
    yield started.url(name)
    started.drop(name)


@pytest.fixture
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an archive can be made, as `--archive` takes it: a new folder, or an empty database."""
    if request.param == "sqlite":
        yield str(tmp_path / "new" / "archive.db")
        return
    started: postgres.Server = request.getfixturevalue("server")
    name = started.database()
    yield started.url(name)
    started.drop(name)


@pytest.fixture
def unprotected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole searches run our own designs in this process: quick, and no sandbox is needed."""
    from metasearch.testing.fake_sandbox import FakeSandbox

    async def open_fake(*_: Any, **__: Any) -> FakeSandbox:
        return FakeSandbox()

    async def believe(_: object) -> None:
        return None

    monkeypatch.setattr("metasearch.search.launch.open_sandbox", open_fake)
    monkeypatch.setattr("metasearch.search.launch.prove", believe)
