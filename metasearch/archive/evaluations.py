"""Evaluations: each written in one transaction, with its trace, and read back as it was."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Select, Text, select, type_coerce, update

from metasearch.archive.calls import delete_calls, insert_calls, read_calls
from metasearch.archive.columns import (
    JsonText,
    SafeText,
    from_picodollars,
    to_picodollars,
    unsafe,
)
from metasearch.archive.database import Database
from metasearch.archive.dialect import insert_one
from metasearch.archive.models import EvaluationRow, table
from metasearch.archive.texts import get_texts
from metasearch.errors import ConfigError
from metasearch.types import Evaluation, ModelCall, Outcome, Owner, Split, Usage

__all__ = ["Measured", "add", "by_entry", "get", "measured", "on_task"]

SHOWN_TASKS = 5  # in a message

_EVALUATION = table(EvaluationRow)
_SPLITS = {str(split): split for split in Split}  # Split(text) costs 1 us, for 100,000 rows twice
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}
_NAMES = (
    "entry_id",
    "id",
    "stdout_sha",
    "split",
    "outcome",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "picodollars",
    "design_id",
    "task_id",
    "repeat",
    "score",
    "answer",
    "error",
    "calls",
    "seconds",
    "active_seconds",
)
# Texts as they are stored: SQLAlchemy's way to undo what the columns' types did takes longer than
# the rest of reading 100,000 rows. `_evaluation` undoes it.
_COLUMNS = [
    type_coerce(_EVALUATION.c[name], Text)
    if isinstance(_EVALUATION.c[name].type, JsonText | SafeText)
    else _EVALUATION.c[name]
    for name in _NAMES
]


class Measured(NamedTuple):
    """An evaluation in figures: all that designs are compared by, and nothing that was said.

    A search keeps them of all its evaluations. They are read in a third of the time that whole
    evaluations take, and the memory that they need does not depend on how much a design talks.

    Attributes:
        score: in [0, 1].
        tokens: prompt and completion together.
        picodollars: see `Evaluation.dollars`; whole, so that no order of adding them up matters.
        calls: how many the design made.
    """

    split: Split
    task_id: str
    repeat: int
    outcome: Outcome
    score: float
    tokens: int
    picodollars: int
    calls: int

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        """Return the figures of an evaluation."""
        return cls(
            evaluation.split,
            evaluation.task_id,
            evaluation.repeat,
            evaluation.outcome,
            evaluation.score,
            evaluation.usage.total,
            to_picodollars(evaluation.dollars),
            evaluation.calls,
        )


def add(database: Database, search_id: str, entry_id: int, evaluation: Evaluation) -> int:
    """Write one evaluation. See `Archive.add_evaluation`."""
    value = _EVALUATION.c
    same = (
        (value.search_id == search_id)
        & (value.design_id == evaluation.design_id)
        & (value.task_id == evaluation.task_id)
        & (value.repeat == evaluation.repeat)
    )
    with database.writing() as connection:
        before = connection.execute(select(value.id, value.outcome).where(same)).first()
        if before is not None and before.outcome != Outcome.INFRASTRUCTURE:
            return int(before.id)
        row = _row(database, connection, search_id, entry_id, evaluation)
        if before is None:
            id = insert_one(connection, _EVALUATION, row)
        else:
            id = int(before.id)
            delete_calls(connection, id)
            connection.execute(update(_EVALUATION).where(value.id == id).values(row))
        insert_calls(
            database,
            connection,
            "evaluation_id",
            id,
            evaluation.trace,
            search_id=search_id,
            purse=Owner.EVALUATION,
        )
    return id


def _row(
    database: Database,
    connection: Connection,
    search_id: str,
    entry_id: int,
    evaluation: Evaluation,
) -> dict[str, Any]:
    return {
        "search_id": search_id,
        "entry_id": entry_id,
        "design_id": evaluation.design_id,
        "task_id": evaluation.task_id,
        "split": str(evaluation.split),
        "repeat": evaluation.repeat,
        "outcome": str(evaluation.outcome),
        "score": float(evaluation.score),
        "answer": evaluation.answer,
        "error": evaluation.error,
        "stdout_sha": database.texts.put_one(connection, evaluation.stdout),
        "calls": evaluation.calls,
        "prompt_tokens": evaluation.usage.prompt,
        "cached_tokens": evaluation.usage.cached,
        "completion_tokens": evaluation.usage.completion,
        "picodollars": to_picodollars(evaluation.dollars),
        "seconds": float(evaluation.seconds),
        "active_seconds": float(evaluation.active_seconds),
        "created_at": database.clock(),
    }


def get(
    connection: Connection,
    search_id: str,
    *,
    entry_id: int | None,
    split: Split | None,
    with_trace: bool,
) -> list[Evaluation]:
    """Return evaluations in the order in which they were written."""
    value = _EVALUATION.c
    query = select(*_COLUMNS).where(value.search_id == search_id)
    if entry_id is not None:
        query = query.where(value.entry_id == entry_id)
    if split is not None:
        query = query.where(value.split == str(split))
    found = _read(connection, query.order_by(value.id), with_trace=with_trace)
    return [evaluation for _, evaluation in found]


def by_entry(connection: Connection, search_id: str, split: Split) -> dict[int, list[Evaluation]]:
    """Return the evaluations of one split without traces, by their entry's row id."""
    value = _EVALUATION.c
    mine = (value.search_id == search_id) & (value.split == str(split))
    found: dict[int, list[Evaluation]] = defaultdict(list)
    query = select(*_COLUMNS).where(mine).order_by(value.id)
    for entry_id, evaluation in _read(connection, query, with_trace=False):
        found[entry_id].append(evaluation)
    return dict(found)


def measured(connection: Connection, search_id: str) -> dict[int, list[Measured]]:
    """Return the figures of a search's evaluations, by their entry's row id."""
    value = _EVALUATION.c
    query = (
        select(
            value.entry_id,
            value.split,
            type_coerce(value.task_id, Text),
            value.repeat,
            value.outcome,
            value.score,
            value.prompt_tokens + value.completion_tokens,
            value.picodollars,
            value.calls,
        )
        .where(value.search_id == search_id)
        .order_by(value.id)
    )
    tasks: dict[str, str] = {}  # one string for all evaluations on a task
    found: dict[int, list[Measured]] = defaultdict(list)
    for entry_id, split, stored, repeat, outcome, *figures in connection.execute(query).all():
        task_id = tasks.get(stored) or tasks.setdefault(stored, unsafe(stored))
        found[entry_id].append(
            Measured(_SPLITS[split], task_id, repeat, _OUTCOMES[outcome], *figures)
        )
    return dict(found)


def on_task(
    connection: Connection, search_id: str, entry_id: int, task: str, repeat: int
) -> Evaluation:
    """Return one evaluation with its trace. See `Archive.trace`."""
    value = _EVALUATION.c
    mine = (value.search_id == search_id) & (value.entry_id == entry_id) & (value.repeat == repeat)
    known = connection.execute(select(value.id, value.task_id).where(mine).order_by(value.id)).all()
    exact = [row.id for row in known if row.task_id == task]
    fitting = exact or [row.id for row in known if task and row.task_id.startswith(task)]
    if len(fitting) != 1:
        more = ", ..." if len(known) > SHOWN_TASKS else ""
        names = ", ".join(row.task_id for row in known[:SHOWN_TASKS]) + more
        problem = "is the beginning of several tasks" if fitting else "is no task"
        raise ConfigError(
            f"{task!r} {problem} on which this entry was evaluated (repeat {repeat}); "
            f"it was on {len(known)}: {names or 'none'}"
        )
    query = select(*_COLUMNS).where(value.id == fitting[0])
    return _read(connection, query, with_trace=True)[0][1]


def _read(
    connection: Connection, query: Select[Any], *, with_trace: bool
) -> list[tuple[int, Evaluation]]:
    """Return evaluations with their entry's row id, in the query's order."""
    rows = connection.execute(query).all()
    texts = get_texts(connection, {row.stdout_sha for row in rows})
    traces = read_calls(connection, "evaluation_id", [row.id for row in rows] if with_trace else [])
    return [(row[0], _evaluation(texts, traces, *row[1:])) for row in rows]


def _evaluation(
    texts: Mapping[str, str],
    traces: Mapping[int, tuple[ModelCall, ...]],
    id: int,
    stdout_sha: str | None,
    split: str,
    outcome: str,
    prompt: int,
    cached: int,
    completion: int,
    picodollars: int,
    *values: Any,
) -> Evaluation:
    """Take a row of `_COLUMNS` by position."""
    design_id, task_id, repeat, score, answer, error, calls, seconds, active_seconds = values
    return Evaluation(
        design_id=design_id,
        task_id=unsafe(task_id),
        split=_SPLITS[split],
        repeat=repeat,
        outcome=_OUTCOMES[outcome],
        score=score,
        answer=json.loads(answer),
        error=unsafe(error),
        stdout=texts[stdout_sha] if stdout_sha else "",
        usage=Usage(prompt, cached, completion),
        calls=calls,
        dollars=from_picodollars(picodollars),
        seconds=seconds,
        active_seconds=active_seconds,
        trace=traces.get(id, ()),
    )
