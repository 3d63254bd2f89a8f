from __future__ import annotations

from typing import Any

import pytest

from metasearch import plugins
from metasearch.errors import ConfigError, SandboxUnavailable
from metasearch.sandbox.choose import open_sandbox


class Stub:
    why_not = ""

    def __init__(self, *, parallel: int = 1) -> None:
        self.parallel = parallel

    @classmethod
    async def available(cls) -> str:
        return cls.why_not


class Docker(Stub):
    pass


class Wasm(Stub):
    pass


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"docker": Docker, "wasm": Wasm}
    monkeypatch.setattr(plugins, "load", lambda group, name: kinds[name])


async def test_docker_where_it_is_there_else_wasm(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(await open_sandbox(), Docker)
    monkeypatch.setattr(Docker, "why_not", "no engine answers")
    assert isinstance(await open_sandbox(), Wasm)
    assert isinstance(await open_sandbox("wasm"), Wasm)


async def test_with_neither_nothing_runs_and_both_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Docker, "why_not", "no engine answers; start one")
    monkeypatch.setattr(Wasm, "why_not", "wasmtime is not installed; pip install it")
    with pytest.raises(SandboxUnavailable) as caught:
        await open_sandbox()
    told = str(caught.value)
    assert "docker: no engine answers; start one" in told
    assert "wasm: wasmtime is not installed; pip install it" in told
    assert "\n" not in told


async def test_a_named_one_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Docker, "why_not", "no engine answers")
    with pytest.raises(SandboxUnavailable, match="docker: no engine") as caught:
        await open_sandbox("docker")
    assert "wasm" not in str(caught.value)


async def test_settings_reach_the_one_that_knows_them() -> None:
    chosen: Any = await open_sandbox("wasm", parallel=7, runtime="runsc")
    assert chosen.parallel == 7


async def test_a_package_that_is_missing_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(group: str, name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(plugins, "load", load)
    with pytest.raises(SandboxUnavailable, match="No module named 'docker'"):
        await open_sandbox()


async def test_an_unknown_name_is_a_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="'podman'"):
        await open_sandbox("podman")
