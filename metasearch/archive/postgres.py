"""An archive on a PostgreSQL server: its address, its engines, what its errors mean."""

from __future__ import annotations

import decimal
import logging
import re
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from metasearch.errors import ArchiveUnavailable, ConfigError

__all__ = [
    "address",
    "advice",
    "check_encoding",
    "engines",
    "execute_one",
    "plain_row",
    "read_url",
    "without_password",
]

# The driver logs each reply whose key is taken, which is no fault; what is one it raises too.
# Without a handler of the program's own this would be printed amid a search's display.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

EXAMPLE = "postgresql+psycopg://USER@HOST/NAME"
CONNECT_SECONDS = 10
_SECRETS = ("password", "sslpassword")

# One writer at a time, as on SQLite: two transactions that store the same texts in another order
# would wait for each other, and a number that is read and then taken may be taken by another.
_WRITER = int.from_bytes(b"metasrch", "big")


def read_url(where: str) -> URL:
    """Return what a URL says.

    Raises:
        ConfigError: it cannot be read, or is of a database that is not supported. The message does
            not repeat it: a password may be in it.
    """
    try:
        url = make_url(where)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(f"--archive: not a URL; give a file's path or {EXAMPLE}") from None
    if "@" in (url.host or ""):  # the rest of a password, read as the host
        raise ConfigError("--archive: write an @ in the password as %40, a / as %2F, a : as %3A")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(
            f"--archive: {url.get_backend_name()} is not supported; give a file's path or {EXAMPLE}"
        )
    return url


def address(url: URL) -> str:
    """Return a server's URL as `psql` and `pg_dump` read it, without any password."""
    bare = url.set(drivername="postgresql").difference_update_query(_SECRETS)
    return URL.create(
        bare.drivername, bare.username, None, bare.host, bare.port, bare.database, bare.query
    ).render_as_string(hide_password=False)


def without_password(where: str) -> str:
    """Return an archive's place as it may be written down; a file's path is left as it is."""
    if "://" not in where:
        return where
    url = read_url(where)
    return where if url.get_backend_name() == "sqlite" else address(url)


def engines(url: URL) -> tuple[Engine, Engine]:
    """Return the engines for writing and for reading.

    Raises:
        ConfigError: the driver is not installed.
    """
    where = address(url)
    url = url.set(drivername="postgresql+psycopg")
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    try:
        # The ping: a server that was started anew between two uses is no fault.
        write = create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True)
        read = create_engine(url, pool_pre_ping=True)
    except ImportError:
        raise ConfigError(
            f"--archive {where}: its driver is not installed; pip install 'metasearch[postgres]'"
        ) from None
    read = read.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    for engine in (write, read):
        event.listen(engine, "connect", _settle)
    event.listen(write, "begin", _take_turn)
    return write, read


def _settle(connection: Any, _record: object) -> None:
    from metasearch.archive.dialect import LOCK_WAIT_SECONDS  # read late: tests shorten it

    wait = f"{round(LOCK_WAIT_SECONDS * 1000)}ms"
    settings = "SELECT set_config('lock_timeout', %s, false), set_config('TimeZone', 'UTC', false)"
    connection.execute(settings, [wait])
    connection.commit()


def _take_turn(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")


def check_encoding(connection: Connection, where: str) -> None:
    """Refuse a database that cannot hold every text.

    Raises:
        ArchiveUnavailable: its encoding is not UTF-8.
    """
    driver: Any = connection.connection.driver_connection
    found = driver.info.parameter_status("server_encoding")
    if found != "UTF8":
        raise ArchiveUnavailable(
            f"archive {where}: its encoding is {found}, which cannot hold every text; make another "
            "database: createdb --encoding=UTF8 --template=template0 NAME"
        )


def execute_one(cursor: Any, query: str) -> None:
    """Run a stranger's query: one statement, so that none can end the transaction.

    Only what is prepared is sent alone; else psycopg lets `COMMIT; DROP TABLE ...` through.
    """
    cursor.execute(query, prepare=True)


def plain_row(row: Any) -> tuple[Any, ...]:
    """Return a row with numbers as SQLite gives them: sums of whole numbers are exact decimals."""
    return tuple(_plain(value) if isinstance(value, decimal.Decimal) else value for value in row)


def _plain(value: decimal.Decimal) -> int | float:
    return int(value) if value.as_tuple().exponent == 0 else float(value)


# By SQLSTATE; what begins like one (a class of two characters) comes last.
_BY_STATE = {
    "53100": "the server's disk is full; free some space and go on: what was committed is kept",
    "53300": "the server has no connection left; close some, or raise its max_connections",
    "55P03": "another program has held it for {wait} s; close that one first",
    "25006": "the server is read-only (a standby?); name the one that takes writes (--archive)",
    "42501": "{said}; let its owner GRANT that right, or name another (--archive)",
    "57P01": "the server was shut down; start it and go on: what was committed is kept",
    "XX": "the server finds it damaged ({said}); restore a dump",
    "08": "the connection was lost ({said}); go on once the server answers: what was committed is "
    "kept",
}
# A refused connection has no SQLSTATE, only words.
_BY_WORDS = (
    (r"password authentication failed", "{said}; correct the password: PGPASSWORD or ~/.pgpass"),
    (r"no password supplied", "it wants a password; give it by PGPASSWORD or ~/.pgpass"),
    (r'database "[^"]*" does not exist', "{said}; make it: createdb NAME"),
    (r"role \"[^\"]*\" does not exist", "{said}; correct the user (--archive)"),
    (
        r"Connection refused|No such file|timeout expired|resolve host|unreachable|timed out",
        "no server answers: {said}; start it, or correct its address (--archive)",
    ),
    (
        r"closed the connection|connection is lost|consuming input failed|terminating connection",
        "the connection was lost; go on once the server answers: what was committed is kept",
    ),
)
_PREAMBLE = re.compile(r"^connection (failed|is bad): |(?<=failed: )FATAL: +")


def advice(error: BaseException, wait: float) -> str:
    """Return what the user can do about what the driver raised, in one line.

    Args:
        wait: seconds for which a lock was waited for.
    """
    said = _PREAMBLE.sub("", next(iter(str(error).strip().splitlines()), type(error).__name__))
    state = getattr(error, "sqlstate", None) or ""
    text = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
    if text is None:
        text = next((text for words, text in _BY_WORDS if re.search(words, said)), "{said}")
    return text.format(said=said, wait=wait)
