"""Collects from the archive what an exporter needs: the design, its card, its recorded tasks."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from metasearch import __version__
from metasearch.cli.standing import interval, repeats
from metasearch.errors import ConfigError
from metasearch.export.base import Bundle, RecordedTask, runs_code
from metasearch.export.card import Ancestor, Card, ModelUse, Scored
from metasearch.types import Evaluation, Outcome, Split, Stream

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo, Summary

__all__ = ["bundle"]

REPLAYED = 3  # training tasks that an export's own tests replay


def bundle(archive: Archive, search: SearchInfo, one: EntryInfo) -> Bundle:
    """Return everything an exporter needs of one entry.

    Raises:
        ConfigError: the entry has no design.
    """
    if one.design is None:
        raise ConfigError(f"#{one.number} has no design to export: {one.reason or one.status}")
    section = search.config.get("model") or {}
    caps = search.config.get("search") or {}
    runs = archive.evaluations(search.id, entry_id=one.id, split=Split.TRAIN, with_trace=True)
    recorded = _recorded(archive, search, runs)
    return Bundle(
        design=one.design,
        card=_card(archive, search, one, runs),
        model=_model(runs, str(section.get("name") or "")),
        recorded=recorded,
        answer_type=recorded[0].answer_type if recorded else "str",
        max_tokens=int(section.get("max_tokens") or 1024),
        temperature=section.get("temperature"),
        max_calls=int(caps.get("calls_per_task") or 32),
    )


def _model(runs: list[Evaluation], named: str) -> str:
    """Return the model that really answered, for "local" is only our name for it."""
    return next((call.request.model for run in runs for call in run.trace), named)


def _recorded(
    archive: Archive, search: SearchInfo, runs: list[Evaluation]
) -> tuple[RecordedTask, ...]:
    """Return a few training tasks with all their calls, answered ones first."""
    tasks = {task.id: task for task in archive.tasks(search.id, Split.TRAIN)}
    whole = [
        run
        for run in runs
        if run.outcome is Outcome.ANSWERED
        and run.task_id in tasks
        and run.trace
        and all(call.reply is not None for call in run.trace)
    ]
    best = sorted(whole, key=lambda run: -run.score)[:REPLAYED]
    return tuple(
        RecordedTask(
            prompt=tasks[run.task_id].prompt,
            answer_type=tasks[run.task_id].answer_type,
            answer=run.answer,
            calls=run.trace,
            seed=Stream(run.task_id, run.repeat).seed(),
        )
        for run in best
    )


def _card(archive: Archive, search: SearchInfo, one: EntryInfo, runs: list[Evaluation]) -> Card:
    assert one.design is not None
    entries = {other.number: other for other in archive.entries(search.id)}
    tried = sum(other.validation is not None for other in entries.values())
    sandbox = search.config.get("sandbox") or {}
    return Card(
        design_id=one.design.id,
        name=one.name,
        idea=one.design.idea,
        search=search.id,
        domain=search.domain,
        proposed=tried,
        runs_code=runs_code(one.design.source),
        scores=tuple(
            _scored(split, found, repeats(search)) for split, found in one.summaries.items()
        ),
        models=tuple(ModelUse(name) for name in _models(runs)),
        lineage=tuple(_ancestor(other) for other in _ancestors(one, entries)),
        sandbox=str(sandbox.get("name") or ""),
        version=__version__,
        made=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _scored(split: Split, summary: Summary, times: int) -> Scored:
    low, high = interval(summary, times)
    return Scored(
        split=str(split),
        tasks=-(-summary.n // times),
        mean=summary.mean,
        low=low,
        high=high,
        dollars=summary.dollars_per_task,
        tokens=summary.tokens_per_task,
        seconds=summary.seconds_per_task,
        outcomes={str(kind): count for kind, count in summary.outcomes.items()},
    )


def _models(runs: list[Evaluation]) -> list[str]:
    return sorted({call.request.model for run in runs for call in run.trace})


def _ancestors(one: EntryInfo, entries: Mapping[int, EntryInfo]) -> list[EntryInfo]:
    reached, todo = {one.number}, [one.number]
    while todo:
        for parent in entries[todo.pop()].parents:
            if parent in entries and parent not in reached:
                reached.add(parent)
                todo.append(parent)
    return [entries[number] for number in sorted(reached)]


def _ancestor(one: EntryInfo) -> Ancestor:
    is_whole = one.status == "evaluated" and one.validation is not None
    return Ancestor(
        number=one.number,
        design_id=one.design.id if one.design else "",
        name=one.name,
        idea=one.design.idea if one.design else "",
        proposer=one.proposer,
        operator=one.operator,
        score=one.validation.mean if is_whole and one.validation else None,
    )
