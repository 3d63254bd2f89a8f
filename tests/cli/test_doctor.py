from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metasearch.cli import checks, doors
from metasearch.cli.finding import Check
from tests.cli.conftest import Invoke
from tests.cli.test_plan import endpoint


def _checks(invoke: Invoke, *arguments: str) -> dict[str, Any]:
    result = invoke("doctor", "--json", *arguments)
    data = json.loads(result.stdout)
    assert data["schema"] == 1
    return {check["name"]: check for check in data["checks"]} | {"exit": result.exit_code}


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
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_local_model", lambda: Check("local model", "warn", "no file"))
    monkeypatch.setattr(doors, "_docker", lambda: Check("docker", "ok", "yes"))
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
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, status: int, body: str, level: str, text: str
) -> None:
    monkeypatch.setattr(doors, "_docker", lambda: Check("docker", "ok", "yes"))
    with endpoint(status, body) as url:
        found = _checks(invoke, "--base-url", url)
    assert found["endpoint"]["level"] == level
    assert text in found["endpoint"]["text"]


def test_nobody_at_the_address_is_said(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "_docker", lambda: Check("docker", "ok", "yes"))
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
