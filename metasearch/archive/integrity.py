"""Whether what is stored is sound, and a copy of the whole."""

from __future__ import annotations

import os
import shlex
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection, ForeignKeyConstraint, Table, exists, inspect, select, text

from metasearch.archive import dialect
from metasearch.archive.database import Database
from metasearch.archive.models import METADATA
from metasearch.errors import ArchiveUnavailable, ConfigError

__all__ = ["backup", "check"]

SHOWN_ROWS = 20  # of those that point to nothing, per reference
_ALLOWED = ("ok",)


def check(database: Database) -> list[str]:
    """Return what is wrong with the stored data. See `Archive.check`."""
    if database.file is not None:
        return _check_file(database.file)
    with database.reading() as connection:
        return [*_server_faults(connection), *_missing_constraints(connection)]


def _check_file(file: Path) -> list[str]:
    try:
        with closing(dialect.open_for_query(file)) as connection:
            connection.set_authorizer(None)
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as error:
        return [str(error)]
    # A fault may be several lines: the first says where.
    faults = [" ".join(line.split()) for line in found if line not in _ALLOWED]
    return faults + [f"{row[0]} row {row[1]} points to no row of {row[2]}" for row in broken]


# What a server must vouch for; it has no check of a whole database.
_UNSOUND = """
SELECT 'constraint ' || conname || ' of ' || conrelid::regclass || ' was never validated'
FROM pg_constraint
WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
UNION
SELECT 'index ' || indexrelid::regclass || ' is not valid; REINDEX it'
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
UNION
SELECT 'a trigger that keeps ' || tgrelid::regclass || ' sound is switched off'
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgisinternal AND tgenabled = 'D' AND relnamespace = current_schema()::regnamespace
"""


def _server_faults(connection: Connection) -> list[str]:
    return [str(fault) for (fault,) in connection.execute(text(_UNSOUND))]


def _missing_constraints(connection: Connection) -> list[str]:
    """Return references that the database does not keep, and rows that point to nothing."""
    there, faults = inspect(connection), []
    for name, table in METADATA.tables.items():
        kept = {key["name"] for key in there.get_foreign_keys(name)}
        for reference in table.foreign_key_constraints:
            if str(reference.name) not in kept:
                faults.append(f"{name} has lost its constraint {reference.name}")
            faults += _dangling(connection, table, reference)
    return faults


def _dangling(connection: Connection, table: Table, reference: ForeignKeyConstraint) -> list[str]:
    target = reference.referred_table.alias("target")
    pairs = [(key.parent, target.c[key.column.name]) for key in reference.elements]
    own = list(table.primary_key.columns)
    query = (
        select(*own)
        .where(*(column.is_not(None) for column, _ in pairs))
        .where(~exists().where(*(column == there for column, there in pairs)))
        .limit(SHOWN_ROWS)
    )
    return [
        f"{table.name} row {' '.join(map(str, row))} points to no row of {reference.referred_table}"
        for row in connection.execute(query)
    ]


def backup(database: Database, target: Path) -> None:
    """Copy the whole archive. See `Archive.backup`."""
    if database.file is None:
        command = f"pg_dump --format=custom --file={shlex.quote(str(target))}"
        raise ConfigError(
            f"archive backup copies a file; a database on a server is copied, also while a search "
            f"runs, by: {command} {shlex.quote(database.where)}"
        )
    if os.path.lexists(target):
        raise ConfigError(f"backup {target}: it exists already; name another file")
    try:
        _copy(database, database.file, target)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveUnavailable(
            f"backup {target}: {_told(error)}; nothing was written there"
        ) from error


def _copy(database: Database, file: Path, target: Path) -> None:
    handle, name = tempfile.mkstemp(".partial", f"{target.name[:100]}.", target.absolute().parent)
    os.close(handle)
    partial = Path(name)
    try:
        dialect.sqlite_copy(file, partial)
        if faults := _check_file(partial):
            raise ArchiveUnavailable(
                f"backup {target}: the archive {database.where} is damaged ({faults[0]}); nothing "
                "was written there; save what is left: sqlite3 ARCHIVE .recover | sqlite3 NEW"
            )
        partial.chmod(file.stat().st_mode & 0o777)
        _give_name(partial, target)
    finally:
        for left in (partial, *(Path(f"{partial}{end}") for end in ("-wal", "-shm", "-journal"))):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _give_name(partial: Path, target: Path) -> None:
    """Give a finished file its name, and never take that of another one."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise ConfigError(f"backup {target}: it exists already; name another file") from None
    except OSError:  # a disk without hard links
        os.replace(partial, target)


def _told(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return dialect.advice(error)
