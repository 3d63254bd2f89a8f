"""`metasearch archive`: the record itself, for other tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import click

from metasearch.cli.base import Verbs
from metasearch.cli.options import archive_option, as_json, opened, search_option
from metasearch.cli.output import console, emit, table, words

__all__ = ["archive"]


@click.group(
    cls=Verbs,
    examples="""
    metasearch archive path
    metasearch archive sql "select place, number, name, mean from leaderboard"
    metasearch archive export --csv > evaluations.csv
    """,
)
def archive() -> None:
    """Read the record with other tools.

    It is one SQLite file (or a PostgreSQL database) with documented views.
    """


@archive.command(examples='sqlite3 "$(metasearch archive path)" .tables')
@archive_option
def path(place: str | None) -> None:
    """Print where the archive is."""
    with opened(place) as found:
        click.echo(found.where)


@archive.command(
    examples="""
    metasearch archive sql "select place, number, name, mean from leaderboard"
    metasearch archive sql "select * from outcomes" --json
    """
)
@click.argument("query")
@archive_option
@as_json
def sql(query: str, place: str | None, as_json: bool) -> None:
    """Run one read-only SQL query; tables and views are described in the archive's README."""
    with opened(place) as found:
        result = found.sql(query)
    if as_json:
        emit("sql", {"columns": list(result.columns), "rows": [list(row) for row in result.rows]})
    else:
        console().print(table(result.columns, result.rows))


@archive.command(
    examples="""
    metasearch archive export > my-search.jsonl
    metasearch archive export --csv --search my-search -o evaluations.csv
    """
)
@click.option("--csv", "as_csv", is_flag=True, help="One evaluation a line; else JSON lines.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File; else stdout."
)
@search_option
@archive_option
def export(as_csv: bool, output: Path | None, search_id: str | None, place: str | None) -> None:
    """Write a search as text.

    JSON lines hold everything: search, tasks with their gold answers, entries, evaluations with
    every model call. CSV holds one evaluation a line.
    """
    with opened(place) as found:
        search = found.search(search_id)
        form: Literal["jsonl", "csv"] = "csv" if as_csv else "jsonl"
        if output is None:
            count = found.export(search.id, form, sys.stdout)
        else:
            with output.open("w", encoding="utf-8", newline="") as file:
                count = found.export(search.id, form, file)
    words(f"{count:,} lines of search {search.id}" + (f" in {output}" if output else ""))


@archive.group(
    examples="""
    metasearch archive record export my-search my-search.jsonl.gz
    metasearch archive record import my-search.jsonl.gz --name theirs
    metasearch replay theirs
    """
)
def record() -> None:
    """Hand a whole search to someone else, with its recorded replies."""


@record.command("export", examples="metasearch archive record export my-search run.jsonl.gz")
@click.argument("search_id", metavar="SEARCH")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@archive_option
def export_record(search_id: str, file: Path, place: str | None) -> None:
    """Write a search into FILE: tasks with their answers, designs, scores, all that was said.

    Keys are struck out of every text: values of variables named ..._KEY, _TOKEN, _SECRET or
    _PASSWORD, passwords in addresses, and what looks like a provider's key.
    """
    from metasearch.archive.redact import secrets_in

    with opened(place) as found:
        done = found.export_record(found.search(search_id).id, file, secrets=secrets_in(os.environ))
    struck = f"; secrets were struck out of {done.struck} texts" if done.struck else ""
    words(
        f"{done.evaluations:,} evaluations and {done.replies:,} replies of search {done.search} "
        f"in {file}{struck}"
    )


@record.command("import", examples="metasearch archive record import run.jsonl.gz --name theirs")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", metavar="NAME", help="Of the search here, in place of its own.")
@archive_option
def import_record(file: Path, name: str | None, place: str | None) -> None:
    """Take a search out of FILE, whole or not at all.

    `metasearch replay` proves it. Its replies also answer the same calls of your own searches:
    import from people whom you trust.
    """
    from metasearch.archive import Archive
    from metasearch.archive.handover import KEY_VARIABLE

    with Archive.open(place) as found:
        done = found.import_record(file, name=name)
        domain = found.search(done.search).config.get("domain", {})
    words(
        f"search {done.search}: {done.evaluations:,} evaluations and {done.replies:,} replies; "
        f"metasearch replay {done.search} scores them again. To go on with it (resume) its "
        f"endpoint's key has to be in {KEY_VARIABLE}"
    )
    for code in (domain.get("spec"), domain.get("scorer")):
        if str(code).endswith(".py"):
            words(f"it is scored by {code}: if that file is here, a replay runs it; read it first")


@archive.command(examples="metasearch archive backup archive-2026-11-22.db")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@archive_option
def backup(target: Path, place: str | None) -> None:
    """Copy the archive to TARGET, whole, also while a search writes to it."""
    with opened(place) as found:
        found.backup(target)
    words(f"wrote {target}")
