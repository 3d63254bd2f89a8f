"""`metasearch bench`: which strategy finds more, in seconds, without a model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb, Verbs
from metasearch.cli.options import archive_option, as_json, opened
from metasearch.cli.output import console, emit, words
from metasearch.cli.output import table as shown

if TYPE_CHECKING:
    from metasearch.testing.contest import Standing

__all__ = ["bench"]

SEARCHES, SEARCHES_ON_A_TABLE = 40, 200
DESIGNS = 40
FIXTURE = Path(__file__).parents[2] / "tests" / "fixtures" / "tabular_starter.jsonl"  # a checkout's
COLUMNS = ("world", "strategy", "found", "gain", "against independent", "evaluations", "searches")


@click.group(
    cls=Verbs,
    examples="""
    metasearch bench strategies
    metasearch bench table my-search -o table.jsonl
    """,
)
def bench() -> None:
    """Compare strategies where the truth is known; asks no model."""


@bench.command(
    cls=Verb,
    examples="""
    metasearch bench strategies                        # the simulator and, in a checkout, a table
    metasearch bench strategies --table table.jsonl --json
    metasearch bench strategies --world simulator --searches 200 --designs 80
    """,
)
@click.option(
    "--world",
    type=click.Choice(["simulator", "table"]),
    help="One of the two only.",
)
@click.option(
    "--table",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A table of real evaluations, of `bench table`.",
)
@click.option("--searches", type=click.IntRange(2), metavar="N", help="Of each strategy.")
@click.option(
    "--designs",
    type=click.IntRange(1),
    metavar="N",
    help="Proposals of a search; else 40, on a table as many as were made from seeds alone.",
)
@as_json
def strategies(
    world: str | None,
    file: Path | None,
    searches: int | None,
    designs: int | None,
    as_json: bool,
) -> None:
    """Compare evolve, meta-agent-search, cultural and independent sampling.

    In simulated worlds, and on a table of real evaluations (designs x tasks x repeats) whose tasks
    are dealt anew for each search: half rank the designs, half tell how good the winner is. Scores
    are true ones, in points of 100, with the 95 % interval of the difference over searches.
    """
    from metasearch.testing.contest import on_simulator, on_table
    from metasearch.testing.tabular import read_table

    found: list[Standing] = []
    if world != "table":
        found += on_simulator(searches or SEARCHES, designs or DESIGNS)
    if world != "simulator":
        place = file or (FIXTURE if FIXTURE.exists() or world == "table" else None)
        if place is None:
            words("no table here; make one of a search: metasearch bench table SEARCH -o FILE")
        else:
            rows = read_table(place)
            found += on_table(rows, searches or SEARCHES_ON_A_TABLE, designs or rows.drafts)
    if as_json:
        emit("strategies", {"strategies": [asdict(one) for one in found]})
    else:
        console().print(shown(COLUMNS, map(_row, found)))


@bench.command(
    cls=Verb,
    examples="""
    metasearch bench table my-search -o table.jsonl
    metasearch run --set 'search.stages=["all"]' ...   # a search whose designs all meet all tasks
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.option(
    "--output", "-o", "out", type=click.Path(path_type=Path), required=True, metavar="FILE"
)
@archive_option
def table(search_id: str | None, out: Path, place: str | None) -> None:
    """Write the evaluations of a search as a table for `bench strategies`.

    Designs that met all validation tasks count; the table holds scores and names, no question and
    no answer.
    """
    from metasearch.testing.tabular import take, write_table

    with opened(place) as archive:
        made = take([(archive, archive.search(search_id).id)])
    write_table(made, out)
    tasks = made.rows[0].scores.shape[1]
    words(f"{out}: {len(made.rows)} designs, {len(made.seeds)} of them seeds, on {tasks} tasks")


def _row(one: Standing) -> tuple[object, ...]:
    is_control = one.strategy == "independent"
    lead = "" if is_control else f"{one.lead:+.1f} [{one.low:+.1f}, {one.high:+.1f}]"
    evaluations = f"{one.evaluations:,.0f}"
    return (
        one.world,
        one.strategy,
        f"{one.found:.1f}",
        f"{one.gain:+.1f}",
        lead,
        evaluations,
        one.searches,
    )
