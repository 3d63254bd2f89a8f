"""`metasearch export`: a design as code that runs without metasearch."""

from __future__ import annotations

from pathlib import Path

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, entry, opened, search_option
from metasearch.cli.output import words

__all__ = ["export"]


@click.command(
    cls=Verb,
    examples="""
    metasearch export best --as file -o agent.py && python agent.py "question"
    metasearch export 12 --as module -o my_agent/ && pip install ./my_agent
    """,
)
@click.argument("reference", metavar="DESIGN")
@click.option("--as", "form", default="file", show_default=True, help="file or module.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File or folder to write.",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@search_option
@archive_option
def export(
    reference: str,
    form: str,
    output: Path,
    force: bool,
    search_id: str | None,
    place: str | None,
) -> None:
    """Write a design as code that runs without metasearch.

    As one file, or as an installable package with tests and a card.

    The file needs `openai` only. The package replays three recorded training tasks as its tests;
    its CARD.md says where the design comes from and how good it is.
    """
    from metasearch import plugins
    from metasearch.cli.bundle import bundle

    write = plugins.load("exporters", form)
    with opened(place) as archive:
        search = archive.search(search_id)
        one = entry(archive, search, reference)
        made = bundle(archive, search, one)
    for path in write(made, output, force=force):
        click.echo(path)
    if form == "file":
        words(f'next: python {output} "your question"')
