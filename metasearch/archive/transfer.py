"""Out of the archive: a stranger's SQL, files for other tools."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Literal, TextIO

from sqlalchemy import select

from metasearch.archive import dialect, entries, postgres
from metasearch.archive.calls import read_calls
from metasearch.archive.columns import from_picodollars
from metasearch.archive.database import Database
from metasearch.archive.models import EntryRow, EvaluationRow, table
from metasearch.archive.records import EntryInfo, SearchInfo, SqlResult, Summary
from metasearch.archive.searches import get_tasks
from metasearch.archive.texts import get_texts
from metasearch.errors import ConfigError
from metasearch.types import Json, ModelCall, Split

__all__ = ["FORMATS", "Format", "export", "sql"]

Format = Literal["jsonl", "csv"]
FORMATS: tuple[Format, ...] = ("jsonl", "csv")

_ENTRY = table(EntryRow)
_EVALUATION = table(EvaluationRow)
_PAGE_EVALUATIONS = 500
_NO_QUERY = "archive sql: that is no query; only SELECT is answered"
_COLUMNS = (
    "search_id",
    "number",
    "design_id",
    "name",
    "split",
    "task_id",
    "repeat",
    "outcome",
    "score",
    "calls",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "dollars",
    "seconds",
    "active_seconds",
)


def sql(database: Database, query: str) -> SqlResult:
    """Run a stranger's query. See `Archive.sql`."""
    if database.file is None:
        return _server_sql(database, query)
    try:
        with closing(dialect.open_for_query(database.file)) as connection:
            cursor = connection.execute(query)
            if cursor.description is None:
                raise ConfigError(_NO_QUERY)
            return SqlResult(tuple(name for name, *_ in cursor.description), cursor.fetchall())
    except sqlite3.Error as error:
        raise _sql_error(error, database.where) from None


def _server_sql(database: Database, query: str) -> SqlResult:
    """Run it in a transaction that the server keeps read-only."""
    with database.reading() as connection:
        cursor = connection.connection.cursor()
        try:
            postgres.execute_one(cursor, query)
            if cursor.description is None:
                raise ConfigError(_NO_QUERY)
            columns = tuple(column[0] for column in cursor.description)
            return SqlResult(columns, [postgres.plain_row(row) for row in cursor.fetchall()])
        except connection.dialect.loaded_dbapi.Error as error:
            raise ConfigError(f"archive sql: {_first_line(error)}{_hint(query)}") from None
        finally:
            cursor.close()


def _hint(query: str) -> str:
    if "unzip" in query.lower():
        return "; SQLite alone has unzip(): `metasearch archive export` writes all texts"
    return "; the tables and views are in archive/README.md"


def _sql_error(error: sqlite3.Error, where: str) -> Exception:
    if getattr(error, "sqlite_errorname", None) == "SQLITE_AUTH" or "denied" in str(error):
        return ConfigError(f"archive sql: {error}; it reads tables and views, and nothing else")
    name = getattr(error, "sqlite_errorname", None)
    if name in (None, "SQLITE_ERROR"):  # the query's own fault
        return ConfigError(
            f"archive sql: {_first_line(error)}; the tables and views are in archive/README.md, "
            "or SELECT name FROM sqlite_master"
        )
    return dialect.explain(error, where)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]


def export(database: Database, search: SearchInfo, format: Format, out: TextIO) -> int:
    """Write a search for other tools. See `Archive.export`."""
    if format == "csv":
        return _export_csv(database, search, out)
    if format != "jsonl":
        raise ConfigError(f"{format!r} is no export format; there are: {', '.join(FORMATS)}")
    lines = 0
    for record in _records(database, search):
        out.write(json.dumps(record, separators=(",", ":")) + "\n")
        lines += 1
    return lines


def _records(database: Database, search: SearchInfo) -> Iterator[dict[str, Json]]:
    yield {
        "type": "search",
        "id": search.id,
        "domain": search.domain,
        "strategy": search.strategy,
        "seed": search.seed,
        "config": dict(search.config),
        "status": str(search.status),
        "reason": search.reason,
        "version": search.version,
        "created_at": search.created_at.isoformat(),
    }
    for split in Split:
        for position, task in enumerate(get_tasks(database, search.id, split)):
            yield {
                "type": "task",
                "id": task.id,
                "split": str(split),
                "position": position,
                "prompt": task.prompt,
                "gold": task.gold,
                "answer_type": task.answer_type,
                "kind": task.kind,
                "extra": task.extra,
            }
    with database.reading() as connection:
        everyone = entries.get(connection, search.id)
    yield from (_entry_record(entry) for entry in everyone)
    yield from _evaluation_records(database, search.id)


def _entry_record(entry: EntryInfo) -> dict[str, Json]:
    design = entry.design
    return {
        "type": "entry",
        "number": entry.number,
        "design_id": design.id if design else None,
        "name": entry.name,
        "idea": design.idea if design else "",
        "source": design.source if design else None,
        "status": str(entry.status),
        "proposer": entry.proposer,
        "operator": entry.operator,
        "reason": entry.reason,
        "parents": list(entry.parents),
        "tokens": entry.usage.total,
        "dollars": entry.dollars,
        "created_at": entry.created_at.isoformat(),
        "summaries": {str(split): _summary_record(s) for split, s in entry.summaries.items()},
    }


def _summary_record(summary: Summary) -> dict[str, Json]:
    return {
        "n": summary.n,
        "mean": summary.mean,
        "solved": summary.solved,
        "dollars_per_task": summary.dollars_per_task,
        "tokens_per_task": summary.tokens_per_task,
        "seconds_per_task": summary.seconds_per_task,
        "outcomes": {str(outcome): n for outcome, n in summary.outcomes.items()},
    }


def _pages(database: Database, search_id: str) -> Iterator[list[Json]]:
    """Yield evaluation rows with their entry's number and name, a page at a time.

    Each page is a transaction of its own: an export of hours must not hold the log of a running
    search. Rows are never changed, so the pages fit together.
    """
    after = 0
    while True:
        query = (
            select(_ENTRY.c.number, _ENTRY.c.name, _EVALUATION)
            .join_from(_EVALUATION, _ENTRY, _EVALUATION.c.entry_id == _ENTRY.c.id)
            .where(_EVALUATION.c.search_id == search_id, _EVALUATION.c.id > after)
            .order_by(_EVALUATION.c.id)
            .limit(_PAGE_EVALUATIONS)
        )
        with database.reading() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        if not rows:
            return
        yield rows
        after = rows[-1]["id"]


def _evaluation_records(database: Database, search_id: str) -> Iterator[dict[str, Json]]:
    for rows in _pages(database, search_id):
        with database.reading() as connection:
            texts = get_texts(connection, (row["stdout_sha"] for row in rows))
            traces = read_calls(connection, "evaluation_id", [row["id"] for row in rows])
        for row in rows:
            yield {
                "type": "evaluation",
                **{name: row[name] for name in _COLUMNS if name in row},
                "dollars": from_picodollars(row["picodollars"]),
                "answer": row["answer"],
                "error": row["error"],
                "stdout": texts.get(row["stdout_sha"] or "", ""),
                "trace": [_call_record(call) for call in traces.get(row["id"], ())],
            }


def _call_record(call: ModelCall) -> dict[str, Json]:
    request, reply = call.request, call.reply
    record: dict[str, Json] = {
        "agent": call.agent,
        "key": call.key,
        "model": request.model,
        "messages": [list(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "schema": request.schema,
        "error": call.error,
    }
    if reply is not None:
        record |= {
            "reply": reply.text,
            "finish": str(reply.finish),
            "prompt_tokens": reply.usage.prompt,
            "completion_tokens": reply.usage.completion,
            "dollars": reply.dollars,
            "seconds": reply.seconds,
            "recorded": reply.recorded,
        }
    return record


# A spreadsheet runs what begins like this, and a model chose the design's name.
_FORMULA = re.compile(r"[=+\-@\t\r]")


def _export_csv(database: Database, search: SearchInfo, out: TextIO) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    lines = 0
    for rows in _pages(database, search.id):
        for row in rows:
            row["dollars"] = from_picodollars(row["picodollars"])
            row["name"] = _plain_cell(row["name"])
            writer.writerow([row[name] for name in _COLUMNS])
        lines += len(rows)
    return lines


def _plain_cell(text: str) -> str:
    safe = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")
    return f"'{safe}" if _FORMULA.match(safe) else safe
