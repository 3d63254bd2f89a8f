"""`metasearch report`: what a search found, for someone who was not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, opened
from metasearch.cli.output import SCHEMA, words

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.report.facts import Report

__all__ = ["newest", "report"]

FORMATS = {"md": (".md", ".markdown"), "html": (".html", ".htm"), "json": (".json",)}


@click.command(
    cls=Verb,
    examples="""
    metasearch report                              # the newest search, as Markdown
    metasearch report my-search -o report.html     # one page, to send to somebody
    metasearch report --format json | jq '.validation.corrected_p'
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to a file; its ending says the format, too.",
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="md, html or json.")
@archive_option
def report(search_id: str | None, output: Path | None, form: str | None, place: str | None) -> None:
    """Tell what a search found, what it took, and how sure that is.

    Winner and runner-up, the paired difference to the best baseline of their price with interval
    and corrected p, the sealed test, costs and break-even, lineage, failures, and the commands that
    do it again. Reads the archive only. The HTML page is one file that fetches nothing.
    """
    from metasearch.report.reckon import reckon

    with opened(place) as archive:
        found = reckon(archive, newest(archive, search_id))
    text = _written(found, form or _format(output))
    if output is None:
        click.echo(text, nl=False)
        return
    _save(output, text)
    words(f"written: {output}")


def newest(archive: Archive, search_id: str | None) -> str:
    """Return the whole name of a search; None is the newest that is no transfer of another.

    Raises:
        ConfigError: nothing, or more than one, fits.
    """
    from metasearch.report.transfers import STRATEGY

    own = [one.id for one in archive.searches() if one.strategy != STRATEGY]
    return archive.search(own[0] if search_id is None and own else search_id).id


def _format(output: Path | None) -> str:
    ending = output.suffix.lower() if output else ""
    return next((form for form, endings in FORMATS.items() if ending in endings), "md")


def _written(found: Report, form: str) -> str:
    if form == "json":
        facts = {"schema": SCHEMA, "kind": "report", **found.to_json()}
        return json.dumps(facts, allow_nan=False) + "\n"
    from metasearch.report.html import html
    from metasearch.report.markdown import markdown
    from metasearch.report.pages import pages

    blocks = pages(found)
    if form == "html":
        return html(blocks, f"Report of search {found.rows.search.id}")
    return markdown(blocks)


def _save(output: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ConfigError: it cannot be written there.
    """
    from metasearch.errors import ConfigError

    part = output.with_name(f".{output.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(output)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{output}: {error.strerror}; name another file with -o") from None
