"""Reads an entry of the archive into what an exporter needs: its card and a few recorded tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from metasearch import __version__
from metasearch.archive import Archive
from metasearch.archive.records import EntryInfo, EntryStatus, SearchInfo
from metasearch.errors import ConfigError
from metasearch.export.base import AnswerType, Bundle, RecordedTask, is_member, runs_code
from metasearch.export.card import Ancestor, Card, ModelUse, Scored
from metasearch.gateway.budget import PICO
from metasearch.gateway.prices import FREE, Price, load_prices
from metasearch.stats import score_interval
from metasearch.types import FRESH, Evaluation, Json, ModelReply, Outcome, Split, Stream, Task

__all__ = ["bundle", "from_archive"]

PRICE_UNIT = 10**6  # picodollars a token in a dollar a million tokens
RECORDED_TASKS = 3
SCORED = (EntryStatus.EVALUATED, EntryStatus.STOPPED)
RECORDED_SPLITS = (Split.TRAIN, Split.VALIDATION)  # never the sealed test


class _Run(NamedTuple):
    """One evaluation with the task that it was of."""

    task: Task
    evaluation: Evaluation


def bundle(archive: Archive, search_id: str, entry: EntryInfo, *, made: str) -> Bundle:
    """Return everything that an exporter needs of one entry.

    Args:
        archive: where the search is.
        search_id: its whole name.
        entry: which of its designs.
        made: the day of the export, ISO 8601.

    Raises:
        ConfigError: the entry has no design, or no model has ever answered it.
    """
    if entry.design is None:
        raise ConfigError(
            f"#{entry.number} has no source to export: {entry.reason or entry.status}"
        )
    runs = [run for split in RECORDED_SPLITS for run in _runs(archive, search_id, entry, split)]
    models = [call.request.model for run in runs for call in run.evaluation.trace if call.reply]
    if not models and not (runs and is_member(entry.design.source)):
        raise ConfigError(
            f"#{entry.number} was never answered by a model, so there is nothing to vouch for it;"
            " choose another design: metasearch top"
        )
    config = archive.search(search_id).config
    model, search = _section(config, "model"), _section(config, "search")
    return Bundle(
        design=entry.design,
        card=from_archive(archive, search_id, entry, made=made),
        model=models[-1] if models else "",
        recorded=tuple(_recorded(runs))[:RECORDED_TASKS],
        answer_type=_common_type(archive.tasks(search_id, Split.VALIDATION)),
        max_tokens=model.get("max_tokens") or 1024,
        temperature=model.get("temperature"),
        max_field_chars=model.get("max_field_chars"),
        max_calls=search.get("calls_per_task") or 32,
    )


def from_archive(archive: Archive, search_id: str, entry: EntryInfo, *, made: str) -> Card:
    """Return the card of one entry.

    Args:
        archive: where the search is.
        search_id: its whole name.
        entry: which of its designs; it has one.
        made: the day of the export, ISO 8601.

    Raises:
        ConfigError: the entry has no design.
    """
    if entry.design is None:
        raise ConfigError(f"#{entry.number} has no design, so it has no card")
    search, entries = archive.search(search_id), archive.entries(search_id)
    evaluations = archive.evaluations(search_id, entry_id=entry.id, with_trace=True)
    return Card(
        design_id=entry.design.id,
        name=entry.name or entry.design.name,
        idea=entry.design.idea,
        search=search.id,
        domain=search.domain,
        proposed=sum(one.status in SCORED for one in entries),
        runs_code=runs_code(entry.design.source),
        scores=tuple(_scored(entry, evaluations)),
        models=tuple(_models(search, entry, evaluations)),
        lineage=tuple(_lineage(entry, entries)),
        sandbox=_sandbox(archive, search),
        version=__version__,
        made=made,
    )


def _runs(archive: Archive, search_id: str, entry: EntryInfo, split: Split) -> Iterator[_Run]:
    tasks = {task.id: task for task in archive.tasks(search_id, split)}
    found = archive.evaluations(search_id, entry_id=entry.id, split=split, with_trace=True)
    for evaluation in found:
        if evaluation.task_id in tasks:
            yield _Run(tasks[evaluation.task_id], evaluation)


def _recorded(runs: Sequence[_Run]) -> Iterator[RecordedTask]:
    """What can be replayed, solved tasks first; each task once."""
    seen: set[str] = set()
    for task, one in sorted(runs, key=lambda run: -run.evaluation.score):
        whole = all(call.reply is not None for call in one.trace) and one.calls == len(one.trace)
        if one.outcome is Outcome.ANSWERED and one.trace and whole and task.id not in seen:
            seen.add(task.id)
            seed = Stream(task.id, one.repeat).seed()  # as the search seeds the design's `random`
            yield RecordedTask(task.prompt, task.answer_type, one.answer, one.trace, seed)


def _scored(entry: EntryInfo, evaluations: Sequence[Evaluation]) -> Iterator[Scored]:
    for split in Split:
        summary = entry.summaries.get(split)
        if summary is None or summary.n == 0:
            continue
        by_task: dict[str, list[float]] = {}
        for one in evaluations:
            is_told = one.outcome is not Outcome.INFRASTRUCTURE and one.repeat < FRESH
            if one.split is split and is_told:  # as everywhere, without the finals' samples
                by_task.setdefault(one.task_id, []).append(one.score)
        estimate = score_interval([sum(scores) / len(scores) for scores in by_task.values()])
        yield Scored(
            split=split.value,
            tasks=len(by_task),
            mean=estimate.mean,
            low=estimate.low,
            high=estimate.high,
            dollars=summary.dollars_per_task,
            tokens=summary.tokens_per_task,
            seconds=summary.seconds_per_task,
            outcomes={outcome.value: count for outcome, count in summary.outcomes.items()},
        )


def _models(
    search: SearchInfo, entry: EntryInfo, evaluations: Sequence[Evaluation]
) -> Iterator[ModelUse]:
    replies: dict[str, list[ModelReply]] = {}
    for one in evaluations:
        for call in one.trace:
            if call.reply is not None:
                replies.setdefault(call.request.model, []).append(call.reply)
    for name, given in replies.items():
        days = (entry.created_at.date().isoformat(), search.updated_at.date().isoformat())
        found = _price(search, name, given)
        if found is None:
            yield ModelUse(name, *days)
        else:
            price, date = found
            prompt, completion = price.prompt / PRICE_UNIT, price.completion / PRICE_UNIT
            yield ModelUse(name, *days, prompt, completion, date)


def _price(
    search: SearchInfo, model: str, replies: Sequence[ModelReply]
) -> tuple[Price, str] | None:
    """The price that was paid; None where today's table does not explain what was paid."""
    if _section(search.config, "model").get("name") == "local":
        return FREE, search.created_at.date().isoformat()
    given = _section(search.config, "budget").get("prices")
    try:
        table = load_prices(Path(given) if given else None)
    except ConfigError:  # the user's file of prices is gone
        return None
    price = table.find(model)
    if price is None:
        return None
    paid = sum(reply.dollars for reply in replies)
    explained = sum(price.of(reply.usage) for reply in replies) / PICO
    return (price, table.date) if math.isclose(paid, explained, rel_tol=1e-6) else None


def _lineage(entry: EntryInfo, entries: Sequence[EntryInfo]) -> Iterator[Ancestor]:
    known = {one.number: one for one in entries}
    found, waiting = {entry.number}, [entry.number]
    while waiting:
        for parent in known[waiting.pop()].parents:
            if parent in known and parent not in found:
                found.add(parent)
                waiting.append(parent)
    for number in sorted(found):
        one = known[number]
        validation = one.validation if one.status in SCORED else None
        yield Ancestor(
            number=number,
            design_id=one.design.id if one.design else "",
            name=one.name,
            idea=one.design.idea if one.design else one.reason,
            proposer=one.proposer,
            operator=one.operator,
            score=validation.mean if validation else None,
        )


def _sandbox(archive: Archive, search: SearchInfo) -> str:
    said = [event.text for event in archive.events(search.id) if event.kind == "sandbox"]
    section = _section(search.config, "sandbox")
    name = said[-1] if said else str(section.get("name", ""))
    memory = section.get("memory_mib")
    return f"{name}, {memory} MiB a task" if name and memory else name


def _common_type(tasks: Sequence[Task]) -> AnswerType:
    """The answer type of every task, or text where they differ."""
    kinds = {task.answer_type for task in tasks}
    return kinds.pop() if len(kinds) == 1 else "str"


def _section(config: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    section = config.get(name)
    return section if isinstance(section, Mapping) else {}
