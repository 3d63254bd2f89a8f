"""A model's program on the user's machine: its own process, no environment, an end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from metasearch.export.parts.code import run_here
from metasearch.export.sources import child

CHILD = child()


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("answer = 2 + 3", 5),
        ("x = 2\nx + 3", 5),
        ("print(1)\nprint('five')", "five"),
        ("answer = {'a': [1, None, 2.5]}", {"a": [1, None, 2.5]}),
        ("answer = {1, 2}", "{1, 2}"),
        ("pass", None),
        ("def f(n):\n    return n and f(n - 1)\nf(50)", 0),
        ("import sys\nanswer = sys.stdin.read()", ""),
        ("answer = 'ü✓'", "ü✓"),
    ],
)
async def test_the_value_is_found_as_in_the_sandbox(code: str, value: object):
    assert (await run_here(CHILD, code, 5.0)) | {"stdout": ""} == {
        "value": value,
        "stdout": "",
        "error": "",
    }


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("answer =", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("import os; os._exit(0)", "the program ended the interpreter"),
        ("import os; os.write(1, b'x' * 3_000_000); os._exit(0)", "ended the interpreter"),
        ("x = 'x' * (2 << 30)", "ended the interpreter"),
    ],
)
async def test_what_fails_is_told_and_not_raised(code: str, says: str):
    result = await run_here(CHILD, code, 10.0)
    assert says in result["error"]
    assert result.get("value") is None


async def test_it_is_stopped_after_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metasearch.export.parts.code.START_SECONDS", 1.0)
    start = time.monotonic()
    result = await run_here(CHILD, "while True: pass", 0.1)
    assert result == {"error": "stopped after 0.1 seconds"}
    assert time.monotonic() - start < 10


async def test_it_sees_neither_keys_nor_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.chdir(tmp_path)
    code = "import os\nanswer = [dict(os.environ), os.listdir(), os.getcwd()]"
    variables, files, folder = (await run_here(CHILD, code, 5.0))["value"]
    assert set(variables) <= {"LC_CTYPE", "SYSTEMROOT", "__CF_USER_TEXT_ENCODING"}
    assert files == []
    assert folder != str(tmp_path)
    assert not os.path.exists(folder)


async def test_a_flood_of_output_is_cut():
    result = await run_here(CHILD, "for _ in range(10**5): print('x' * 50)\nanswer = 1", 10.0)
    assert result["value"] == 1
    assert len(result["stdout"]) == 16_000
