"""`metasearch status`: how searches stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, opened
from metasearch.cli.output import console, emit, one_line, table
from metasearch.cli.troubles import alarms, outcomes, waiting
from metasearch.report.spending import spending
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo

__all__ = ["status"]

EVENTS = 8
WORDS = ("reason", "waiting")


@click.command(
    cls=Verb,
    examples="""
    metasearch status                # every search of the archive
    metasearch status my-search
    metasearch status --json | jq '.searches[] | select(.status == "paused") | .id'
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@archive_option
@as_json
def status(search_id: str | None, place: str | None, as_json: bool) -> None:
    """Show how searches stand.

    With SEARCH: what it spent, on what, what fails too often, and what happened lately.

    One that is "interrupted" was killed, or its machine is gone: `metasearch resume` goes on.
    """
    with opened(place) as archive:
        if search_id is None:
            found = [_facts(archive, search) for search in archive.searches()]
            events: list[dict[str, Json]] = []
        else:
            search = archive.search(search_id)
            found = [_facts(archive, search, archive.entries(search.id))]
            events = [
                {"at": str(event.at), "kind": event.kind, "text": event.text}
                for event in list(archive.events(search.id))[-EVENTS:]
            ]
    if as_json:
        found = [{key: value for key, value in one.items() if key != "line"} for one in found]
        emit("status", {"searches": found, "events": events})
        return
    _print(found, events)


def _facts(
    archive: Archive, search: SearchInfo, entries: Sequence[EntryInfo] = ()
) -> dict[str, Json]:
    """Return how a search stands; without its entries its alarms are as they were raised."""
    log = archive.events(search.id)
    spent = spending(archive, search, log)
    counts = archive.counts(search.id)
    is_dead = search.status == "running" and not archive.is_running(search.id)
    return {
        "id": search.id,
        "status": "interrupted" if is_dead else str(search.status),
        "reason": search.reason,
        "domain": search.domain,
        "strategy": search.strategy,
        "created_at": search.created_at.isoformat(),
        "entries": {str(status): count for status, count in counts.entries.items()},
        "evaluations": {str(split): count for split, count in counts.evaluations.items()},
        "waiting": waiting(log) if search.status == "running" and not is_dead else "",
        "dollars": spent.total.dollars,
        "tokens": spent.total.usage.total,
        "calls": spent.total.calls,
        "spent": spent.to_json(),
        "outcomes": dict(outcomes(entries).most_common()),
        "alarms": alarms(entries, log),
        "line": spent.line(),
        "pid": search.lease.pid if search.lease else None,
        "host": search.lease.host if search.lease else None,
    }


def _print(found: list[dict[str, Json]], events: list[dict[str, Json]]) -> None:
    out = console()
    columns = ("search", "status", "domain", "strategy", "entries", "dollars", "tokens", "calls")
    rows = [
        (
            one["id"],
            one["status"] + (f" (pid {one['pid']})" if one["status"] == "running" else ""),
            one["domain"],
            one["strategy"],
            ", ".join(f"{count} {kind}" for kind, count in one["entries"].items()),
            f"{one['dollars']:.4f}",
            f"{one['tokens']:,}",
            f"{one['calls']:,}",
        )
        for one in found
    ]
    out.print(table(columns, rows))
    lines = [f"{one['id']}: {one_line(one[key])}" for one in found for key in WORDS if one[key]]
    if len(found) == 1:
        lines.append(f"spent: {found[0].pop('line')}")
        if ended := found[0]["outcomes"]:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in ended.items())
            lines.append(f"evaluations: {kinds}")
        lines += [f"alarm: {alarm['text']}" for alarm in found[0]["alarms"]]
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
    for event in events:
        line = f"{event['at'][:19]}  {event['kind']}  {one_line(event['text'])}"
        out.print(line, markup=False, soft_wrap=True)
