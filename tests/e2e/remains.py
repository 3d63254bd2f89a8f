"""What a kill leaves: rows, processes, containers and files; Linux only."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from metasearch.archive import Archive
from metasearch.archive.models import METADATA
from metasearch.archive.texts import get_texts, join_request, request_shas
from metasearch.sandbox import owners
from metasearch.sandbox.engine import connect
from metasearch.types import Json, Owner, Split, Stream
from tests.e2e.torment import identity_of_row

_PR_SET_CHILD_SUBREAPER = 36
PASSING = {"lease"}  # tables whose rows come and go
STATE = {"status", "reason", "updated_at"}  # columns of a search, and of an entry that is pending
DYING_SECONDS = 10.0  # for a process that is being killed, on a busy machine


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows at one moment.

    Attributes:
        rows: by table, then by primary key, as column -> value.
        charges: of every committed reply which request it answers (see `torment`), whether it only
            tried the model, and its picodollars.
        faults: what the archive's own check finds.
    """

    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    charges: tuple[tuple[str, bool, int], ...] = ()
    faults: tuple[str, ...] = ()

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of one table."""
        return list(self.rows.get(name, {}).values())

    @property
    def paid(self) -> set[str]:
        """Return the requests that have a committed reply, those left out that try the model."""
        return {identity for identity, tried, _ in self.charges if not tried}

    @property
    def dollars(self) -> float:
        """Return what the committed replies have cost."""
        return sum(picodollars for _, _, picodollars in self.charges) / 10**12

    @property
    def status(self) -> str:
        """Return where the search stands, "" before it has a row."""
        return next((str(row["status"]) for row in self.of("search")), "")

    @property
    def phase(self) -> str:
        """Name the stretch of a search's life in which this is."""
        if not self.of("search"):
            return "before its row"
        if self.status in ("finished", "stopped"):
            return "after its end"
        if any(row["kind"] == "test-opened" for row in self.of("event")):
            return "in the test"
        entries = self.of("entry")
        if not entries:
            return "before its entries"
        return "in the seeds' race" if len(entries) <= 3 else "among proposals"


def snapshot(place: str, scratch: Path) -> Snapshot:
    """Read everything; of a file a copy is read, so that the next process finds it as it was left.

    Args:
        place: as `--archive` takes it.
        scratch: a folder for the copy.
    """
    if "://" in place:
        return _read(place)
    file = Path(place)
    copy = scratch / file.name
    for ending in ("", "-wal"):
        Path(f"{copy}{ending}").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy(f"{file}{ending}", f"{copy}{ending}")
    return _read(str(copy)) if copy.exists() else Snapshot()


def _read(place: str) -> Snapshot:
    with Archive.open(place) as archive, archive._database.reading() as connection:
        rows = {}
        for each in METADATA.sorted_tables:
            keys = [column.name for column in each.primary_key]
            found = [dict(row) for row in connection.execute(select(each)).mappings()]
            rows[each.name] = {tuple(row[key] for key in keys): row for row in found}
        replies = list(rows["reply"].values())
        shas = [sha for one in replies for sha in request_shas(one["request"])]
        texts = get_texts(connection, shas)
        charges = []
        for one in replies:
            request = join_request(one["model"], one["request"], texts)
            stream = Stream(one["scope"], one["repeat"], one["occurrence"])
            identity = identity_of_row(request, stream)
            charges.append((identity, one["owner"] == Owner.PROBE, int(one["picodollars"])))
        return Snapshot(rows, tuple(charges), tuple(archive.check()))


def lost(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Say of each committed row that is gone or another one."""
    for name, rows in before.rows.items():
        if name in PASSING:
            continue
        for key, row in rows.items():
            now = after.rows.get(name, {}).get(key)
            if now is None:
                yield f"{name} {key} is gone"
                continue
            open_ = name == "search" or (name == "entry" and row["status"] == "pending")
            for column in row.keys() - (STATE if open_ else set()):
                if row[column] != now[column]:
                    yield f"{name} {key}: {column} was {row[column]!r}, is {now[column]!r}"


def found(place: str, search_id: str) -> dict[str, Json]:
    """Return all that a search has found, without times and without who paid: for comparisons."""
    with Archive.open(place, read_only=True) as archive:
        info = archive.search(search_id)
        evaluations = archive.evaluations(search_id, with_trace=True)
        entries = archive.entries(search_id)
        numbers = {entry.design.id: entry.number for entry in reversed(entries) if entry.design}
        return {
            "status": [info.status, info.reason],
            "entries": {
                entry.number: [
                    entry.design and entry.design.id,
                    entry.status,
                    entry.reason,
                    entry.proposer,
                    entry.operator,
                    entry.parents,
                    entry.usage,
                    entry.dollars,
                    archive.entry_raw(entry.id),
                ]
                for entry in entries
            },
            "evaluations": {
                (numbers[one.design_id], str(one.split), one.task_id, one.repeat): [
                    one.outcome,
                    one.score,
                    one.answer,
                    one.error,
                    one.stdout,
                    one.calls,
                    one.usage,
                    one.dollars,
                    sorted((call.position, call.agent, call.key) for call in one.trace),
                ]
                for one in evaluations
            },
            "looks at the test": [
                event.text for event in archive.events(search_id) if event.kind == "test-opened"
            ],
        }


def differences(one: dict[str, Json], other: dict[str, Json]) -> Iterator[str]:
    """Say where two searches found something else."""
    for part in one:
        mine, theirs = one[part], other[part]
        if not isinstance(mine, dict):
            if mine != theirs:
                yield f"{part}: {theirs!r} instead of {mine!r}"
            continue
        for key in sorted(mine.keys() | theirs.keys()):
            if mine.get(key) != theirs.get(key):
                yield f"{part} {key}: {theirs.get(key)!r} instead of {mine.get(key)!r}"[:600]


def spent(place: str, search_id: str) -> float:
    """Return the dollars that the archive says were spent."""
    with Archive.open(place, read_only=True) as archive:
        return archive.spent(search_id).dollars


def sealed_terms(place: str, search_id: str) -> set[int]:
    """Return the first terms of the sums of the sealed split, by which they are known."""
    with Archive.open(place, read_only=True) as archive:
        tasks = archive.tasks(search_id, Split.TEST)
    return {int(number) for task in tasks for number in re.findall(r"is (\d+) \+", task.prompt)}


def inherit_orphans() -> None:
    """Become the parent of whatever the death of a child orphans."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def orphans(known: set[int]) -> list[str]:
    """Return the command lines of those that outlive their killed parent for too long.

    Args:
        known: children that were there before.
    """
    end = time.monotonic() + DYING_SECONDS
    while True:
        left = children() - known
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if not left or time.monotonic() > end:
            return [f"process {pid}: {_command(pid)}" for pid in left]
        time.sleep(0.005)


def children() -> set[int]:
    """Return the pids of this process's children."""
    me, pids = str(os.getpid()), set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            if stat.read_text("ascii", "replace").rpartition(")")[2].split()[1] == me:
                pids.add(int(stat.parent.name))
    return pids


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return "?"


def containers(run: str) -> list[str]:
    """Return the containers of a search, running or not, by id and state."""
    client = connect()
    try:
        all_ours = client.api.containers(all=True, filters={"label": owners.RUN})
    finally:
        client.close()
    mine = [one for one in all_ours if one["Labels"][owners.RUN].startswith(f"{run}-")]
    return [f"container {one['Id'][:12]} ({one['State']})" for one in mine]
