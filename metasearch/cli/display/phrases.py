"""The words for events and counters that the live and the plain display share."""

from __future__ import annotations

from metasearch.cli.display.progress import Progress, duration
from metasearch.cli.output import one_line, score
from metasearch.report.spending import PARTS
from metasearch.search.events import (
    Alarm,
    BudgetUsed,
    EndpointBack,
    EndpointDown,
    EntryAdded,
    EntryDone,
    Event,
    SearchFinished,
    SearchStarted,
)

__all__ = [
    "added",
    "best",
    "done",
    "failures",
    "finished",
    "spent",
    "started",
    "status",
    "trouble",
]

NAME_CHARS = 60


def started(event: SearchStarted) -> str:
    """Say what begins, and within which caps."""
    verb = "goes on" if event.resumed else "begins"
    caps = event.caps
    limits = [
        *([f"${caps.dollars:g}"] if caps.dollars is not None else []),
        *([f"{caps.tokens:,} tokens"] if caps.tokens is not None else []),
        *([f"{caps.calls:,} calls"] if caps.calls is not None else []),
        *([f"{event.minutes:g} minutes"] if event.minutes is not None else []),
    ]
    return (
        f"search {event.search_id} {verb}: domain {event.domain}, model {event.model}, "
        f"sandbox {event.sandbox}, strategy {event.strategy}; {event.seeds} seeds, "
        f"{event.designs} designs wanted, {event.validation_tasks} validation tasks; "
        f"cap: {', '.join(limits) or 'none'}"
    )


def added(event: EntryAdded) -> str:
    """Say what was proposed, or why nothing came of it."""
    origin = event.proposer + (f", {event.operator}" if event.operator else "")
    parents = " and ".join(f"#{parent}" for parent in event.parents)
    text = f"#{event.number} {one_line(event.name, NAME_CHARS) or '(no name)'} ({origin}"
    text += f" of {parents})" if parents else ")"
    return text if event.status == "pending" else f"{text}: {event.status}, {_why(event.reason)}"


def done(event: EntryDone) -> str:
    """Say what a design scored."""
    text = (
        f"#{event.number} {one_line(event.name, NAME_CHARS)}: {score(event.mean)} "
        f"[{score(event.low)}, {score(event.high)}] on {event.tasks} tasks, "
        f"{event.tokens_per_task:,.0f} tokens a task"
    )
    return text if event.status == "evaluated" else f"{text}; {event.status}, {_why(event.reason)}"


def finished(event: SearchFinished) -> str:
    """Say how the search ended."""
    return f"search {event.search_id}: {event.status}" + (
        f", {one_line(event.reason, 300)}" if event.reason else ""
    )


def best(progress: Progress) -> str:
    """Say the best validation score so far."""
    one = progress.best
    if one is None:
        return "none yet"
    interval = f"{score(one.mean)} [{score(one.low)}, {score(one.high)}]"
    return f"{interval} by #{one.number} {one_line(one.name, 30)}"


def spent(progress: Progress) -> str:
    """Say what was spent of which cap."""
    now = progress.spent
    caps = progress.started.caps if progress.started else None
    dollars = f"${now.dollars if now else 0:.4g}"
    tokens = f"{now.usage.total if now else 0:,} tokens"
    calls = f"{now.calls if now else 0:,} calls"
    if caps is not None and caps.dollars is not None:
        dollars += f" of ${caps.dollars:g}"
    if caps is not None and caps.tokens is not None:
        tokens += f" of {caps.tokens:,}"
    if caps is not None and caps.calls is not None:
        calls += f" of {caps.calls:,}"
    parts = now.parts if now else {}
    split = ", ".join(f"{PARTS[owner]} ${part.dollars:.4g}" for owner, part in parts.items())
    return f"{dollars}{f' ({split})' if split else ''}, {tokens}, {calls}"


def trouble(event: Event) -> str:
    """Say what a person should know of the budget, of failures and of the endpoint; "" if none."""
    match event:
        case Alarm(text=text):
            return f"alarm: {text}"
        case BudgetUsed(text=text):
            return f"budget: {text}"
        case EndpointDown():
            return (
                f"waiting for {duration(event.seconds)}: {one_line(event.trouble, 300)}; next "
                f"attempt in {duration(event.next_seconds)}, after "
                f"{duration(event.limit_seconds)} the search pauses"
            )
        case EndpointBack(seconds=seconds):
            return f"the endpoint answers again, after {duration(seconds)}; the search goes on"
        case _:
            return ""


def failures(progress: Progress) -> str:
    """Say what went wrong so far, by kind."""
    kinds = {**progress.failures, **progress.lost}
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"


def status(progress: Progress) -> str:
    """Say everything on one line."""
    plan = progress.started.designs if progress.started else 0
    return (
        f"designs {progress.finished}/{plan} ({progress.proposals} proposed), "
        f"evaluations {progress.done}/{max(progress.expected, progress.done)}, "
        f"best {best(progress)}, {spent(progress)}, "
        f"left {duration(progress.remaining())}, failures: {failures(progress)}"
        + (f", alarms: {', '.join(progress.alarms)}" if progress.alarms else "")
        + (", waiting for the endpoint" if progress.down else "")
    )


def _why(reason: str) -> str:
    return one_line(reason, 160) or "no reason given"
