from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metasearch.cli.app import app
from metasearch.cli.settings import FLAGS
from tests.cli.archives import build

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


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "archive.db"
    build(path)
    return path


@pytest.fixture
def archive(_made: Path, tmp_path: Path) -> Path:
    """Return a copy of the archive of `tests.cli.archives`; METASEARCH_ARCHIVE names it."""
    path = tmp_path / "archive.db"
    shutil.copy(_made, path)
    return path
