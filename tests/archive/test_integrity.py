"""Backups and check-ups: what is damaged is told, and a copy is whole or not there."""

from __future__ import annotations

import json
import random
import re
import shlex
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from metasearch.archive import Archive
from metasearch.cli.app import app
from metasearch.errors import ArchiveUnavailable, ConfigError
from tests.archive.conftest import Desk, evaluation
from tests.archive.test_durability import child
from tests.postgres import PASSWORD, Server


def test_a_backup_of_a_busy_archive_is_one_moment_of_it(desk: Desk, file: Path, tmp_path: Path):
    writer = child("write_slowly", str(file), "150")
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(0.05)
    copy = tmp_path / "copy.db"
    desk.archive.backup(copy)
    writer.communicate()
    assert writer.returncode == 0
    with Archive.open(copy) as opened:
        assert opened.check() == []
        numbers = [int(event.text) for event in opened.events("s1")]
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) <= 150
    assert len(desk.archive.events("s1")) == 150
    assert not list(tmp_path.glob("*.partial"))


def test_a_backup_is_an_archive(desk: Desk, file: Path, tmp_path: Path):
    desk.evaluate(desk.entry("cot", raw="said"), [1, 0])
    copy = tmp_path / "copy.db"
    desk.archive.backup(copy)
    with Archive.open(copy) as opened:
        assert opened.entries("s1") == desk.archive.entries("s1")
        opened.add_event("s1", "k", "t")


def test_a_backup_replaces_nothing_and_leaves_nothing_behind(
    desk: Desk, file: Path, tmp_path: Path
):
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    with pytest.raises(ConfigError, match="exists already; name another"):
        desk.archive.backup(copy)
    assert copy.read_text() == "mine"
    for target in (tmp_path / "none" / "copy.db", tmp_path / ("x" * 256)):
        with pytest.raises(ArchiveUnavailable, match="nothing was written there"):
            desk.archive.backup(target)
    assert not list(tmp_path.glob("*.partial*"))


def test_a_disk_that_gets_full_under_a_backup_leaves_no_half_file(
    desk: Desk, file: Path, tmp_path: Path
):
    stuffed(desk)
    folder = tmp_path / "backups"
    folder.mkdir()
    size = file.stat().st_size
    assert size > 600_000
    for most in (size // 2, 40_000):
        writer = child("back_up_within", str(file), str(folder / "copy.db"), str(most))
        said = writer.communicate()[0]
        assert writer.returncode == 0
        assert said.startswith(f"backup {folder / 'copy.db'}: its disk fails or is full")
        assert said.endswith("; nothing was written there\n")
        assert list(folder.iterdir()) == []
    desk.archive.backup(folder / "copy.db")
    assert [path.name for path in folder.iterdir()] == ["copy.db"]


def stuffed(desk: Desk) -> None:
    rng = random.Random(1)
    for _ in range(60):
        desk.evaluate(desk.entry(raw=rng.randbytes(10_000).hex()), [1, 0, 1])
    # As after a search: all of it is in the one file.
    with closing(sqlite3.connect(desk.archive.where)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def overwrite_header(file: Path) -> None:
    write_at(file, 0, b"\xa5" * 100)


def overwrite_schema(file: Path) -> None:
    write_at(file, 100, b"\xa5" * 3_000)


def truncate(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2 // 4096 * 4096)


def truncate_in_mid_page(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - 1_000)


def write_at(file: Path, offset: int, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        opened.write(data)


def flip_a_page(file: Path) -> None:
    """Spoil the first page of the table of evaluations."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'evaluation'"
        ((page,),) = database.execute(query)
    write_at(file, (page - 1) * 4096, b"\x5a" * 4096)


QUERY = "SELECT avg(active_seconds) FROM evaluation"
READERS = (["show", "best"], ["archive", "export"], ["archive", "sql", QUERY])


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (overwrite_header, 3),
        (overwrite_schema, 3),
        (truncate, 3),
        (truncate_in_mid_page, 0),  # in the last page is something that these do not read
        (flip_a_page, 2),
    ],
)
def test_a_damaged_archive_is_told_in_one_line_and_left_as_it_is(
    desk: Desk, file: Path, tmp_path: Path, damage: Callable[[Path], None], least: int
):
    stuffed(desk)
    desk.archive.close()
    damage(file)
    before = file.read_bytes()
    copy = tmp_path / "copy.db"
    results = [
        CliRunner().invoke(app, [*command, "--archive", str(file)])
        for command in (["archive", "backup", str(copy)], *READERS)
    ]
    failed = [result for result in results if result.exit_code]
    assert failed[0] is results[0]
    assert len(failed) - 1 >= least
    for result in failed:
        assert result.exit_code == 4
        assert len(result.stderr.splitlines()) == 1
        assert re.search(r"damaged|is not an SQLite database", result.stderr)
        assert re.search(r"restore a backup|\.recover|name another", result.stderr)
    assert not copy.exists()
    result = CliRunner().invoke(app, ["doctor", "--offline", "--archive", str(file), "--json"])
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["archive"]["level"] == "fail"
    assert file.read_bytes() == before


def test_a_damaged_archive_is_not_gone_on_with(desk: Desk, file: Path):
    stuffed(desk)
    desk.archive.close()
    for damage in (truncate, overwrite_header):
        damage(file)
        before = file.read_bytes()
        result = CliRunner().invoke(app, ["resume", "s1", "--archive", str(file)])
        assert result.exit_code == 4
        assert len(result.stderr.splitlines()) == 1
        assert file.read_bytes() == before


def test_check_finds_a_reference_to_nothing(desk: Desk, file: Path):
    entry = desk.entry()
    desk.archive.add_evaluation("s1", entry.id, evaluation(entry))
    with closing(sqlite3.connect(file)) as strange, strange:  # foreign keys are off there
        strange.execute("DELETE FROM design")
    assert sorted(desk.archive.check()) == [
        "entry row 1 points to no row of design",
        "evaluation row 1 points to no row of design",
    ]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (
            "ALTER TABLE event DROP CONSTRAINT fk_event_search_id",
            "event has lost its constraint fk_event_search_id",
        ),
        (
            "ALTER TABLE event DROP CONSTRAINT fk_event_search_id; ALTER TABLE event ADD "
            "CONSTRAINT fk_event_search_id FOREIGN KEY (search_id) REFERENCES search NOT VALID",
            "constraint fk_event_search_id of event was never validated",
        ),
        (
            "ALTER TABLE event DISABLE TRIGGER ALL",
            "a trigger that keeps event sound is switched off",
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_task_id'::regclass",
            "index ix_task_id is not valid; REINDEX it",
        ),
        (
            "SET session_replication_role = replica; DELETE FROM search_task WHERE task_id = 't0'",
            "evaluation row 1 points to no row of search_task",
        ),
    ],
)
def test_a_server_vouches_for_its_constraints(server_desk: Desk, harm: str, told: str):
    server_desk.evaluate(server_desk.entry(), [1, 1])
    assert server_desk.archive.check() == []
    with server_desk.archive._database.writing() as connection:
        for statement in harm.split("; "):
            connection.exec_driver_sql(statement)
    assert server_desk.archive.check() == [told]


@pytest.mark.postgres
def test_the_command_that_copies_a_database_on_a_server_works(
    server_desk: Desk, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server_desk.evaluate(server_desk.entry("cot", raw="said"), [1, 0])
    target = tmp_path / "my copy.dump"
    with pytest.raises(ConfigError, match="on a server is copied, also while a search runs") as it:
        server_desk.archive.backup(target)
    command = shlex.split(str(it.value).partition(", by: ")[2])
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    subprocess.run([server.program(command[0]), *command[1:]], check=True)
    name = server.database()
    into = server.url(name).replace("+psycopg", "")
    subprocess.run([server.program("pg_restore"), "--dbname", into, target], check=True)
    with Archive.open(server.url(name)) as copied:
        assert copied.check() == []
        assert copied.entries("s1") == server_desk.archive.entries("s1")
    server.drop(name)
