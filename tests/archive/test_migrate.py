"""The migrations make what the models say, and the views are made again with them."""

from __future__ import annotations

import datetime
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Connection,
    DateTime,
    MetaData,
    Table,
    insert,
    inspect,
)

from metasearch.archive import Archive, migrate
from metasearch.archive.database import Database, locate, utc_now
from metasearch.archive.models import METADATA, EventRow
from metasearch.assets import asset
from metasearch.errors import ArchiveUnavailable
from metasearch.types import Owner, Split
from tests.archive.conftest import TASKS, Desk, call, evaluation
from tests.archive.make_fixture import FOLDER, WILD


@contextmanager
def connected(place: str) -> Iterator[Connection]:
    """A connection for statements that an archive has no method for; committed at the end."""
    database = Database(locate(place), read_only=False, create=True, clock=utc_now)
    with database.writing() as connection:
        yield connection
    database.close()


def test_the_migrations_lead_to_the_models(place: str):
    with connected(place) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        # What Alembic does not compare.
        reflected = inspect(connection)
        for name, table in METADATA.tables.items():
            checks = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
            assert {c["name"] for c in reflected.get_check_constraints(name)} == checks
            primary = [column.name for column in table.primary_key.columns]
            assert reflected.get_pk_constraint(name)["constrained_columns"] == primary
            columns = [column["name"] for column in reflected.get_columns(name)]
            assert columns == [column.name for column in table.columns]


RELEASED = migrate.revisions()


def test_every_schema_has_an_archive_with_data_in_it_for_these_tests():
    told = (
        "run python -m tests.archive.make_fixture; the fixtures of older schemas stay as they are"
    )
    assert sorted(path.stem for path in FOLDER.glob("*.sql")) == RELEASED, told
    for revision in RELEASED:
        with closing(sqlite3.connect(":memory:")) as old:
            old.executescript((FOLDER / f"{revision}.sql").read_text(encoding="utf-8"))
            assert old.execute("SELECT * FROM alembic_version").fetchall() == [(revision,)]
            names = [name for (name,) in old.execute(TABLES)]
            empty = [n for n in names if not old.execute(f'SELECT 1 FROM "{n}"').fetchone()]
            assert empty == []


TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


def restore(revision: str, place: str) -> None:
    """Make the archive of an older release, in a file or on a server."""
    dump = (FOLDER / f"{revision}.sql").read_text(encoding="utf-8")
    if "://" not in place:
        Path(place).parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(place)) as made:
            made.executescript(dump)
        return
    with closing(sqlite3.connect(":memory:")) as old, connected(place) as connection:
        old.executescript(dump)
        old.row_factory = sqlite3.Row
        migrate.upgrade(connection, revision)
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                rows = [dict(row) for row in old.execute(f'SELECT * FROM "{table.name}"')]
                connection.execute(insert(table), [_typed(table, row) for row in rows])
        if revision == migrate.HEAD:  # else they come with the move
            migrate.create_views(connection)
        for name in ("entry", "evaluation", "call", "event"):
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}"
            )


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of SQLite with the types that a server insists on."""
    for column in table.columns:
        value = row[column.name]
        if value is not None and isinstance(column.type, Boolean):
            row[column.name] = bool(value)
        elif value is not None and isinstance(column.type, DateTime):
            row[column.name] = datetime.datetime.fromisoformat(value).replace(tzinfo=datetime.UTC)
    return row


@pytest.mark.parametrize("revision", RELEASED)
def test_the_archive_of_every_release_moves_up_with_its_data(revision: str, nowhere: str):
    restore(revision, nowhere)
    with Archive.open(nowhere) as archive:
        assert archive.check() == []
        assert archive.sql("SELECT version_num FROM alembic_version").rows == [(migrate.HEAD,)]
        search = archive.search("old")
        assert (search.seed, search.status, search.reason) == (-7, "paused", "interrupted")
        assert search.config["search"]["designs"] == 3
        assert search.lease is not None
        assert (search.lease.pid, search.lease.host) == (4711, "elsewhere")
        assert archive.tasks("old", Split.VALIDATION) == list(TASKS[Split.VALIDATION])
        better, direct = archive.leaderboard("old")
        assert (better.name, better.parents, direct.dollars) == ("better", (0,), 0.25)
        assert better.validation is not None
        assert (better.validation.n, better.validation.mean) == (7, 4.5 / 7)
        statuses = [entry.status for entry in archive.entries("old")]
        assert statuses == ["evaluated", "evaluated", "failed", "pending"]
        lost = archive.trace("old", better.id, "t0", repeat=1)
        assert (lost.outcome, lost.error) == ("crashed", WILD)
        assert lost.trace == (call(3, reply=None, error=f"429 {WILD}"),)
        assert archive.recorder("old").find(call(1).key).text == WILD
        assert archive.spent("old", Owner.PROPOSER).calls == 1
        assert [step.number for step in archive.lineage("old", 3)] == [3, 0, 1]
        # It can be gone on with: nothing that is written now meets an id that is taken.
        archive.claim("old")
        half = archive.entry("old", "half")
        archive.add_evaluation("old", half.id, evaluation(half, trace=(call(9),)))
        archive.add_event("old", "resumed", "")
        assert len(archive.evaluations("old", with_trace=True)) == 14
        assert archive.check() == []


def test_every_schema_is_known_in_order():
    assert migrate.revisions()[0] == "r0001"
    assert migrate.revisions()[-1] == migrate.HEAD
    names = {path.name for path in (migrate.migrations() / "versions").glob("*.py")}
    assert len(names) == len(migrate.revisions())


def test_an_archive_without_tables_is_too_old_for_a_reader(tmp_path: Path):
    file = tmp_path / "empty.db"
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("VACUUM")
    with pytest.raises(ArchiveUnavailable, match=r"older than r\d{4}.*open it once with a command"):
        Archive.open(file, read_only=True)


def test_moving_up_keeps_the_rows_and_makes_the_views_again(
    desk: Desk, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    desk.evaluate(desk.entry("kept"), [1, 0])
    desk.archive.close()
    folder = next_release(tmp_path)
    monkeypatch.setattr(migrate, "asset", lambda _: folder)
    monkeypatch.setattr(migrate, "HEAD", "r9001")
    with pytest.raises(ArchiveUnavailable, match="its schema is older than r9001"):
        Archive.open(place, read_only=True)
    with Archive.open(place) as moved:
        assert moved.sql("SELECT colour FROM event").rows == []
        assert moved.sql("SELECT name FROM new_view").rows == [("kept",)]
        assert moved.leaderboard("s1")[0].name == "kept"
        assert moved.sql("SELECT version_num FROM alembic_version").rows == [("r9001",)]
        assert moved.check() == []


def next_release(tmp_path: Path) -> Path:
    """Make the `archive` folder of a later metasearch: one migration and one view more."""
    import shutil

    folder = tmp_path / "archive"
    shutil.copytree(asset("archive"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "migrations" / "versions" / "r9001_colours.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision = 'r9001', {migrate.HEAD!r}\n"
        "branch_labels = depends_on = None\n"
        "def upgrade():\n"
        "    op.add_column('event', sa.Column('colour', sa.Text()))\n"
    )
    views = folder / "views.sql"
    views.write_text(
        views.read_text() + "\nCREATE VIEW new_view AS SELECT name FROM leaderboard;\n"
    )
    return folder


def test_a_migration_that_fails_changes_nothing(
    desk: Desk, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    desk.archive.close()
    folder = next_release(tmp_path)
    monkeypatch.setattr(migrate, "asset", lambda _: folder)
    with pytest.MonkeyPatch.context() as once:
        once.setattr(migrate, "HEAD", "r9001")
        script = folder / "migrations" / "versions" / "r9001_colours.py"
        script.write_text(script.read_text() + "    raise RuntimeError('half way')\n")
        with pytest.raises(RuntimeError, match="half way"):
            Archive.open(place)
    script.unlink()
    with Archive.open(place) as unchanged:
        unchanged.add_event("s1", "k", "t")
        assert unchanged.sql("SELECT * FROM event").columns == tuple(EventRow.model_fields)
        assert unchanged.leaderboard("s1") == []


def test_the_developers_way_to_write_a_migration_works(tmp_path: Path):
    database = tmp_path / "dev.db"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "alembic", "-c", str(asset("archive") / "alembic.ini")),
            *("-x", f"url=sqlite:///{database}", "upgrade", "head"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(database)) as made:
        tables = {name for (name,) in made.execute("SELECT name FROM sqlite_master")}
    assert tables >= set(METADATA.tables)


def test_the_views_hold_nothing_that_one_database_alone_knows():
    assert not re.search(r"\b(json_|ifnull|group_concat|datetime\(|::|ilike)", migrate.views_sql())
