"""Moves an archive's tables up to what this program knows, and never touches a stranger's."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from metasearch.archive.database import Database
from metasearch.archive.postgres import check_encoding
from metasearch.assets import asset
from metasearch.errors import ArchiveUnavailable, NoArchive, OldArchive

__all__ = ["HEAD", "create_views", "migrations", "prepare", "revisions", "upgrade", "views_sql"]

_VERSION_TABLE = "alembic_version"
_FILE = re.compile(r"(r\d{4})_\w+\.py")
_REVISION = re.compile(r"r\d{4}")
_VIEW = re.compile(r"^CREATE VIEW (\w+)", re.MULTILINE)


def migrations() -> Path:
    """Return the folder that Alembic reads."""
    return asset("archive") / "migrations"


def revisions() -> list[str]:
    """Return the names of all known schemas, oldest first; a file is named `r0001_...py`."""
    names = (_FILE.fullmatch(path.name) for path in (migrations() / "versions").iterdir())
    return sorted(match[1] for match in names if match)


HEAD = revisions()[-1]


def views_sql() -> str:
    """Return the statements that make the views."""
    return (asset("archive") / "views.sql").read_text(encoding="utf-8")


def prepare(database: Database, *, create: bool = True) -> None:
    """Make the tables if there are none, move old ones up, and leave everything else alone.

    All of it is one transaction: it is done, or nothing has changed.

    Args:
        create: whether a server's database without tables becomes an archive.

    Raises:
        ArchiveUnavailable: the schema is newer than this program, or the database is of another
            program.
        OldArchive: the schema is older, and the archive is opened for reading only.
        NoArchive: it is empty and must not be.
    """
    if not _is_new_file(database):
        with database.reading() as connection:
            version = _version(connection, database.where)
        if version == HEAD:
            return
        if version is None and database.file is None and not create:
            raise NoArchive(
                f"archive {database.where}: there is none in this database; `metasearch run` makes "
                "one, or name another (--archive)"
            )
    if database.read_only:
        raise OldArchive(
            f"archive {database.where}: its schema is older than {HEAD}, and it is opened for "
            "reading only; open it once with a command that writes, then again"
        )
    with database.writing() as connection:
        # Read again: another process may have been here first.
        if _version(connection, database.where) != HEAD:
            _drop_views(connection)
            upgrade(connection, HEAD)
            create_views(connection)


def _is_new_file(database: Database) -> bool:
    file = database.file
    return file is not None and (not file.exists() or file.stat().st_size == 0)


def _version(connection: Connection, where: str) -> str | None:
    """Return the schema's name; None for an empty database."""
    if connection.dialect.name == "postgresql":
        check_encoding(connection, where)
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if _VERSION_TABLE not in tables or "evaluation" not in tables:
        raise ArchiveUnavailable(
            f"archive {where}: it is a database of another program; name another (--archive)"
        )
    found = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()
    if found in revisions():
        return str(found)
    if found and _REVISION.fullmatch(found) and found > HEAD:
        raise ArchiveUnavailable(
            f"archive {where} was written by a newer metasearch (schema {found}); "
            "upgrade metasearch or use another archive"
        )
    raise ArchiveUnavailable(
        f"archive {where}: unknown schema {found!r}; name another archive (--archive)"
    )


def upgrade(connection: Connection, revision: str) -> None:
    """Move the tables up to a schema; the views are left to `create_views`."""
    from alembic import command  # here, because an archive that is up to date needs none of it
    from alembic.config import Config

    config = Config()
    # A percent sign would be an interpolation to the ini file's reader.
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _drop_views(connection: Connection) -> None:
    for name in reversed(_VIEW.findall(views_sql())):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def create_views(connection: Connection) -> None:
    """Make the views of `archive/views.sql`."""
    bare = "\n".join(line.partition("--")[0] for line in views_sql().splitlines())
    for statement in bare.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
