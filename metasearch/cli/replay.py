"""`metasearch replay`: a whole search again, offline, from the record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, opened
from metasearch.cli.output import console, emit, one_line, score, table, words
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.search.replay import Difference, Replay, Verdict

__all__ = ["replay"]

TELL_SECONDS = 5.0
DIFFERS = 1


@click.command(
    cls=Verb,
    examples="""
    metasearch replay                    # the newest search
    metasearch replay my-search --json | jq '.differences[] | .design'
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.option("--sandbox", metavar="NAME", help="docker or wasm, in place of the search's own.")
@archive_option
@as_json
def replay(search_id: str | None, sandbox: str | None, place: str | None, as_json: bool) -> int:
    """Score a search again from its record, and say where it differs.

    Every evaluation runs again in the sandbox, with the model's recorded replies and the tasks that
    the archive has kept. Needs neither network nor key, costs nothing and changes nothing. Exit
    code 1 says that something differs.
    """
    import asyncio

    from metasearch.search.replay import replay as play

    with opened(place) as archive:
        info = archive.search(search_id)
        found = asyncio.run(play(archive, info, sandbox=sandbox, progress=_Teller()))
    for note in found.notes:
        words(note)
    if as_json:
        emit("replay", _facts(info.id, found))
    else:
        _print(info.id, found)
    return DIFFERS if found.differences else 0


class _Teller:
    """Says every few seconds how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int, total: int, differ: int) -> None:
        now = time.monotonic()
        if now - self._last >= TELL_SECONDS:
            self._last = now
            words(f"{done:,} of {total:,} evaluations, {differ} differ")


def _facts(search_id: str, found: Replay) -> dict[str, Json]:
    return {
        "search": search_id,
        "evaluations": found.evaluations,
        "left_out": found.left_out,
        "calls": found.calls,
        "identical": not found.differences,
        "differences": [
            {
                "entry": one.number,
                "design": one.name,
                "task": one.task_id,
                "split": str(one.split),
                "repeat": one.repeat,
                "old": one.old._asdict(),
                "new": one.new and one.new._asdict(),
                "missing": one.missing,
            }
            for one in found.differences
        ],
        "notes": list(found.notes),
    }


def _print(search_id: str, found: Replay) -> None:
    made = f"{found.evaluations:,} evaluations with {found.calls:,} recorded replies"
    left = f"; {found.left_out} without a score were left out" if found.left_out else ""
    if not found.differences:
        click.echo(f"search {search_id} comes to the same: {made}{left}")
        return
    columns = ("#", "design", "task", "was", "is")
    rows = [
        (one.number, one.name, _sample(one), _said(one.old, one.new), _now(one))
        for one in found.differences
    ]
    console().print(table(columns, rows))
    click.echo(f"{len(found.differences)} of {made} differ{left}")


def _sample(one: Difference) -> str:
    return one.task_id + (f" repeat {one.repeat}" if one.repeat else "")


def _now(one: Difference) -> str:
    return f"missing: {one.missing}" if one.new is None else _said(one.new, one.old)


def _said(verdict: Verdict, other: Verdict | None) -> str:
    """Return outcome and score, and whatever else tells it from the other verdict."""
    parts = [f"{verdict.outcome} {score(verdict.score)}"]
    if other is not None and verdict.answer != other.answer:
        parts.append(f"answer {one_line(str(verdict.answer), 40)}")
    if other is not None and verdict.calls != other.calls:
        parts.append(f"{verdict.calls} calls")
    return ", ".join(parts)
