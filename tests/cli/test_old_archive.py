"""The archive of an older release: every command can use it, also one that only reads."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from metasearch.archive import migrate
from tests.archive.make_fixture import FOLDER
from tests.cli.conftest import Invoke

OLDER = migrate.revisions()[:-1]


@pytest.fixture(params=OLDER)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An archive with data in it, where METASEARCH_ARCHIVE names it."""
    path = tmp_path / "archive.db"
    with closing(sqlite3.connect(path)) as made:
        made.executescript((FOLDER / f"{request.param}.sql").read_text(encoding="utf-8"))
    return path


@pytest.mark.usefixtures("old")
def test_a_command_that_reads_moves_it_up_and_says_so_once(invoke: Invoke) -> None:
    first, second = invoke("status"), invoke("status")
    assert first.exit_code == second.exit_code == 0
    assert "moved up to the schema of this release" in first.stderr
    assert second.stderr == ""
    assert first.stdout == second.stdout


def test_doctor_leaves_it_as_it_is(invoke: Invoke, old: Path) -> None:
    before = old.read_bytes()
    checks = json.loads(invoke("doctor", "--json", "--offline").stdout)["checks"]
    (found,) = [check for check in checks if check["name"] == "archive"]
    assert found["level"] == "ok"
    assert "of an older release" in found["text"]
    assert old.read_bytes() == before
