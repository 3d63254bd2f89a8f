"""Questions to a search's evaluations, answered by the database: ranks, fronts, family trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    TableClause,
    Text,
    case,
    column,
    func,
    select,
    type_coerce,
)
from sqlalchemy import table as view
from sqlalchemy.engine import Row as SqlRow

from metasearch.archive.columns import from_picodollars, unsafe
from metasearch.archive.models import (
    EntryRow,
    EvaluationRow,
    EventRow,
    ParentRow,
    ReplyRow,
    SearchTaskRow,
    table,
)
from metasearch.archive.records import (
    SOLVED,
    WINNER,
    Counts,
    EntryStatus,
    LineageStep,
    Sample,
    SpentRow,
    Summary,
)
from metasearch.archive.texts import chunked
from metasearch.types import FRESH, Outcome, Owner, Split, Usage

__all__ = [
    "LEADERBOARD",
    "PARETO_FRONT",
    "counts",
    "lineage",
    "parents_of",
    "ranked_ids",
    "scores",
    "spent",
    "summaries",
    "winner_id",
]

_ENTRY = table(EntryRow)
_EVALUATION = table(EvaluationRow)
_EVENT = table(EventRow)
_PARENT = table(ParentRow)
_REPLY = table(ReplyRow)
_SEARCH_TASK = table(SearchTaskRow)

# Views of archive/views.sql: defined there once, for us and for every other SQL tool.
LEADERBOARD = view(
    "leaderboard", column("search_id"), column("place"), column("number"), column("entry_id")
)
PARETO_FRONT = view(
    "pareto_front", column("search_id"), column("place"), column("number"), column("entry_id")
)

_SCORED = _EVALUATION.c.outcome != str(Outcome.INFRASTRUCTURE)


def _batches(ids: Collection[int] | None) -> Iterator[Collection[int] | None]:
    """Yield `ids` in lists short enough for one query; None (all of them) is one query."""
    if ids is None:
        yield None
    else:
        yield from chunked(ids)


def _among(member: ColumnElement[int], ids: Collection[int] | None) -> list[ColumnElement[bool]]:
    return [] if ids is None else [member.in_(ids)]


def summaries(
    connection: Connection, search_id: str, entry_ids: Collection[int] | None = None
) -> dict[int, dict[Split, Summary]]:
    """Return what each entry reached on each split, by the entry's row id; without the finals."""
    value = _EVALUATION.c
    found: dict[int, dict[Split, list[SqlRow[Any]]]] = defaultdict(lambda: defaultdict(list))
    for ids in _batches(entry_ids):
        query = (
            select(
                value.entry_id,
                value.split,
                value.outcome,
                func.count().label("n"),
                func.sum(value.score).label("score"),
                func.sum(case((value.score >= SOLVED, 1), else_=0)).label("solved"),
                func.sum(value.picodollars).label("picodollars"),
                func.sum(value.prompt_tokens + value.completion_tokens).label("tokens"),
                func.sum(value.seconds).label("seconds"),
                func.sum(case((value.score.in_((0.0, 1.0)), 0), else_=1)).label("graded"),
                func.max(value.repeat).label("repeat"),
            )
            .where(
                value.search_id == search_id,
                value.repeat < FRESH,
                *_among(value.entry_id, ids),
            )
            .group_by(value.entry_id, value.split, value.outcome)
        )
        for row in connection.execute(query):
            found[row.entry_id][Split(row.split)].append(row)
    graded = [
        entry_id
        for entry_id, splits in found.items()
        if any(row.graded or row.repeat for rows in splits.values() for row in rows)
    ]
    means = _means(connection, search_id, graded)
    return {
        entry_id: {
            split: _summary(rows, means.get((entry_id, split), ()))
            for split, rows in splits.items()
        }
        for entry_id, splits in found.items()
    }


def _means(
    connection: Connection, search_id: str, entry_ids: Sequence[int]
) -> dict[tuple[int, Split], tuple[float, ...]]:
    """Return the mean score of each task by entry and split, without the finals."""
    value = _EVALUATION.c
    found: dict[tuple[int, Split], list[float]] = defaultdict(list)
    for ids in chunked(entry_ids):
        query = (
            select(value.entry_id, value.split, func.avg(value.score).label("mean"))
            .where(
                value.search_id == search_id,
                value.repeat < FRESH,
                _SCORED,
                value.entry_id.in_(ids),
            )
            .group_by(value.entry_id, value.split, value.task_id)
        )
        for row in connection.execute(query):
            found[row.entry_id, Split(row.split)].append(float(row.mean))
    return {key: tuple(sorted(means)) for key, means in found.items()}


def _summary(rows: list[SqlRow[Any]], by_task: tuple[float, ...]) -> Summary:
    scored = [row for row in rows if row.outcome != Outcome.INFRASTRUCTURE]
    n = sum(row.n for row in scored)
    each = max(n, 1)
    return Summary(
        n=n,
        mean=sum(row.score for row in scored) / each,
        solved=sum(int(row.solved) for row in scored),
        dollars_per_task=from_picodollars(sum(row.picodollars for row in scored)) / each,
        tokens_per_task=float(sum(row.tokens for row in scored)) / each,
        seconds_per_task=sum(row.seconds for row in scored) / each,
        outcomes={Outcome(row.outcome): row.n for row in rows},
        by_task=by_task,
    )


def ranked_ids(
    connection: Connection, ranking: TableClause, search_id: str, limit: int | None
) -> list[int]:
    """Return the row ids of the entries in a ranking view, best first."""
    query = (
        select(ranking.c.entry_id)
        .where(ranking.c.search_id == search_id)
        .order_by(ranking.c.place)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def winner_id(connection: Connection, search_id: str) -> int | None:
    """Return the row id of the entry that won the last finals; None before the first."""
    told = (
        select(_EVENT.c.text)
        .where(_EVENT.c.search_id == search_id, _EVENT.c.kind == WINNER)
        .order_by(_EVENT.c.id.desc())
        .limit(1)
    )
    text = connection.execute(told).scalar()
    if text is None:
        return None
    number = int(str(text).split()[0])
    found = select(_ENTRY.c.id).where(_ENTRY.c.search_id == search_id, _ENTRY.c.number == number)
    return connection.execute(found).scalar()


def scores(
    connection: Connection,
    search_id: str,
    split: Split,
    numbers: Collection[int] | None,
) -> dict[int, dict[Sample, float]]:
    """Return each entry's score on each task and repeat, by the entry's number."""
    value = _EVALUATION.c
    stored = type_coerce(value.task_id, Text)  # undone once for each sample, not for each row
    samples: dict[tuple[str, int], Sample] = {}
    found: dict[int, dict[Sample, float]] = defaultdict(dict)
    for some in _batches(numbers):
        query = (
            select(_ENTRY.c.number, stored, value.repeat, value.score)
            .join_from(_ENTRY, _EVALUATION, value.entry_id == _ENTRY.c.id)
            .where(
                _ENTRY.c.search_id == search_id,
                value.search_id == search_id,
                value.split == str(split),
                _SCORED,
                *_among(_ENTRY.c.number, some),
            )
        )
        for number, task, repeat, score in connection.execute(query).all():
            sample = samples.get((task, repeat))
            if sample is None:
                sample = samples[task, repeat] = Sample(unsafe(task), repeat)
            found[number][sample] = score
    return dict(found)


def parents_of(
    connection: Connection, search_id: str, ids: Collection[int] | None = None
) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the parents, the main one first, by the child's row id."""
    child, parent = _ENTRY.alias("child"), _ENTRY.alias("parent_entry")
    found: dict[int, list[int]] = defaultdict(list)
    for some in _batches(ids):
        query = (
            select(_PARENT.c.child_id, parent.c.number)
            .join_from(_PARENT, child, _PARENT.c.child_id == child.c.id)
            .join(parent, _PARENT.c.parent_id == parent.c.id)
            .where(child.c.search_id == search_id, *_among(child.c.id, some))
            .order_by(_PARENT.c.child_id, _PARENT.c.position)
        )
        for child_id, number in connection.execute(query):
            found[child_id].append(number)
    return {child_id: tuple(numbers) for child_id, numbers in found.items()}


def lineage(
    connection: Connection, search_id: str, number: int, towards: Literal["seeds", "children"]
) -> list[LineageStep]:
    """Return an entry and all from which it came (or that came from it), nearest first."""
    here, there = _PARENT.c.child_id, _PARENT.c.parent_id
    if towards == "children":
        here, there = there, here
    start = select(_ENTRY.c.id).where(_ENTRY.c.search_id == search_id, _ENTRY.c.number == number)
    # Rows are ids alone: with the depth in them, a tree with cross-links has a row for every path.
    family = start.cte("family", recursive=True)
    family = family.union(select(there).join_from(_PARENT, family, here == family.c.id))
    ids = list(connection.execute(select(family.c.id)).scalars())
    edges: dict[int, list[int]] = defaultdict(list)
    for chunk in chunked(ids):
        for child, parent in connection.execute(select(here, there).where(here.in_(chunk))):
            edges[child].append(parent)
    root = connection.execute(start).scalar_one()
    return _steps(connection, search_id, _depths(root, edges))


def _depths(root: int, edges: Mapping[int, list[int]]) -> dict[int, int]:
    depths, level = {root: 0}, [root]
    while level:
        further = [end for start in level for end in edges.get(start, ()) if end not in depths]
        level = list(dict.fromkeys(further))
        depth = max(depths.values()) + 1
        depths.update(dict.fromkeys(level, depth))
    return depths


def _steps(connection: Connection, search_id: str, depths: Mapping[int, int]) -> list[LineageStep]:
    everyone = None if len(depths) > 500 else list(depths)
    reached = summaries(connection, search_id, everyone)
    parents = parents_of(connection, search_id, everyone)
    steps = []
    for ids in chunked(depths):
        for row in connection.execute(select(_ENTRY).where(_ENTRY.c.id.in_(ids))):
            step = LineageStep(
                depth=depths[row.id],
                number=row.number,
                design_id=row.design_id,
                name=row.name,
                status=EntryStatus(row.status),
                proposer=row.proposer,
                operator=row.operator,
                parents=parents.get(row.id, ()),
                validation=reached.get(row.id, {}).get(Split.VALIDATION),
            )
            steps.append(step)
    return sorted(steps, key=lambda step: (step.depth, step.number))


def spent(
    connection: Connection, search_id: str, owner: Owner | None, split: Split | None
) -> SpentRow:
    """Add up what a search has paid."""
    query = select(
        func.sum(_REPLY.c.picodollars),
        func.sum(_REPLY.c.prompt_tokens),
        func.sum(_REPLY.c.cached_tokens),
        func.sum(_REPLY.c.completion_tokens),
        func.count(),
    ).where(_REPLY.c.search_id == search_id)
    if owner is not None:
        query = query.where(_REPLY.c.owner == str(owner))
    if split is not None:
        of_split = (_SEARCH_TASK.c.search_id == search_id) & (_SEARCH_TASK.c.split == str(split))
        query = query.where(_REPLY.c.scope.in_(select(_SEARCH_TASK.c.task_id).where(of_split)))
    money, prompt, cached, completion, calls = connection.execute(query).one()
    usage = Usage(int(prompt or 0), int(cached or 0), int(completion or 0))
    return SpentRow(from_picodollars(money), usage, calls)


def counts(connection: Connection, search_id: str) -> Counts:
    """Count a search's entries and evaluations."""
    entries = (
        select(_ENTRY.c.status, func.count())
        .where(_ENTRY.c.search_id == search_id)
        .group_by(_ENTRY.c.status)
        .order_by(_ENTRY.c.status)
    )
    evaluations = (
        select(_EVALUATION.c.split, func.count())
        .where(_EVALUATION.c.search_id == search_id, _SCORED)
        .group_by(_EVALUATION.c.split)
        .order_by(_EVALUATION.c.split)
    )
    return Counts(
        entries={EntryStatus(status): n for status, n in connection.execute(entries)},
        evaluations={Split(split): n for split, n in connection.execute(evaluations)},
    )
