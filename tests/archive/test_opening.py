"""Where an archive is, and what is told when none can be had there."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from metasearch.archive import Archive
from metasearch.archive.database import locate
from metasearch.archive.dialect import insert_if_absent
from metasearch.archive.migrate import HEAD
from metasearch.archive.models import TextRow, table
from metasearch.errors import ArchiveUnavailable, ConfigError
from tests.archive.conftest import Desk


def refusal(where: Path | str, **options: bool) -> str:
    with pytest.raises(ArchiveUnavailable) as caught:
        Archive.open(where, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 4
    return message


def test_a_new_archive_is_made_with_the_folders_above_it(tmp_path: Path):
    file = tmp_path / "a" / "b" / "archive.db"
    with Archive.open(file) as archive:
        assert archive.searches() == []
        assert archive.where == str(file)
    assert [path.name for path in file.parent.iterdir()] == ["archive.db"]


def test_the_environment_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METASEARCH_ARCHIVE", str(tmp_path / "mine.db"))
    with Archive.open():
        assert (tmp_path / "mine.db").exists()
    monkeypatch.setenv("METASEARCH_ARCHIVE", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    place = locate(None)
    assert place.file is not None
    assert place.file.is_relative_to(tmp_path)
    assert place.file.name == "archive.db"


def test_a_url_of_a_file_is_that_file(file: Path, desk: Desk):
    with Archive.open(f"sqlite:///{file}", read_only=True) as archive:
        assert archive.search().id == "s1"


def test_wonders_in_a_path_are_no_syntax(tmp_path: Path):
    file = tmp_path / "50% ?mode=memory#x" / "ä ö.db"
    with Archive.open(file) as archive:
        archive.create_search(id="x", domain="d", strategy="s", config={}, seed=1, tasks={})
    assert file.stat().st_size > 10_000
    with Archive.open(file, read_only=True) as archive:
        assert archive.search().id == "x"


def test_a_url_that_means_nothing_is_refused(tmp_path: Path):
    for where, told in {
        "sqlite://": "an archive must outlive its process",
        "sqlite:///:memory:": "an archive must outlive its process",
        "mysql://user:secret@host/name": "mysql is not supported",
        "://": "not a URL",
    }.items():
        with pytest.raises(ConfigError, match=told) as caught:
            Archive.open(where)
        assert "secret" not in str(caught.value)


def test_a_missing_archive_is_not_made_for_a_reader(tmp_path: Path):
    file = tmp_path / "none" / "archive.db"
    told = f"archive {file}: there is none; `metasearch run` makes one, or name another (--archive)"
    assert refusal(file, create=False) == told
    assert refusal(file, read_only=True) == told
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_archive(tmp_path: Path):
    assert "it is a folder; name a file in it" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"not a database", b"\x00" * 5000, b"SQLite format 3"])
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, content: bytes):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    assert "it is not an SQLite database" in refusal(file)
    assert file.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_the_beginning_of_a_database_alone_is_no_archive(tmp_path: Path):
    file = tmp_path / "cut.db"
    file.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    assert refusal(file).startswith(f"archive {file}: ")


def test_an_empty_file_becomes_an_archive(tmp_path: Path):
    file = tmp_path / "empty.db"
    file.touch()
    with Archive.open(file) as archive:
        assert archive.searches() == []


def test_a_database_of_another_program_is_left_alone(tmp_path: Path):
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = file.read_bytes()
    for options in ({}, {"read_only": True}):
        assert "it is a database of another program" in refusal(file, **options)
    assert file.read_bytes() == before


def test_an_archive_of_a_newer_program_is_not_touched(file: Path, desk: Desk):
    desk.archive.close()
    with closing(sqlite3.connect(file)) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = 'r0999'")
    before = file.read_bytes()
    told = (
        f"archive {file} was written by a newer metasearch (schema r0999); "
        "upgrade metasearch or use another archive"
    )
    assert refusal(file) == told
    assert refusal(file, read_only=True) == told
    assert file.read_bytes() == before


def test_an_unknown_schema_is_named(file: Path):
    with closing(sqlite3.connect(file)) as strange, strange:
        strange.execute("UPDATE alembic_version SET version_num = 'zzz'")
    assert "unknown schema 'zzz'" in refusal(file)


def test_a_path_through_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert "check the path" in refusal(tmp_path / "file" / "archive.db")
    assert "check the path" in refusal(tmp_path / ("x" * 300))


def _as_nobody(file: str, said: multiprocessing.SimpleQueue[str]) -> None:
    if os.getuid() == 0:  # root may write anywhere
        os.setgid(65534)
        os.setuid(65534)
    try:
        Archive.open(file)
    except ArchiveUnavailable as error:
        said.put(str(error))
    with Archive.open(file, read_only=True) as archive:
        said.put(archive.search().id)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork beside a thread
def test_in_a_folder_that_cannot_be_written_an_archive_can_be_read(
    desk: Desk, file: Path, tmp_path: Path
):
    desk.archive.close()
    for path in tmp_path.parents:  # pytest keeps its folders from other users
        path.chmod(path.stat().st_mode | 0o011)
        if path.name.startswith("pytest-of-"):
            break
    file.chmod(0o444)
    tmp_path.chmod(0o555)
    context = multiprocessing.get_context("fork")
    said = context.SimpleQueue()
    child = context.Process(target=_as_nobody, args=(str(file), said))
    child.start()
    child.join()
    tmp_path.chmod(0o755)
    assert child.exitcode == 0
    assert "cannot be written; check the path and its permissions" in said.get()
    assert said.get() == "s1"


def test_the_schema_of_a_new_archive_is_the_newest(archive: Archive):
    assert archive.sql("SELECT version_num FROM alembic_version").rows == [(HEAD,)]


def test_closing_twice_is_no_fault(archive: Archive, place: str):
    archive.close()
    archive.close()
    assert archive.where == locate(place).label


def test_a_server_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for scheme in ("postgresql", "postgresql+psycopg", "postgresql+asyncpg"):
        with pytest.raises(ConfigError, match=r"pip install 'metasearch\[postgres\]'") as caught:
            Archive.open(f"{scheme}://me:secret@host/name")
        assert "secret" not in str(caught.value)


def test_the_same_statements_are_written_for_both_databases():
    told = {
        name: str(insert_if_absent(dialect, table(TextRow)).compile(dialect=dialect))
        for name, dialect in {"pg": postgresql.dialect(), "lite": sqlite.dialect()}.items()
    }
    assert "VALUES (%(sha)s" in told["pg"]
    assert "VALUES (?, ?, ?)" in told["lite"]
    assert all(sql.endswith(" ON CONFLICT DO NOTHING") for sql in told.values())
