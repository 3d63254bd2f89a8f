from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from metasearch.cli.base import App, Verb
from metasearch.errors import BudgetExhausted, ConfigError, SandboxUnavailable
from tests.cli.conftest import Invoke


def _app(error: BaseException | int) -> App:
    @click.command(cls=Verb)
    def go() -> int:
        if isinstance(error, BaseException):
            raise error
        return error

    return App("app", commands=[go], chapters={"All": ("go",)})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (0, 0),
        (1, 1),
        (ConfigError("x.toml:3: no"), 2),
        (click.BadParameter("no"), 2),
        (BudgetExhausted("$1 is spent"), 3),
        (SandboxUnavailable("start Docker"), 4),
        (OSError(errno.ENOSPC, "No space left on device", "/a/archive.db"), 4),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("division by zero"), 70),
        (BrokenPipeError(), 0),
    ],
)
def test_every_end_has_its_exit_code(error: BaseException | int, code: int) -> None:
    assert CliRunner().invoke(_app(error), ["go"]).exit_code == code


def test_a_users_error_is_one_line_on_stderr() -> None:
    result = CliRunner().invoke(_app(ConfigError("x.toml:3: unknown key a.b")), ["go"])
    assert result.stdout == ""
    assert result.stderr == "error: x.toml:3: unknown key a.b\n"


def test_a_full_disk_names_the_file() -> None:
    fault = OSError(errno.ENOSPC, "No space left on device", "/a/archive.db")
    assert "the disk is full (/a/archive.db)" in CliRunner().invoke(_app(fault), ["go"]).stderr


def test_a_fault_of_ours_keeps_its_traceback_in_a_file_and_says_where() -> None:
    result = CliRunner().invoke(_app(ZeroDivisionError("division by zero")), ["go"])
    assert "Traceback" not in result.stderr
    path = Path(result.stderr.partition("traceback is in ")[2].partition(";")[0])
    assert "ZeroDivisionError: division by zero" in path.read_text()
    path.unlink()


def test_debug_shows_the_traceback_and_only_then() -> None:
    app = _app(ConfigError("no"))
    assert "Traceback" in CliRunner().invoke(app, ["go", "--debug"]).stderr
    assert "Traceback" not in CliRunner().invoke(app, ["go"]).stderr


def test_an_unknown_command_or_option_suggests_the_near_one(invoke: Invoke) -> None:
    assert "Did you mean 'run'?" in invoke("rnu").stderr
    wrong = invoke("run", "--modle", "x")
    assert "--model" in wrong.stderr
    assert wrong.exit_code == 2


def test_a_wrong_variable_is_named(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METASEARCH_USD", "ten")
    result = invoke("run")
    assert result.exit_code == 2
    assert "METASEARCH_USD" in result.stderr


def test_without_a_command_the_help_is_shown(invoke: Invoke) -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Examples:" in result.stderr


def test_a_reader_that_has_enough_is_no_error() -> None:
    head = f"{sys.executable} -m metasearch init --list | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", head], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
