"""One open database: where it is, how to read, how to write."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from sqlalchemy import URL, Connection, Engine, exc

from metasearch.archive import dialect, postgres
from metasearch.archive.texts import Texts
from metasearch.errors import ArchiveUnavailable, ConfigError

__all__ = ["Clock", "Database", "Place", "locate", "utc_now"]

Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """Return the present moment in UTC."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an archive is: a file, or a server's URL.

    Attributes:
        label: how messages name it; holds no password.
    """

    label: str
    file: Path | None = None
    url: URL | None = None


def locate(where: str | Path | None) -> Place:
    """Return the place that a path or a URL means.

    Args:
        where: a file's path, `sqlite:///PATH`, or a PostgreSQL URL. None is what
            METASEARCH_ARCHIVE says, else `archive.db` in the user's data folder.

    Raises:
        ConfigError: the URL cannot be read.
    """
    if where is None:
        where = os.environ.get("METASEARCH_ARCHIVE") or None
    if where is None:
        where = platformdirs.user_data_path("metasearch", appauthor=False) / "archive.db"
    if isinstance(where, Path) or "://" not in where:
        return Place(str(where), file=Path(where).expanduser())
    url = postgres.read_url(where)
    if url.get_backend_name() != "sqlite":
        return Place(postgres.address(url), url=url)
    if url.database in (None, "", ":memory:"):
        raise ConfigError(f"--archive {where}: an archive must outlive its process; give a path")
    return Place(str(url.database), file=Path(str(url.database)))


class Database:
    """The engines of one archive, and the lock that makes this process one writer.

    Attributes:
        where: for messages.
        file: the SQLite file; None on a server.
        clock: gives the present moment.
    """

    def __init__(self, place: Place, *, read_only: bool, create: bool, clock: Clock) -> None:
        self.where = place.label
        self.file = place.file
        self.clock = clock
        self.texts = Texts()
        self._lock = threading.RLock()
        self._write: Engine | None = None
        if place.file is not None:
            self._read = dialect.sqlite_engine(place.file, "ro")
            if not read_only:
                self._write = dialect.sqlite_engine(place.file, "rwc" if create else "rw")
        elif place.url is not None:
            write, self._read = postgres.engines(place.url)
            self._write = None if read_only else write

    @property
    def read_only(self) -> bool:
        """Tell whether writing is refused."""
        return self._write is None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and cannot change it.

        Raises:
            ArchiveUnavailable: the database fails.
        """
        with self._explained(), self._read.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one transaction: all of it is committed, or nothing.

        Raises:
            ArchiveUnavailable: the database fails, or was opened for reading only.
        """
        if self._write is None:
            raise ArchiveUnavailable(f"archive {self.where}: opened for reading only")
        # The lock, because SQLite's own waiting is a poll with sleeps of up to 100 ms.
        with self._lock, self._explained():
            try:
                with self._write.begin() as connection:
                    yield connection
            except BaseException:  # whatever it was, the texts are not stored
                self.texts.rolled_back()
                raise
            self.texts.committed()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self.integrity_errors:
            raise  # a fault of ours, not of the database
        except (exc.DBAPIError, self._driver.Error) as error:
            raise dialect.explain(error, self.where) from error

    @property
    def integrity_errors(self) -> tuple[type[Exception], ...]:
        """Return what a broken constraint raises: SQLAlchemy, or the driver itself."""
        return (exc.IntegrityError, self._driver.IntegrityError)

    @property
    def _driver(self) -> Any:
        return self._read.dialect.dbapi

    def close(self) -> None:
        """Close all connections; safe to call twice."""
        self._read.dispose()
        if self._write is not None:
            self._write.dispose()
