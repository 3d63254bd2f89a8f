from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metasearch import plugins
from metasearch.cli import checks, doors
from metasearch.cli.finding import Check
from metasearch.errors import ConfigError
from metasearch.sandbox.base import AnswerCall
from metasearch.sandbox.proof import ATTACKS
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Json
from tests.cli.conftest import Invoke
from tests.cli.test_plan import endpoint


def _checks(invoke: Invoke, *arguments: str) -> dict[str, Any]:
    result = invoke("doctor", "--json", *arguments)
    data = json.loads(result.stdout)
    assert data["schema"] == 1
    return {check["name"]: check for check in data["checks"]} | {"exit": result.exit_code}


class Leaky(FakeSandbox):
    """Holds, but for the attacks named in `leaks`; with `broken`, runs no design at all."""

    leaks: tuple[str, ...] = ()
    broken = False

    def __init__(self) -> None:
        super().__init__(self._play)

    async def _play(self, inputs: dict[str, Json], ask: AnswerCall) -> Json:
        line = str(inputs["prompt"])
        started = {attack: text.partition("{")[0] for attack, text in ATTACKS.items()}
        attack = next((name for name, text in started.items() if line.startswith(text)), None)
        if self.broken or (attack is not None and attack not in self.leaks):
            raise PermissionError("no")
        return "nothing" if attack is None else "done"


def _everywhere(monkeypatch: pytest.MonkeyPatch, kind: type[FakeSandbox]) -> None:
    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda group, name: kind if group == "sandboxes" else load(group, name)
    )


@pytest.fixture
def leaky(monkeypatch: pytest.MonkeyPatch) -> type[Leaky]:
    """Put a sandbox that can be made to leak in the place of every other."""
    _everywhere(monkeypatch, Leaky)
    monkeypatch.setattr(doors, "_docker", lambda: Check("docker", "ok", "yes"))
    monkeypatch.setattr(Leaky, "leaks", ())
    monkeypatch.setattr(Leaky, "broken", False)
    return Leaky


def test_offline_needs_no_network_key_or_engine(invoke: Invoke) -> None:
    found = _checks(invoke, "--offline")
    assert found["exit"] == 0
    assert {"python", "package", "archive", "disk", "clock"} <= found.keys()
    assert not {"docker", "endpoint"} & found.keys()


def test_a_missing_extra_is_a_warning_with_the_command(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(checks.EXTRAS, "wasm", ("no_such_module_here", "a sandbox"))
    found = _checks(invoke, "--offline")
    assert found["extra [wasm]"]["level"] == "warn"
    assert found["extra [wasm]"]["fix"] == "pip install 'metasearch[wasm]'"
    assert found["exit"] == 0


def test_no_model_at_all_fails_with_what_to_do(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, leaky: type[Leaky]
) -> None:
    monkeypatch.setattr(doors, "_local_model", lambda: Check("local model", "warn", "no file"))
    found = _checks(invoke)
    assert found["exit"] == 1
    assert found["model"]["level"] == "fail"
    assert "OPENAI_API_KEY" in found["model"]["fix"]
    assert found["sandbox"]["level"] == "ok"


@pytest.mark.parametrize(
    ("status", "body", "level", "text"),
    [
        (200, '{"data": [{"id": "a"}, {"id": "b"}]}', "ok", "offers 2 models"),
        (401, "{}", "fail", "refuses the key (HTTP 401)"),
        (404, "{}", "fail", "does the address end in /v1?"),
        (500, "oops", "fail", "HTTP 500"),
        (200, "<html>sign in</html>", "fail", "not answer as an OpenAI-compatible endpoint"),
    ],
)
def test_the_endpoint_is_asked_for_its_models(
    invoke: Invoke, leaky: type[Leaky], status: int, body: str, level: str, text: str
) -> None:
    with endpoint(status, body) as url:
        found = _checks(invoke, "--base-url", url)
    assert found["endpoint"]["level"] == level
    assert text in found["endpoint"]["text"]


def test_nobody_at_the_address_is_said(invoke: Invoke, leaky: type[Leaky]) -> None:
    found = _checks(invoke, "--base-url", "http://127.0.0.1:9/v1")
    assert "does not answer" in found["endpoint"]["text"]


def test_lines_say_level_name_and_fix(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.EXTRAS, "tasks", ("no_such_module_here", "tasks"))
    lines = invoke("doctor", "--offline").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "extra [tasks]" in line)
    assert lines[at].startswith("warn extra [tasks]: not installed")
    assert lines[at + 1] == "     -> pip install 'metasearch[tasks]'"


def test_a_damaged_archive_fails(invoke: Invoke) -> None:
    Path("bad.db").write_text("not a database, but long enough to be looked at")
    found = _checks(invoke, "--offline", "--archive", "bad.db")
    assert found["archive"]["level"] == "fail"
    assert found["exit"] == 1


# attacks on the sandbox


def test_a_sandbox_that_holds_is_said_with_what_was_tried(
    invoke: Invoke, leaky: type[Leaky]
) -> None:
    found = _checks(invoke)
    assert found["attacks"]["level"] == "ok"
    assert found["attacks"]["text"].startswith("fake stopped all 5: read a file of the host, ")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("json_too", [(), ("--json",)], ids=["words", "json"])
def test_one_leak_and_nothing_else_is_said(
    invoke: Invoke, leaky: type[Leaky], attack: str, json_too: tuple[str, ...]
) -> None:
    leaky.leaks = (attack,)
    result = invoke("doctor", *json_too)
    assert result.exit_code == 4
    assert result.stdout == ""
    line = result.stderr.rstrip("\n")
    assert "\n" not in line
    assert f"the sandbox fake does not hold: a design in it can {attack}; nothing was run" in line


def test_a_sandbox_in_which_nothing_runs_does_not_seem_to_hold(
    invoke: Invoke, leaky: type[Leaky]
) -> None:
    leaky.broken = True
    found = _checks(invoke)
    assert found["attacks"]["level"] == "fail"
    assert "cannot run a design: PermissionError: no" in found["attacks"]["text"]
    assert found["exit"] == 1


def test_no_design_is_run_in_a_sandbox_that_leaks(
    invoke: Invoke, leaky: type[Leaky], tmp_path: Path
) -> None:
    leaky.leaks = ("open a socket",)
    with endpoint(200, '{"data": [{"id": "a"}]}') as url:
        result = invoke(
            "run", "--base-url", url, "--model", "a", "--allow-unpriced", "--designs", 1
        )
    assert result.exit_code == 4
    assert "the sandbox fake does not hold: a design in it can open a socket" in result.stderr
    shown = json.loads(invoke("top", "--json").stdout)
    assert shown["entries"] == []


def test_this_process_is_a_sandbox_that_leaks(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attacks succeed where nothing stops them: the real code of the five, run unprotected."""
    _everywhere(monkeypatch, FakeSandbox)
    monkeypatch.setattr("os.fork", lambda: 0 / 0)  # of a process with threads it warns
    result = invoke("doctor")
    assert result.exit_code == 4
    told = "can read a file of the host, open a socket, write a file, signal its parent;"
    assert told in result.stderr


def test_an_unknown_sandbox_is_a_wrong_option(invoke: Invoke) -> None:
    result = invoke("doctor", "--sandbox", "podman")
    assert result.exit_code == ConfigError.exit_code
    assert "podman" in result.stderr
