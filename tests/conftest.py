"""Which tests can run here: what is missing is left out and named at the end, or is a failure.

METASEARCH_REQUIRE=docker,wasm,local,tasks turns each named part from "left out" into a failure, so
that continuous integration cannot pass by skipping.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections import Counter
from functools import cache

import pytest

HOW = {
    "docker": "start a Docker engine and run `metasearch image build`",
    "wasm": "pip install 'metasearch[wasm]'",
    "local": "pip install 'metasearch[local]' and run `metasearch local fetch`",
    "tasks": "pip install 'metasearch[tasks]'",
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


PROBES = {"docker": _docker, "wasm": _wasm, "local": _local, "tasks": _tasks}


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for part, count in _left_out.items():
        terminalreporter.write_line(
            f"left out: {count} tests of {part!r} ({_missing(part)}). To include them: {HOW[part]}"
        )
