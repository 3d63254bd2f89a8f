"""A whole search as one file, for someone else's archive: rows, texts and recorded replies.

The file is JSON lines (compressed where its name ends in .gz): a head with format, version and
schema; one line a row, in the order in which they can be written; an end with the number of lines
and the SHA-256 of all bytes before it. What is damaged, cut off or of another version changes
nothing: a file is read within the transaction that writes it.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import Connection, Insert, Select, Table, bindparam, insert, or_, select

from metasearch import __version__
from metasearch.archive.database import Database
from metasearch.archive.dialect import insert_if_absent, insert_one
from metasearch.archive.migrate import HEAD
from metasearch.archive.models import (
    METADATA,
    CallRow,
    DesignRow,
    EntryRow,
    EvaluationRow,
    EventRow,
    ParentRow,
    ReplyRow,
    SearchRow,
    SearchTaskRow,
    TaskRow,
    table,
)
from metasearch.archive.prepared import Prepared
from metasearch.archive.record import content_key, is_stored
from metasearch.archive.records import SearchStatus
from metasearch.archive.redact import Redactor
from metasearch.archive.texts import chunked, get_texts, request_shas, sha_of
from metasearch.errors import ArchiveUnavailable, ConfigError
from metasearch.types import Design, Json

__all__ = ["KEY_VARIABLE", "Handed", "read_record", "write_record"]

FORMAT, VERSION = "metasearch record", 1
PAGE = 500
# The address of an imported search's model is its sender's choice: no key of the reader's goes
# there unless the reader puts it into this variable.
KEY_VARIABLE = "METASEARCH_IMPORTED_KEY"

_SEARCH, _TASK, _PLACE = table(SearchRow), table(TaskRow), table(SearchTaskRow)
_DESIGN, _ENTRY, _PARENT = table(DesignRow), table(EntryRow), table(ParentRow)
_REPLY, _EVALUATION, _CALL, _EVENT = (
    table(ReplyRow),
    table(EvaluationRow),
    table(CallRow),
    table(EventRow),
)
_INTO = {one: insert(one) for one in (_SEARCH, _PLACE, _PARENT, _REPLY, _CALL, _EVENT)}
_TEXT_OF = Prepared(lambda _: select(_REPLY.c.text_sha).where(_REPLY.c.key == bindparam("key")))
_MOMENTS = ("created_at", "updated_at", "at")
_SHAS = ("text_sha", "stdout_sha", "raw_sha", "source_sha")


class Handed(NamedTuple):
    """What was written or read.

    Attributes:
        search: its name.
        struck: texts out of which a secret was struck; 0 when reading.
    """

    search: str
    evaluations: int
    replies: int
    struck: int


# Writing


def write_record(database: Database, search_id: str, file: Path, secrets: Iterable[str]) -> Handed:
    """Write a search into a new file. See `Archive.export_record`."""
    if file.exists():
        raise ConfigError(f"{file}: it exists already; name another file")
    partial = file.with_name(f"{file.name}.partial")
    try:
        with _opened(partial, "wb", packed=file.suffix == ".gz") as out:
            handed = _Export(database, search_id, Redactor(secrets), out).run()
        partial.replace(file)
    except OSError as error:
        raise ArchiveUnavailable(f"{file}: {error.strerror}; nothing was written there") from error
    finally:
        partial.unlink(missing_ok=True)
    return handed


@contextmanager
def _opened(file: Path, mode: str, *, packed: bool) -> Iterator[IO[bytes]]:
    opener: Callable[..., Any] = gzip.open if packed else open
    with opener(file, mode) as opened:
        yield opened


class _Export:
    """One search on its way out; all of it is one moment's state."""

    def __init__(
        self, database: Database, search_id: str, redactor: Redactor, out: IO[bytes]
    ) -> None:
        self._database = database
        self._id = search_id
        self._redactor = redactor
        self._out = out
        self._hash = hashlib.sha256()
        self._lines = 0
        self._counts = {"evaluation": 0, "reply": 0}
        self._texts: dict[str, str] = {}  # new addresses of texts that held a secret
        self._designs: dict[str, str] = {}  # and of designs

    def run(self) -> Handed:
        head = {"format": FORMAT, "version": VERSION, "schema": HEAD, "metasearch": __version__}
        self._line({**head, "search": self._id})
        with self._database.reading() as connection:
            self._write_texts(connection)
            for target, query in self._queries():
                for row in _rows(connection, query):
                    self._line({"row": target.name, **self._cleaned(target, row)})
        self._line({"end": self._lines, "sha256": self._hash.hexdigest()})
        counts = self._counts
        return Handed(self._id, counts["evaluation"], counts["reply"], self._redactor.struck)

    def _queries(self) -> list[tuple[Table, Select[Any]]]:
        mine = self._id
        entries = select(_ENTRY.c.id).where(_ENTRY.c.search_id == mine)
        measured = select(_EVALUATION.c.id).where(_EVALUATION.c.search_id == mine)
        own = or_(_CALL.c.evaluation_id.in_(measured), _CALL.c.entry_id.in_(entries))
        used = select(_CALL.c.reply_key).where(own, _CALL.c.reply_key.is_not(None))
        tasks = select(_PLACE.c.task_sha).where(_PLACE.c.search_id == mine)
        designs = select(_ENTRY.c.design_id).where(_ENTRY.c.search_id == mine)
        replies = or_(_REPLY.c.search_id == mine, _REPLY.c.key.in_(used))
        return [
            (_SEARCH, select(_SEARCH).where(_SEARCH.c.id == mine)),
            (_TASK, select(_TASK).where(_TASK.c.sha.in_(tasks)).order_by(_TASK.c.sha)),
            (_PLACE, select(_PLACE).where(_PLACE.c.search_id == mine).order_by(*_PLACE.c)),
            (_DESIGN, select(_DESIGN).where(_DESIGN.c.id.in_(designs)).order_by(_DESIGN.c.id)),
            (_ENTRY, select(_ENTRY).where(_ENTRY.c.search_id == mine).order_by(_ENTRY.c.id)),
            (_PARENT, select(_PARENT).where(_PARENT.c.child_id.in_(entries)).order_by(*_PARENT.c)),
            (_REPLY, select(_REPLY).where(replies).order_by(_REPLY.c.key)),
            (
                _EVALUATION,
                select(_EVALUATION)
                .where(_EVALUATION.c.search_id == mine)
                .order_by(_EVALUATION.c.id),
            ),
            (_CALL, select(_CALL).where(own).order_by(_CALL.c.id)),
            (_EVENT, select(_EVENT).where(_EVENT.c.search_id == mine).order_by(_EVENT.c.id)),
        ]

    def _write_texts(self, connection: Connection) -> None:
        wanted: set[str] = set()
        sources: dict[str, str] = {}
        for target, query in self._queries():
            if not {*_SHAS, "request"} & set(target.c.keys()):
                continue
            for row in _rows(connection, query):
                wanted.update(row[name] for name in _SHAS if row.get(name))
                wanted.update(request_shas(row["request"]) if row.get("request") else ())
                if target is _DESIGN:
                    sources[row["source_sha"]] = row["id"]
        for chunk in chunked(sorted(wanted)):
            for sha, text in sorted(get_texts(connection, chunk).items()):
                clean = self._redactor.text(text)
                if clean is not text:
                    self._texts[sha] = sha_of(clean)
                    if sha in sources:
                        self._designs[sources[sha]] = Design(clean).id
                self._line({"row": "text", "text": clean})

    def _cleaned(self, target: Table, row: dict[str, Json]) -> dict[str, Json]:
        """Return a row as JSON: without secrets, and with the new addresses of cleaned texts."""
        if target.name in self._counts:
            self._counts[target.name] += 1
        if target is _SEARCH:
            row["config"] = {**row["config"], "archive": None}  # its URL may hold a password
        if target is _REPLY:
            row["search_id"] = None  # who imports it has not paid for it
        if row.get("request"):
            row["request"] = _readdressed(row["request"], self._texts)
        for name in _MOMENTS:
            if name in row:
                row[name] = row[name].isoformat()
        for name in _SHAS:
            if row.get(name):
                row[name] = self._texts.get(row[name], row[name])
        for name in ("id", "design_id") if target in (_DESIGN, _ENTRY, _EVALUATION) else ():
            if isinstance(row.get(name), str):
                row[name] = self._designs.get(row[name], row[name])
        clean: dict[str, Json] = self._redactor.json(row)
        return clean

    def _line(self, value: Mapping[str, Json]) -> None:
        data = json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        self._hash.update(data)
        self._lines += 1
        self._out.write(data)


def _rows(connection: Connection, query: Select[Any]) -> Iterator[dict[str, Json]]:
    streamed = connection.execution_options(yield_per=PAGE)
    yield from (dict(row) for row in streamed.execute(query).mappings())


def _readdressed(body: Json, texts: Mapping[str, str]) -> Json:
    new = {**body, "messages": [[role, texts.get(sha, sha)] for role, sha in body["messages"]]}
    if "schema" in body:
        new["schema"] = texts.get(body["schema"], body["schema"])
    return new


# Reading


def read_record(database: Database, file: Path, name: str | None) -> Handed:
    """Write what a file holds into the archive. See `Archive.import_record`."""
    try:
        with file.open("rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
        with _opened(file, "rb", packed=packed) as lines, database.writing() as connection:
            reading = _Import(database, connection, name)
            for row in _checked(str(file), lines):
                reading.take(row)
            return reading.finish()
    except database.integrity_errors as error:
        raise ConfigError(f"{file}: its rows do not fit together; nothing was imported") from error
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ConfigError(_cut_off(str(file))) from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # whatever it holds
        what = f"{type(error).__name__}: {error}"[:200]
        raise ConfigError(f"{file}: a row of it is wrong ({what}); nothing was imported") from error
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}; check the path") from None


def _cut_off(file: str) -> str:
    return f"{file} ends in its middle: it was cut off; copy it again (nothing was imported)"


def _checked(file: str, lines: Iterable[bytes]) -> Iterator[dict[str, Json]]:
    """Yield a file's rows; raises before the last one is believed if anything is wrong with it."""
    digest, number = hashlib.sha256(), 0
    for number, line in enumerate(lines):
        row = _parsed(file, line, number)
        if number == 0:
            _check_head(file, row)
        elif "end" in row:
            if row["end"] != number or row.get("sha256") != digest.hexdigest():
                raise ConfigError(
                    f"{file} was damaged or changed (its hash is wrong); copy it again "
                    "(nothing was imported)"
                )
            return
        else:
            yield row
        digest.update(line)
    raise ConfigError(_cut_off(file))


def _parsed(file: str, line: bytes, number: int) -> dict[str, Json]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if isinstance(row, dict):
        return row
    if number == 0:
        raise ConfigError(f"{file} is no record; `metasearch archive record export` writes one")
    raise ConfigError(_cut_off(file))


def _check_head(file: str, head: Mapping[str, Json]) -> None:
    if head.get("format") != FORMAT:
        raise ConfigError(f"{file} is no record; `metasearch archive record export` writes one")
    found, known = (head.get("version"), head.get("schema")), (VERSION, HEAD)
    if found != known:
        raise ConfigError(
            f"{file} is a record of version {found[0]}, schema {found[1]}, by metasearch "
            f"{head.get('metasearch')}; this one reads version {known[0]}, schema {known[1]}: "
            "export it again, with the same metasearch as here"
        )


class _Import:
    """One search on its way in, within one transaction."""

    def __init__(self, database: Database, connection: Connection, name: str | None) -> None:
        self._database = database
        self._connection = connection
        self._name = name
        dialect = connection.dialect
        self._if_absent = {one: insert_if_absent(dialect, one) for one in (_TASK, _DESIGN)}
        self._entries: dict[int, int] = {}
        self._evaluations: dict[int, int] = {}
        self._keys: dict[str, str] = {}
        self._taken: set[str] = set()
        self._replies = 0
        self._statement: Insert | None = None  # of the rows that wait to be written together
        self._rows: list[dict[str, Any]] = []
        self._texts: list[str] = []

    def take(self, row: dict[str, Json]) -> None:
        """Write one row."""
        kind = str(row.pop("row"))
        if kind == "text":
            self._texts.append(row["text"])
            if len(self._texts) >= PAGE:
                self._flush_texts()
            return
        self._flush_texts()
        target = METADATA.tables[kind]
        if set(row) != set(target.c.keys()):
            raise KeyError(f"columns of {kind}")
        for name in _MOMENTS:
            if name in row:
                row[name] = datetime.datetime.fromisoformat(row[name])
        if "search_id" in row and row["search_id"] is not None:
            row["search_id"] = self._name
        getattr(self, f"_take_{kind}")(row)

    def finish(self) -> Handed:
        """Write what is left over."""
        if self._name is None:
            raise KeyError("search")
        text = f"from a record: {len(self._evaluations)} evaluations, {self._replies} replies"
        row = {"search_id": self._name, "at": self._database.clock(), "kind": "imported"}
        self._put(_INTO[_EVENT], {**row, "text": text})
        self._flush()
        return Handed(self._name, len(self._evaluations), self._replies, 0)

    def _put(self, statement: Insert, row: dict[str, Any]) -> None:
        """Write a row, together with its neighbours of the same kind."""
        is_alike = self._rows and self._rows[0].keys() == row.keys()
        if statement is not self._statement or not is_alike or len(self._rows) >= PAGE:
            self._flush()
        self._statement = statement
        self._rows.append(row)

    def _flush(self) -> None:
        if self._statement is not None and self._rows:
            self._connection.execute(self._statement, self._rows)
        self._rows = []

    def _flush_texts(self) -> None:
        if self._texts:
            self._database.texts.put(self._connection, self._texts)
            self._texts.clear()

    def _take_search(self, row: dict[str, Any]) -> None:
        row["id"] = self._name = self._name or row["id"]
        if self._connection.execute(select(_SEARCH.c.id).where(_SEARCH.c.id == row["id"])).first():
            raise ConfigError(
                f"search {row['id']!r} is in {self._database.where} already; "
                "import it under another name: --name NAME"
            )
        if row["status"] == SearchStatus.RUNNING:
            row |= {"status": str(SearchStatus.PAUSED), "reason": "it ran when it was exported"}
        row["config"] = _disarmed(row["config"], self._name)
        self._put(_INTO[_SEARCH], row)

    def _take_task(self, row: dict[str, Any]) -> None:
        self._put(self._if_absent[_TASK], row)

    def _take_search_task(self, row: dict[str, Any]) -> None:
        self._put(_INTO[_PLACE], row)

    def _take_design(self, row: dict[str, Any]) -> None:
        sources = get_texts(self._connection, [row["source_sha"]])
        if Design(sources[row["source_sha"]]).id != row["id"]:
            raise KeyError(f"design {row['id']}")  # it would stand for another one's source
        self._put(self._if_absent[_DESIGN], row)

    def _take_entry(self, row: dict[str, Any]) -> None:
        self._flush()
        old = row.pop("id")
        self._entries[old] = insert_one(self._connection, _ENTRY, row)

    def _take_parent(self, row: dict[str, Any]) -> None:
        for name in ("child_id", "parent_id"):
            row[name] = self._entries[row[name]]
        self._put(_INTO[_PARENT], row)

    def _take_reply(self, row: dict[str, Any]) -> None:
        """Write a reply; where the record has another one, beside it."""
        self._replies += 1
        old, row["search_id"] = row["key"], None
        here = _TEXT_OF.fetch(self._connection, {"key": old})
        if here and here[0][0] == row["text_sha"]:
            return
        if here or old in self._taken:
            row["key"] = self._keys[old] = self._free(content_key(old))
        self._taken.add(row["key"])
        self._put(_INTO[_REPLY], row)

    def _free(self, key: str) -> str:
        """Return a key beside this one that is not taken."""
        names = (f"{key}~{number}" for number in count(2))
        return next(n for n in names if n not in self._taken and not is_stored(self._connection, n))

    def _take_evaluation(self, row: dict[str, Any]) -> None:
        self._flush()
        old, row["entry_id"] = row.pop("id"), self._entries[row["entry_id"]]
        self._evaluations[old] = insert_one(self._connection, _EVALUATION, row)

    def _take_call(self, row: dict[str, Any]) -> None:
        del row["id"]
        if row["evaluation_id"] is not None:
            row["evaluation_id"] = self._evaluations[row["evaluation_id"]]
        if row["entry_id"] is not None:
            row["entry_id"] = self._entries[row["entry_id"]]
        if row["reply_key"] is not None:
            row["reply_key"] = self._keys.get(row["reply_key"], row["reply_key"])
            del row["request"]  # absent is NULL; None would be the JSON null
        self._put(_INTO[_CALL], row)

    def _take_event(self, row: dict[str, Any]) -> None:
        del row["id"]
        self._put(_INTO[_EVENT], row)


def _disarmed(config: Json, name: str) -> Json:
    """Return a configuration that sends none of the reader's keys to the sender's address."""
    new = {**config, "name": name, "archive": None}
    for section in ("model", "meta_model"):
        if isinstance(new.get(section), dict):
            new[section] = {**new[section], "key_env": KEY_VARIABLE}
    return new
