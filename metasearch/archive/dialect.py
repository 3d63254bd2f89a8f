"""The one place that knows which database lies below: engines, and where they differ."""

from __future__ import annotations

import sqlite3
import urllib.parse
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Insert,
    Table,
    create_engine,
    event,
    exc,
    insert,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import QueuePool

from metasearch.archive import postgres
from metasearch.errors import ArchiveUnavailable, MetasearchError

__all__ = [
    "LOCK_WAIT_SECONDS",
    "advice",
    "explain",
    "insert_if_absent",
    "insert_one",
    "open_for_query",
    "sqlite_copy",
    "sqlite_engine",
]

LOCK_WAIT_SECONDS = 30  # a stalled disk outlives the usual 5 s
WAL_LIMIT_BYTES = 64 * 2**20  # a long read lets the log grow; afterwards it shrinks to this

Mode = Literal["ro", "rw", "rwc"]

# What SQLite says, and what the user can do about it.
_SQLITE_ADVICE = {
    "SQLITE_FULL": "the disk is full; free some space and go on: what was committed is kept",
    "SQLITE_BUSY": f"another program has held it for {LOCK_WAIT_SECONDS} s; close that one first",
    "SQLITE_LOCKED": "another program holds it; close that one first",
    "SQLITE_READONLY": "it cannot be written; change its permissions or name another (--archive)",
    "SQLITE_CANTOPEN": "it cannot be opened; check the path and its permissions (--archive)",
    "SQLITE_PERM": "it cannot be opened; check the path and its permissions (--archive)",
    "SQLITE_NOTADB": "it is not an SQLite database; name another (--archive)",
    "SQLITE_CORRUPT": "it is damaged; restore a backup, or save what is left by sqlite3 .recover",
    "SQLITE_IOERR": "its disk fails or is full; nothing of this step was written",
}

# What a reader may do in `Archive.sql`. Everything else, ATTACH and VACUUM INTO above all, could
# write a file. A function is harmless: loading extensions is off.
_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_READ_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info"}


def sqlite_engine(file: Path, mode: Mode) -> Engine:
    """Return an engine whose transactions are real ones: begun by us, one writer at a time.

    Args:
        file: the database.
        mode: "ro" opens for reading, "rw" an existing file, "rwc" also a new one.
    """
    engine = create_engine("sqlite://", creator=_connector(file, mode), poolclass=QueuePool)
    begin = "BEGIN" if mode == "ro" else "BEGIN IMMEDIATE"

    # IMMEDIATE: a transaction that reads first and writes later fails at once when another one
    # wrote in between, and no waiting helps it.
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _connector(file: Path, mode: Mode) -> Callable[[], sqlite3.Connection]:
    path = urllib.parse.quote(file.absolute().as_posix())

    def connect(extra: str = "") -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{path}?mode={mode}{extra}",
            uri=True,
            timeout=LOCK_WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # the pool hands a connection to one thread at a time
        )
        try:
            _settle(connection, writes=mode != "ro")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def connect_or_frozen() -> sqlite3.Connection:
        try:
            return connect()
        except sqlite3.OperationalError:
            # Reading a WAL database writes its -shm file. In a folder that cannot be written there
            # is no writer either, so the file does not change under us.
            if mode != "ro" or not file.is_file() or Path(f"{file}-wal").exists():
                raise
            return connect("&immutable=1")

    return connect_or_frozen


def _settle(connection: sqlite3.Connection, *, writes: bool) -> None:
    if not writes:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens it for real
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")


def open_for_query(file: Path) -> sqlite3.Connection:
    """Return a connection for a stranger's SQL: it can read this database and nothing else.

    It knows one function more than SQLite: `unzip(data)` gives a `text` row's text.
    """
    connection = _connector(file, "ro")()
    connection.create_function("unzip", 1, _unzip, deterministic=True)
    connection.set_authorizer(_authorize)
    return connection


def _unzip(data: bytes | None) -> str | None:
    return None if data is None else zlib.decompress(data).decode("utf-8", "replace")


def _authorize(action: int, first: str | None, *_: Any) -> int:
    allowed = action in _READS or (action == sqlite3.SQLITE_PRAGMA and first in _READ_PRAGMAS)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def sqlite_copy(file: Path, target: Path) -> None:
    """Copy a database while others write to it into an empty file: one moment's state.

    Raises:
        sqlite3.Error: reading or writing fails; the caller removes what there is of the copy.
    """
    source = _connector(file, "ro")()
    try:
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)
        finally:
            copy.close()
    finally:
        source.close()


def insert_if_absent(dialect: Dialect, target: Table) -> Insert:
    """Return an insert that leaves alone a row whose key is there already."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # here: a file needs none of it

        return postgresql.insert(target).on_conflict_do_nothing()
    return sqlite.insert(target).on_conflict_do_nothing()


def insert_one(connection: Connection, target: Table, row: dict[str, Any]) -> int:
    """Insert a row and return the id that the database gave it."""
    key = connection.execute(insert(target), row).inserted_primary_key
    if key is None:  # only an insert of many rows, or one without a key, has none
        raise AssertionError(target.name)
    return int(key[0])


def explain(error: Exception, where: str) -> MetasearchError:
    """Return the one line that a user gets for what a database driver raised."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    return ArchiveUnavailable(f"archive {where}: {advice(cause or error)}")


def advice(error: BaseException) -> str:
    """Return in one line what a driver's error means and what to do."""
    if not isinstance(error, sqlite3.Error):
        return postgres.advice(error, LOCK_WAIT_SECONDS)
    name = getattr(error, "sqlite_errorname", None) or ""
    # Extended names begin with their family's: SQLITE_READONLY_DIRECTORY, SQLITE_IOERR_WRITE.
    family = "_".join(name.split("_")[:2])
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return _SQLITE_ADVICE.get(family, said)
