"""`metasearch simplify`: take away from a design what it does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.faults import INTERRUPTED
from metasearch.cli.options import archive_option, as_json, entry, opened
from metasearch.cli.output import emit, one_line, words
from metasearch.errors import BudgetExhausted, ConfigError
from metasearch.types import Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo
    from metasearch.search.events import Event
    from metasearch.search.loop import Search
    from metasearch.search.simplify import Simplified

__all__ = ["simplify"]

NOTHING = 1


@click.command(
    cls=Verb,
    examples="""
    metasearch simplify                     # the best of the newest search
    metasearch simplify my-search 12 --margin 0.03 --usd 2
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.argument("reference", metavar="[DESIGN]", default="best")
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="How much worse it may be; else that of the search (.05).",
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 100),
    default=6,
    show_default=True,
    metavar="N",
    help="Simpler forms to try at most.",
)
@click.option("--usd", type=float, metavar="N", help="New cap of the search; what it spent counts.")
@click.option("--tokens", type=int, metavar="N", help="New cap.")
@click.option("--calls", type=int, metavar="N", help="New cap.")
@archive_option
@as_json
def simplify(
    search_id: str | None,
    reference: str,
    margin: float | None,
    attempts: int,
    place: str | None,
    as_json: bool,
    **caps: float | None,
) -> int:
    """Take from a design what it does not need: voters, rounds, text.

    Each simpler form meets the validation tasks and becomes an entry. One is good enough when it
    costs less and its paired difference is above minus the margin, at 95 % over all attempts; the
    sealed test is not opened. A search with finals does so by itself (`search.simplify`). Exit code
    1: nothing simpler is as good.
    """
    from metasearch.search.config import SearchConfig

    with opened(place, read_only=False) as archive:
        info = _ended(archive, search_id)
        design = _whole(entry(archive, info, reference))
        info = _with_caps(info, archive, caps)
        own = SearchConfig.model_validate(info.config).search.simplify_margin
        margin = own if margin is None else margin
        _refuse_too_few(info, margin, attempts)
        found = _run(archive, info, design.number, margin, attempts)
    if not found:
        words("interrupted; what was evaluated is kept, the same command goes on")
        return INTERRUPTED
    return _told(info, design, found[0], as_json)


def _run(
    archive: Archive, info: SearchInfo, number: int, margin: float, attempts: int
) -> list[Simplified | None]:
    """Return what was found, in a list that is empty when somebody interrupted it.

    Raises:
        BudgetExhausted, Unavailable: as a search does.
    """
    import asyncio

    from metasearch.search.launch import launch
    from metasearch.search.outage import Interrupted
    from metasearch.search.simplify import simplify_design

    found: list[Simplified | None] = []

    async def work(search: Search) -> str:
        found.append(await simplify_design(search, number, margin, attempts))
        return info.status

    try:
        asyncio.run(launch(info, archive, _Teller(), work=work))
    except BudgetExhausted as error:
        raise BudgetExhausted(f"{error}; the same command with a higher cap goes on") from None
    except Interrupted:
        pass
    finally:  # the search itself stays as it was
        archive.set_status(info.id, info.status, info.reason)
    return found


class _Teller:
    """Says what is tried and what came of it."""

    def show(self, event: Event) -> None:
        from metasearch.report.words import score
        from metasearch.search.events import EntryAdded, EntryDone, Note

        if isinstance(event, Note):
            words(event.text)
        elif isinstance(event, EntryAdded):
            words(f"trying #{event.number} {one_line(event.name, 60)}")
        elif isinstance(event, EntryDone):
            why = f": {event.reason}" if event.reason else ""
            words(f"  {score(event.mean)} of {event.tasks} tasks{why}")


def _ended(archive: Archive, search_id: str | None) -> SearchInfo:
    info = archive.search(search_id)
    if info.status not in ("finished", "stopped"):
        state = "interrupted" if info.status == "running" else str(info.status)
        if archive.is_running(info.id):
            state = "running"
        raise ConfigError(
            f"search {info.id} is {state}; simplify a design once it has ended, or set "
            "search.simplify"
        )
    return info


def _whole(design: EntryInfo) -> EntryInfo:
    if str(design.status) != "evaluated":
        raise ConfigError(
            f"#{design.number} {one_line(design.name, 40)} is {design.status}: only a design that "
            "met all validation tasks can be compared with simpler ones"
        )
    return design


def _with_caps(info: SearchInfo, archive: Archive, caps: dict[str, float | None]) -> SearchInfo:
    """Return the search with the caps of its last run, or new ones."""
    from dataclasses import replace

    from metasearch.archive.worktime import last_caps
    from metasearch.search.config_file import Given, recapped

    new = [Given(f"budget.{name}", cap, f"--{name}") for name, cap in caps.items() if cap]
    budget = {**info.config["budget"], **last_caps(archive.events(info.id))}
    config = recapped({**info.config, "budget": budget}, new)
    return replace(info, config={**info.config, "budget": config.to_json()["budget"]})


def _refuse_too_few(info: SearchInfo, margin: float, attempts: int) -> None:
    from metasearch.search.simplify import can_show, too_few

    size = info.sizes[Split.VALIDATION]
    if not size or not can_show(margin, size, attempts):
        raise ConfigError(too_few(margin, size))


def _told(info: SearchInfo, first: EntryInfo, found: Simplified | None, as_json: bool) -> int:
    if as_json:
        emit(
            "simplify",
            {
                "search": info.id,
                "design": first.number,
                "simpler": found.member.number if found else None,
                "saving": found.saving if found else None,
                "difference": found.difference._asdict() if found else None,
            },
        )
    elif found is None:
        click.echo(f"nothing simpler is as good as #{first.number} {one_line(first.name, 60)}")
    else:
        click.echo(
            f"#{found.member.number} does what #{first.number} does for {found.saving:.0%} less;"
            f" its score differs by {found.difference.mean:+.3f}, at least"
            f" {found.difference.low:+.3f}"
        )
        words(f"  metasearch compare {found.member.number} {first.number} --search {info.id}")
    return 0 if found else NOTHING
