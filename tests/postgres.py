"""A PostgreSQL server for the tests: started from Debian's package, on a socket, in its own folder.

It ends with the process that started it, killed or not: it runs below a shell that waits for the
end of a pipe.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["DURABLE", "PASSWORD", "Server", "archive_place", "available"]

USER, PASSWORD = "tester", "a-pass-word-to-look-for"
START_SECONDS = 30
# For a test that kills the server; for others nothing has to outlive a power cut.
DURABLE = ("-c", "fsync=on", "-c", "synchronous_commit=on")
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
OWNED = """
"$@" & server=$!
read -r _
kill -QUIT $server
wait $server
"""


def _programs() -> Path | None:
    """Return the folder of the newest server that is installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return max(folders, key=lambda path: float(path.parent.name), default=None)


def available() -> str:
    """Return "" where a server can be started, else what is missing."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed"
    return "" if _programs() else "no PostgreSQL server is installed"


@contextmanager
def archive_place() -> Iterator[str]:
    """Lend a figure an empty place: a file, or with METASEARCH_TORTURE_POSTGRES=1 a database."""
    if os.environ.get("METASEARCH_TORTURE_POSTGRES"):
        with Server() as server:
            yield server.url(server.database())
        return
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder) / "archive.db")


class Server:
    """One server with password authentication; use it as a context manager.

    Attributes:
        folder: holds its socket and its data.
    """

    def __init__(self, *options: str) -> None:
        self._options = options or FAST
        programs = _programs()
        assert programs is not None, "look at available() first"
        self._programs = programs
        self._made = 0

    def __enter__(self) -> Self:
        # Not pytest's folder: a socket's path is 107 bytes at most, and root has to share it.
        self.folder = Path(tempfile.mkdtemp(prefix="metasearch-pg-"))
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:  # initdb refuses root
            shutil.chown(self.folder, "postgres", "postgres")
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        try:
            self._initialise()
            self.start()
        except BaseException:  # whatever it was, nothing of it may stay
            shutil.rmtree(self.folder)
            raise
        return self

    def _initialise(self) -> None:
        settings = ["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [self._programs / "initdb", "-D", self.folder / "data", *settings]
        command += [f"--pwfile={password}", "--no-sync", "--no-instructions"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as)
        password.unlink()

    def start(self) -> None:
        """Start it; returns once it answers."""
        command = [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder]
        command += ["-h", "", "-c", "shared_buffers=32MB", *self._options]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", OWNED, "sh", *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **self._as,
        )
        import psycopg

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, breaking every connection; its data stay."""
        self._process.communicate()

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        import psycopg

        url = self.url(database).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def program(self, name: str) -> str:
        """Return the path of one of the server's programs: psql, pg_dump, ..."""
        return str(self._programs / name)

    def url(self, database: str, user: str = USER, password: str = PASSWORD) -> str:
        """Return an archive's URL, password included."""
        return f"postgresql+psycopg://{user}:{password}@/{database}?host={self.folder}"

    def database(self, template: str = "template0") -> str:
        """Make a database; return its name."""
        self._made += 1
        name = f"made{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)
