"""The migrations make what the models say, and the views are made again with them."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, create_engine, inspect

from metasearch.archive import Archive, migrate
from metasearch.archive.models import METADATA
from metasearch.assets import asset
from metasearch.errors import ArchiveUnavailable
from tests.archive.conftest import Desk


def test_the_migrations_lead_to_the_models(file: Path):
    with create_engine(f"sqlite:///{file}").connect() as connection:
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
    desk: Desk, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    desk.evaluate(desk.entry("kept"), [1, 0])
    desk.archive.close()
    folder = next_release(tmp_path)
    monkeypatch.setattr(migrate, "asset", lambda _: folder)
    monkeypatch.setattr(migrate, "HEAD", "r9001")
    with pytest.raises(ArchiveUnavailable, match="its schema is older than r9001"):
        Archive.open(file, read_only=True)
    with Archive.open(file) as moved:
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
    desk: Desk, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    desk.archive.close()
    folder = next_release(tmp_path)
    monkeypatch.setattr(migrate, "asset", lambda _: folder)
    with pytest.MonkeyPatch.context() as once:
        once.setattr(migrate, "HEAD", "r9001")
        script = folder / "migrations" / "versions" / "r9001_colours.py"
        script.write_text(script.read_text() + "    raise RuntimeError('half way')\n")
        with pytest.raises(RuntimeError, match="half way"):
            Archive.open(file)
    script.unlink()
    with Archive.open(file) as unchanged:
        columns = [row[1] for row in unchanged.sql("PRAGMA table_info(event)").rows]
        assert columns == ["id", "search_id", "at", "kind", "text"]
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
