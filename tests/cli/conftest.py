from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metasearch.cli.app import app
from metasearch.cli.settings import FLAGS

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the user's own archive, key, variables or search.toml."""
    for name in (*(flag.variable for flag in FLAGS), "OPENAI_API_KEY", "METASEARCH_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("METASEARCH_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def invoke() -> Invoke:
    """Run a command line in this process and return its streams and exit code."""

    def run(*arguments: str | int) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run
