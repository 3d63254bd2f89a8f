"""Proposals: written one at a time, read back with their parents and their scores."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.engine import Row as SqlRow

from metasearch.archive.calls import insert_calls
from metasearch.archive.columns import from_picodollars, to_picodollars
from metasearch.archive.database import Database
from metasearch.archive.dialect import insert_if_absent, insert_one
from metasearch.archive.models import DesignRow, EntryRow, ParentRow, TextRow, table
from metasearch.archive.queries import (
    LEADERBOARD,
    parents_of,
    ranked_ids,
    summaries,
    winner_id,
)
from metasearch.archive.records import EntryInfo, EntryStatus
from metasearch.archive.texts import chunked, get_texts, unpack
from metasearch.errors import ConfigError
from metasearch.types import Design, ModelCall, Owner, Usage

__all__ = ["NewEntry", "add", "find", "get", "raw_text", "set_status"]

SEED = "seed"  # the proposer's name of a search's starting designs
SHOWN_NAMES = 5  # in a message

_DESIGN = table(DesignRow)
_ENTRY = table(EntryRow)
_PARENT = table(ParentRow)
_TEXT = table(TextRow)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What `Archive.add_entry` was given."""

    design: Design | None
    status: EntryStatus
    proposer: str
    operator: str
    parents: Sequence[int]
    reason: str
    spent: Usage
    dollars: float
    raw: str
    trace: Sequence[ModelCall]
    number: int | None


def add(database: Database, search_id: str, new: NewEntry) -> EntryInfo:
    """Write one proposal. See `Archive.add_entry`."""
    with database.writing() as connection:
        number = new.number if new.number is not None else _next_number(connection, search_id)
        row = _row(database, connection, search_id, number, new)
        entry_id = insert_one(connection, _ENTRY, row)
        _insert_parents(connection, search_id, entry_id, new.parents)
        insert_calls(
            database,
            connection,
            "entry_id",
            entry_id,
            new.trace,
            search_id=search_id,
            purse=Owner.PROPOSER,
        )
    return EntryInfo(
        id=entry_id,
        search_id=search_id,
        number=number,
        design=new.design,
        name=row["name"],
        status=new.status,
        proposer=new.proposer,
        operator=new.operator,
        reason=new.reason,
        parents=tuple(new.parents),
        usage=new.spent,
        dollars=from_picodollars(row["picodollars"]),
        created_at=row["created_at"],
    )


def _next_number(connection: Connection, search_id: str) -> int:
    highest = select(func.max(_ENTRY.c.number)).where(_ENTRY.c.search_id == search_id)
    found = connection.execute(highest).scalar()
    return 0 if found is None else int(found) + 1


def _row(
    database: Database, connection: Connection, search_id: str, number: int, new: NewEntry
) -> dict[str, Any]:
    now = database.clock()
    design = new.design
    if design is not None:
        source_sha = database.texts.put(connection, [design.source])[0]
        row = {"id": design.id, "source_sha": source_sha, "created_at": now}
        connection.execute(insert_if_absent(connection.dialect, _DESIGN), row)
    return {
        "search_id": search_id,
        "number": number,
        "design_id": design.id if design else None,
        "name": design.name if design else "",
        "idea": design.idea if design else "",
        "status": str(new.status),
        "proposer": new.proposer,
        "operator": new.operator,
        "reason": new.reason,
        "raw_sha": database.texts.put_one(connection, new.raw),
        "prompt_tokens": new.spent.prompt,
        "cached_tokens": new.spent.cached,
        "completion_tokens": new.spent.completion,
        "picodollars": to_picodollars(new.dollars),
        "created_at": now,
    }


def _insert_parents(
    connection: Connection, search_id: str, entry_id: int, parents: Sequence[int]
) -> None:
    if not parents:
        return
    query = select(_ENTRY.c.number, _ENTRY.c.id).where(
        _ENTRY.c.search_id == search_id, _ENTRY.c.number.in_(parents)
    )
    ids = {row.number: row.id for row in connection.execute(query)}
    rows = [
        {"child_id": entry_id, "parent_id": ids[number], "position": position}
        for position, number in enumerate(dict.fromkeys(parents))
    ]
    connection.execute(insert(_PARENT), rows)


def set_status(database: Database, entry_id: int, status: EntryStatus, reason: str | None) -> None:
    """Write what became of a proposal; a reason of None leaves the old one."""
    values = {"status": str(status)}
    if reason is not None:
        values["reason"] = reason
    with database.writing() as connection:
        connection.execute(update(_ENTRY).where(_ENTRY.c.id == entry_id).values(values))


def get(
    connection: Connection,
    search_id: str,
    *,
    statuses: Collection[str] | None = None,
    ids: Sequence[int] | None = None,
    with_summaries: bool = True,
) -> list[EntryInfo]:
    """Return entries by number, or in the order of `ids`."""
    reached = summaries(connection, search_id, ids) if with_summaries else {}
    parents = parents_of(connection, search_id, ids)
    found = [
        _info(row, parents.get(row.id, ()), reached.get(row.id, {}))
        for row in _rows(connection, search_id, statuses, ids)
    ]
    if ids is None:
        return found
    by_id = {entry.id: entry for entry in found}
    return [by_id[id] for id in ids if id in by_id]


def _rows(
    connection: Connection,
    search_id: str,
    statuses: Collection[str] | None,
    ids: Sequence[int] | None,
) -> Iterator[SqlRow[Any]]:
    query = (
        select(_ENTRY, _TEXT.c.data.label("source"))
        .outerjoin_from(_ENTRY, _DESIGN, _ENTRY.c.design_id == _DESIGN.c.id)
        .outerjoin(_TEXT, _DESIGN.c.source_sha == _TEXT.c.sha)
        .where(_ENTRY.c.search_id == search_id)
        .order_by(_ENTRY.c.number)
    )
    if statuses is not None:
        query = query.where(_ENTRY.c.status.in_([str(status) for status in statuses]))
    if ids is None:
        yield from connection.execute(query)
    else:
        for chunk in chunked(ids):
            yield from connection.execute(query.where(_ENTRY.c.id.in_(chunk)))


def _info(row: SqlRow[Any], parents: tuple[int, ...], reached: Any) -> EntryInfo:
    source = row.source
    return EntryInfo(
        id=row.id,
        search_id=row.search_id,
        number=row.number,
        design=None if source is None else Design(unpack(source), row.name, row.idea),
        name=row.name,
        status=EntryStatus(row.status),
        proposer=row.proposer,
        operator=row.operator,
        reason=row.reason,
        parents=parents,
        usage=Usage(row.prompt_tokens, row.cached_tokens, row.completion_tokens),
        dollars=from_picodollars(row.picodollars),
        created_at=row.created_at,
        summaries=reached,
    )


def raw_text(connection: Connection, entry_id: int) -> str:
    """Return what the proposer said, word for word; "" when nothing was kept."""
    sha = connection.execute(select(_ENTRY.c.raw_sha).where(_ENTRY.c.id == entry_id)).scalar()
    return get_texts(connection, [sha]).get(sha or "", "")


class _Line(NamedTuple):
    """As much of an entry as a reference can name."""

    id: int
    number: int
    design_id: str | None
    name: str
    proposer: str
    status: str


def find(connection: Connection, search_id: str, ref: str) -> EntryInfo:
    """Return the entry that a person means. See `Archive.entry`."""
    wanted = ref.strip()
    if wanted == "best":
        won = winner_id(connection, search_id)
        ids = [won] if won is not None else ranked_ids(connection, LEADERBOARD, search_id, 1)
        if not ids:
            raise ConfigError(f"no design of search {search_id} is fully evaluated yet")
    else:
        columns = (_ENTRY.c.id, _ENTRY.c.number, _ENTRY.c.design_id, _ENTRY.c.name)
        query = (
            select(*columns, _ENTRY.c.proposer, _ENTRY.c.status)
            .where(_ENTRY.c.search_id == search_id)
            .order_by(_ENTRY.c.number)
        )
        lines = [_Line(*row) for row in connection.execute(query)]
        ids = [_choose(lines, wanted, search_id).id]
    return get(connection, search_id, ids=ids)[0]


def _choose(rows: Sequence[_Line], wanted: str, search_id: str) -> _Line:
    fitting = next((found for rule in _RULES if (found := rule(rows, wanted))), [])
    # The same design proposed again is a duplicate of its first entry.
    designs = {row.design_id for row in fitting}
    if len(fitting) == 1 or (len(designs) == 1 and None not in designs):
        return fitting[0]
    originals = [row for row in fitting if row.status != EntryStatus.DUPLICATE]
    if len(originals) == 1:
        return originals[0]
    if fitting:
        shown = ", ".join(_label(row) for row in fitting[:SHOWN_NAMES])
        raise ConfigError(f"{wanted!r} fits several entries of search {search_id}: {shown}; say #N")
    raise ConfigError(_nothing_fits(rows, wanted, search_id))


def _by_number(rows: Sequence[_Line], wanted: str) -> list[_Line]:
    digits = re.fullmatch(r"#?([0-9]{1,9})", wanted)
    return [row for row in rows if digits and row.number == int(digits[1])]


def _by_seed(rows: Sequence[_Line], wanted: str) -> list[_Line]:
    kind, colon, name = wanted.partition(":")
    if not colon or kind != SEED:
        return []
    return [row for row in rows if row.proposer == SEED and row.name.lower() == name.lower()]


def _by_name(rows: Sequence[_Line], wanted: str) -> list[_Line]:
    return [row for row in rows if row.name and row.name.lower() == wanted.lower()]


def _by_design(rows: Sequence[_Line], wanted: str) -> list[_Line]:
    return [row for row in rows if wanted and (row.design_id or "").startswith(wanted)]


_RULES = (_by_number, _by_seed, _by_name, _by_design)


def _label(row: _Line) -> str:
    return f"#{row.number} {row.name}".rstrip()


def _nothing_fits(rows: Sequence[_Line], wanted: str, search_id: str) -> str:
    if not rows:
        return f"search {search_id} has no entry yet"
    by_name = {row.name: row for row in rows if row.name}
    near = difflib.get_close_matches(
        wanted.removeprefix("seed:"), by_name, n=SHOWN_NAMES, cutoff=0.4
    )
    hint = ", ".join(_label(by_name[name]) for name in near)
    hint = hint or f"#0 to #{rows[-1].number}, a name, the start of a design's id, or best"
    return f"{wanted!r} is no entry of search {search_id}; near: {hint}"
