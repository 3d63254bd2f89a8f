"""`metasearch top`: the table of designs."""

from __future__ import annotations

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, opened
from metasearch.cli.output import emit

__all__ = ["top"]

SHOWN = 20


@click.command(
    cls=Verb,
    examples="""
    metasearch top
    metasearch top -n 0              # every design
    metasearch top my-search --json | jq '.entries[0].name'
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.option("-n", "limit", type=click.IntRange(min=0), default=SHOWN, help="Rows; 0 is all.")
@archive_option
@as_json
def top(search_id: str | None, limit: int, place: str | None, as_json: bool) -> None:
    """Show the designs of a search, best first, and who won.

    SEARCH is its id or the beginning of it; without it, the newest search. The score is the mean
    on validation tasks with its 95 % interval; the sealed test is opened once, at the end.
    """
    from metasearch.cli.conclusion import print_standing, standing_json
    from metasearch.cli.standing import stand

    with opened(place) as archive:
        standing = stand(archive, archive.search(search_id))
    if as_json:
        emit("top", standing_json(standing))
    else:
        print_standing(standing, limit=limit or None)
