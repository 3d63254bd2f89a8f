"""Options and look-ups that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from metasearch.cli.output import words
from metasearch.errors import OldArchive

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo

__all__ = ["archive_option", "as_json", "best_seed", "entry", "opened", "rank", "search_option"]

Command = TypeVar("Command", bound=Callable[..., Any])

archive_option = click.option(
    "--archive",
    "place",
    metavar="PLACE",
    envvar="METASEARCH_ARCHIVE",
    help="Archive: a file or a SQLAlchemy URL; else your own.",
)
search_option = click.option(
    "--search", "-s", "search_id", metavar="ID", help="Search, or the start of its id; else newest."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


@contextmanager
def opened(place: str | None, *, read_only: bool = True) -> Iterator[Archive]:
    """Open an archive that must exist, and close it; one of an older release is moved up.

    Raises:
        ArchiveUnavailable: there is none, or it cannot be opened.
    """
    from metasearch.archive import Archive

    try:
        archive = Archive.open(place, read_only=read_only, create=False)
    except OldArchive:
        with Archive.open(place, create=False) as old:
            words(f"archive {old.where}: moved up to the schema of this release; no row is changed")
        archive = Archive.open(place, read_only=read_only, create=False)
    try:
        yield archive
    finally:
        archive.close()


def best_seed(entries: Iterable[EntryInfo]) -> EntryInfo | None:
    """Return the starting design that ranks first on validation, or None before the first one."""
    seeds = (one for one in entries if one.proposer == "seed")
    met = (one for one in seeds if one.validation is not None and one.validation.n)
    return min(met, key=rank, default=None)


def rank(one: EntryInfo) -> tuple[bool, float, float, float, int]:
    """Return the key that sorts entries best first: whole ones, then by score, cost and age."""
    summary = one.validation
    assert summary is not None, "only entries that met validation tasks have a rank"
    # Rounded as in the archive's own leaderboard, so that both name the same winner.
    mean = round(summary.mean, 12)
    cost = (summary.dollars_per_task, summary.tokens_per_task)
    return (one.status != "evaluated", -mean, *cost, one.number)


def entry(archive: Archive, search: SearchInfo, reference: str) -> EntryInfo:
    """Return the entry that a person means: "12", "#12", a name, "best", "best-seed", ...

    Raises:
        ConfigError: nothing or too much fits.
    """
    from metasearch.errors import ConfigError

    if reference != "best-seed":
        return archive.entry(search.id, reference)
    found = best_seed(archive.entries(search.id))
    if found is None:
        raise ConfigError(f"no seed of search {search.id} has been evaluated yet")
    return found
