"""A search's life: made, found again, leased by one process, ended."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.engine import Row as SqlRow

from metasearch import __version__
from metasearch.archive.database import Database
from metasearch.archive.dialect import insert_if_absent
from metasearch.archive.models import (
    EventRow,
    LeaseRow,
    SearchRow,
    SearchTaskRow,
    TaskRow,
    table,
)
from metasearch.archive.postgres import without_password
from metasearch.archive.records import EventInfo, Lease, SearchInfo, SearchStatus
from metasearch.archive.texts import sha_of
from metasearch.errors import ConfigError
from metasearch.types import Json, Split, Task

__all__ = [
    "STALE_SECONDS",
    "Tenant",
    "add_event",
    "create",
    "events",
    "find",
    "get_tasks",
    "known",
    "set_status",
]

STALE_SECONDS = 60.0  # a holder elsewhere that has said nothing for so long has lost its search
SHOWN_SEARCHES = 8  # in a message

_SEARCH = table(SearchRow)
_TASK = table(TaskRow)
_SEARCH_TASK = table(SearchTaskRow)
_LEASE = table(LeaseRow)
_EVENT = table(EventRow)


def create(
    database: Database,
    *,
    id: str | None,
    domain: str,
    strategy: str,
    config: Mapping[str, Json],
    seed: int,
    tasks: Mapping[Split, Sequence[Task]],
) -> SearchInfo:
    """Write a new search with its tasks. See `Archive.create_search`."""
    now = database.clock()
    name = id if id is not None else f"{now:%Y%m%d}-{secrets.token_hex(3)}"
    _check_disjoint(tasks)
    with database.writing() as connection:
        if connection.execute(select(_SEARCH.c.id).where(_SEARCH.c.id == name)).first():
            raise ConfigError(
                f"search {name!r} is in {database.where} already; "
                f"`metasearch resume {name}` continues it, another --name starts anew"
            )
        row = {
            "id": name,
            "domain": domain,
            "strategy": strategy,
            "config": _without_password(config),
            "seed": seed,
            "status": str(SearchStatus.RUNNING),
            "reason": "",
            "version": __version__,
            "created_at": now,
            "updated_at": now,
        }
        connection.execute(insert(_SEARCH), row)
        _insert_tasks(connection, name, tasks)
    return find(database, name)


def _without_password(config: Mapping[str, Json]) -> dict[str, Json]:
    """Return a configuration that may be kept: that of the archive itself may hold a password."""
    place = config.get("archive")
    kept = without_password(place) if isinstance(place, str) else place
    return {**config, "archive": kept} if "archive" in config else dict(config)


def _check_disjoint(tasks: Mapping[Split, Sequence[Task]]) -> None:
    seen: dict[str, Split] = {}
    for split, members in tasks.items():
        for task in members:
            if task.id in seen:
                raise ConfigError(
                    f"task {task.id} is in {seen[task.id]} and again in {split}; "
                    "each question may be in one split, once"
                )
            seen[task.id] = split


def _insert_tasks(
    connection: Connection, search_id: str, tasks: Mapping[Split, Sequence[Task]]
) -> None:
    rows, places = [], []
    for split, members in tasks.items():
        for position, task in enumerate(members):
            row = _task_row(task)
            rows.append(row)
            places.append(
                {
                    "search_id": search_id,
                    "task_id": task.id,
                    "split": str(split),
                    "position": position,
                    "task_sha": row["sha"],
                }
            )
    if rows:
        connection.execute(insert_if_absent(connection.dialect, _TASK), rows)
        connection.execute(insert(_SEARCH_TASK), places)


def _task_row(task: Task) -> dict[str, Json]:
    kind = task.answer_type if isinstance(task.answer_type, str) else list(task.answer_type)
    row: dict[str, Json] = {
        "id": task.id,
        "prompt": task.prompt,
        "gold": task.gold,
        "answer_type": kind,
        "kind": task.kind,
        "extra": task.extra,
    }
    return {"sha": sha_of(json.dumps(row, separators=(",", ":"))), **row}


def get_tasks(database: Database, search_id: str, split: Split) -> list[Task]:
    """Return the tasks of one split in their stored order."""
    query = (
        select(_TASK)
        .join(_SEARCH_TASK, _SEARCH_TASK.c.task_sha == _TASK.c.sha)
        .where(_SEARCH_TASK.c.search_id == search_id, _SEARCH_TASK.c.split == str(split))
        .order_by(_SEARCH_TASK.c.position)
    )
    with database.reading() as connection:
        return [_task(row) for row in connection.execute(query)]


def _task(row: SqlRow[Any]) -> Task:
    kind = row.answer_type if isinstance(row.answer_type, str) else tuple(row.answer_type)
    return Task(row.id, row.prompt, row.gold, kind, row.kind, row.extra)


def find(database: Database, id: str | None) -> SearchInfo:
    """Return one search. See `Archive.search`."""
    with database.reading() as connection:
        newest = _SEARCH.c.created_at.desc(), _SEARCH.c.id.desc()
        names = list(connection.execute(select(_SEARCH.c.id).order_by(*newest)).scalars())
        name = _choose(names, id, database.where)
        row = connection.execute(select(_SEARCH).where(_SEARCH.c.id == name)).one()
        return _info(connection, row)


def _choose(names: list[str], wanted: str | None, where: str) -> str:
    if not names:
        raise ConfigError(f"archive {where} holds no search; `metasearch run` starts one")
    if wanted is None:
        return names[0]
    if wanted in names:
        return wanted
    fitting = [name for name in names if wanted and name.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    known = fitting or names
    more = f" and {len(known) - SHOWN_SEARCHES} older" if len(known) > SHOWN_SEARCHES else ""
    problem = "is the beginning of several searches" if fitting else "is no search"
    raise ConfigError(
        f"{wanted!r} {problem} in {where}; there are: {', '.join(known[:SHOWN_SEARCHES])}{more}"
    )


def known(database: Database) -> list[SearchInfo]:
    """Return all searches, the newest first."""
    query = select(_SEARCH).order_by(_SEARCH.c.created_at.desc(), _SEARCH.c.id.desc())
    with database.reading() as connection:
        return [_info(connection, row) for row in connection.execute(query).all()]


def _sizes(connection: Connection, search_id: str) -> dict[Split, int]:
    counts = (
        select(_SEARCH_TASK.c.split, func.count())
        .where(_SEARCH_TASK.c.search_id == search_id)
        .group_by(_SEARCH_TASK.c.split)
    )
    return {Split(split): n for split, n in connection.execute(counts)}


def _info(connection: Connection, row: SqlRow[Any]) -> SearchInfo:
    return SearchInfo(
        id=row.id,
        domain=row.domain,
        strategy=row.strategy,
        config=row.config,
        seed=row.seed,
        status=SearchStatus(row.status),
        reason=row.reason,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        sizes={**dict.fromkeys(Split, 0), **_sizes(connection, row.id)},
        lease=_lease(
            connection.execute(select(_LEASE).where(_LEASE.c.search_id == row.id)).first()
        ),
    )


def _lease(row: SqlRow[Any] | None) -> Lease | None:
    return None if row is None else Lease(row.pid, row.host, row.heartbeat)


def set_status(database: Database, search_id: str, status: SearchStatus, reason: str) -> None:
    """Write where a search stands."""
    values = {
        "status": str(SearchStatus(status)),
        "reason": reason,
        "updated_at": database.clock(),
    }
    with database.writing() as connection:
        done = connection.execute(
            update(_SEARCH).where(_SEARCH.c.id == search_id).values(values)
        ).rowcount
    if not done:
        raise ConfigError(f"{search_id!r} is no search in {database.where}")


def add_event(database: Database, search_id: str, kind: str, text: str) -> None:
    """Write one line into a search's log."""
    row = {"search_id": search_id, "at": database.clock(), "kind": kind, "text": text}
    with database.writing() as connection:
        connection.execute(insert(_EVENT), row)


def events(database: Database, search_id: str, after: int) -> list[EventInfo]:
    """Return the events whose id is greater than `after`, oldest first."""
    query = (
        select(_EVENT.c.id, _EVENT.c.at, _EVENT.c.kind, _EVENT.c.text)
        .where(_EVENT.c.search_id == search_id, _EVENT.c.id > after)
        .order_by(_EVENT.c.id)
    )
    with database.reading() as connection:
        return [EventInfo(*row) for row in connection.execute(query)]


_tokens_of_this_process: set[str] = set()


class Tenant:
    """One process's side of the lease: it claims a search, says that it lives, and lets go.

    Args:
        pid, host: who this is; given by tests only.
        elapsed: seconds, from a clock that is never set.
    """

    def __init__(
        self,
        database: Database,
        *,
        pid: int | None = None,
        host: str | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._pid = os.getpid() if pid is None else pid
        self._host = socket.gethostname() if host is None else host
        self._token = f"{secrets.token_hex(8)}-{_since(self._pid)}"
        self._elapsed = elapsed
        self._beat: tuple[datetime.datetime, float] | None = None
        _tokens_of_this_process.add(self._token)

    def claim(self, search_id: str) -> None:
        """Take the lease. See `Archive.claim`."""
        now, beat = self._database.clock(), self._now()
        mine = {"pid": self._pid, "host": self._host, "token": self._token, "heartbeat": beat}
        with self._database.writing() as connection:
            query = select(_LEASE).where(_LEASE.c.search_id == search_id).with_for_update()
            held = connection.execute(query).first()
            if held is None:
                connection.execute(insert(_LEASE), {"search_id": search_id, **mine})
                return
            if held.token != self._token and not self._is_dead(held, now):
                raise ConfigError(
                    f"search {search_id} is already running as pid {held.pid} on {held.host}; "
                    f"stop that one (`metasearch stop {search_id}`) or wait for its end"
                )
            same = _LEASE.c.search_id == search_id
            connection.execute(update(_LEASE).where(same).values(mine))

    def _now(self) -> datetime.datetime:
        """Return the moment for a heartbeat; one that goes on when the clock is set back.

        Else the others, whose clocks are right, would take a living process for a dead one.
        """
        now, elapsed = self._database.clock(), self._elapsed()
        if self._beat is not None:
            before, then = self._beat
            now = max(now, before + datetime.timedelta(seconds=elapsed - then))
        self._beat = now, elapsed
        return now

    def _is_dead(self, held: SqlRow[Any], now: datetime.datetime) -> bool:
        if held.host == self._host:
            if held.pid == self._pid:
                # In a container every process may be pid 1: then who held it was before us.
                return held.token not in _tokens_of_this_process
            lives = _lives(held.pid, held.token.partition("-")[2])
            if lives is not None:  # it slept, or a clock was set: a silence proves nothing here
                return not lives
        # A heartbeat from the future (a clock was set back) is no proof of death.
        return bool((now - held.heartbeat).total_seconds() > STALE_SECONDS)

    def heartbeat(self, search_id: str) -> None:
        """Say that the search still runs. See `Archive.heartbeat`."""
        mine = (_LEASE.c.search_id == search_id) & (_LEASE.c.token == self._token)
        with self._database.writing() as connection:
            beat = update(_LEASE).where(mine).values(heartbeat=self._now())
            if connection.execute(beat).rowcount:
                return
            query = select(_LEASE).where(_LEASE.c.search_id == search_id)
            held = connection.execute(query).first()
        who = "nobody" if held is None else f"pid {held.pid} on {held.host}"
        raise ConfigError(
            f"search {search_id} is no longer this process's: {who} holds it now; "
            "this process was silent for too long and has to stop"
        )

    def release(self, search_id: str) -> None:
        """Give the lease back; nothing happens when it is another's."""
        mine = (_LEASE.c.search_id == search_id) & (_LEASE.c.token == self._token)
        with self._database.writing() as connection:
            connection.execute(delete(_LEASE).where(mine))

    def close(self) -> None:
        """Be as good as dead: a lease that was not released can be taken over."""
        _tokens_of_this_process.discard(self._token)

    def lives(self, search_id: str) -> bool:
        """Tell whether any process runs the search now."""
        with self._database.reading() as connection:
            query = select(_LEASE).where(_LEASE.c.search_id == search_id)
            held = connection.execute(query).first()
        if held is None:
            return False
        return held.token == self._token or not self._is_dead(held, self._database.clock())


def _lives(pid: int, since: str) -> bool | None:
    """Tell whether the process that began at `since` runs on this machine; None is not known."""
    if os.name != "posix":  # there, signal 0 is no question but ends the process
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    begun = _since(pid)
    # Another start: the number belongs to another process by now, or to the rest of a dead one.
    return begun == since if since and begun else None


def _since(pid: int) -> str:
    """Return when a process began, in ticks; "ended" for a zombie, "" where nobody tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        # The second field is the program's name and may hold blanks and brackets.
        fields = stat.rpartition(")")[2].split()
        return "ended" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""
