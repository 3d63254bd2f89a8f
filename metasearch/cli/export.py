"""`metasearch export`: a design as code that runs without metasearch."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, entry, opened, search_option
from metasearch.cli.output import words
from metasearch.errors import SandboxUnavailable

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo
    from metasearch.export.base import Bundle
    from metasearch.export.card import Card

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
    from metasearch.export.provenance import bundle

    write = plugins.load("exporters", form)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    with opened(place) as archive:
        search = archive.search(search_id)
        one = entry(archive, search, reference)
        made = bundle(archive, search.id, one, made=today)
        made = replace(made, card=_told(made.card, archive, search, one))
        made = _with_seats(made, archive, search, one)
    for path in write(_with_runs(made), output, force=force):
        click.echo(path)
    if form == "file":
        words(f"next: python {output} " + ("--help" if made.plays else '"your question"'))


def _told(card: Card, archive: Archive, search: SearchInfo, one: EntryInfo) -> Card:
    """Add what `top` and `report` say of a design: its score, and against what it stands."""
    from metasearch.cli.standing import stand, told
    from metasearch.report import headline
    from metasearch.report.document import parts
    from metasearch.report.reckon import reckon
    from metasearch.report.results import unlearnt
    from metasearch.report.verdict import difference, verdict

    if one.validation is None or not one.validation.n:
        return card
    standing = stand(archive, search)
    card = replace(card, headline=headline.told(told(archive, search, one, standing.entries)))
    winner, base = standing.winner, standing.opponent
    if winner is None or base is None or winner.number != one.number or not standing.validation:
        return card
    which = "the best baseline of its price" if standing.is_fair else "the best baseline"
    pair, p = (
        (standing.test, None) if standing.test else (standing.validation, standing.corrected_p)
    )
    where = "the sealed test" if standing.test else "validation"
    against = f"On {where} against {which}, #{base.number} {base.name}, "
    lines = ("".join(parts(text)) for text in unlearnt(reckon(archive, search.id)))
    told_against = f"{against}{difference(pair)}: {verdict(pair, p)}"
    return replace(card, against=told_against, unlearnt=tuple(lines))


def _with_seats(made: Bundle, archive: Archive, search: SearchInfo, one: EntryInfo) -> Bundle:
    """Note what a member did on a seat of some training episodes, for the package's own tests.

    Where no sandbox is available its package has no recorded episode, and that is said.
    """
    import asyncio

    from metasearch.domains.societies.base import Society
    from metasearch.sandbox.base import Limits
    from metasearch.sandbox.choose import open_sandbox
    from metasearch.sandbox.proof import prove
    from metasearch.search.config import SearchConfig
    from metasearch.search.domain import load_domain
    from metasearch.search.reseat import with_seats
    from metasearch.types import Split

    config = SearchConfig.model_validate(search.config)
    if not made.plays or not isinstance(domain := load_domain(config), Society):
        return made
    tasks = {task.id: task for task in archive.tasks(search.id, Split.TRAIN)}
    done = archive.evaluations(search.id, entry_id=one.id, split=Split.TRAIN, with_trace=True)
    limits = Limits(config.sandbox.active_seconds, config.sandbox.wall_seconds)

    async def play() -> Bundle:
        async with await open_sandbox() as sandbox:
            await prove(sandbox)
            episodes = [(tasks[each.task_id], each) for each in done]
            return await with_seats(made, sandbox, domain, episodes, limits)

    try:
        return asyncio.run(play())
    except SandboxUnavailable as error:
        words(f"no episode was played again for its tests: {error}")
        return made


def _with_runs(made: Bundle) -> Bundle:
    """Note the results of the programs that the recorded tasks ran, for the package's own tests.

    Where no sandbox is available those tasks are left out of its tests, and that is said.
    """
    import asyncio

    from metasearch.export.base import runs_code
    from metasearch.export.rerun import with_runs
    from metasearch.sandbox.choose import open_sandbox
    from metasearch.sandbox.proof import prove

    if not runs_code(made.design.source) or not made.recorded:
        return made

    async def play() -> Bundle:
        async with await open_sandbox() as sandbox:
            await prove(sandbox)
            return await with_runs(made, sandbox)

    try:
        return asyncio.run(play())
    except SandboxUnavailable as error:
        words(f"programs of the recorded tasks were not run again: {error}")
        return made
