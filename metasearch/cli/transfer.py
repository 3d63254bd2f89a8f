"""`metasearch transfer`: the winner with other models, on other domains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, opened
from metasearch.cli.output import console, emit, table, words

if TYPE_CHECKING:
    from metasearch.report.transfers import Transfer

__all__ = ["transfer"]


@click.command(
    cls=Verb,
    examples="""
    metasearch transfer my-search --model gpt-4.1 --model gpt-4.1-nano --usd 3
    metasearch transfer my-search --domain reasoning:chain_sum --domain other.jsonl --tasks 100
    metasearch transfer my-search --design 12 --model local
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.option("--design", "reference", metavar="DESIGN", help="Another than the winner.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Model; may be repeated.")
@click.option("--domain", "specs", multiple=True, metavar="SPEC", help="Domain; may be repeated.")
@click.option("--scorer", metavar="NAME", help="For domains that are files.")
@click.option(
    "--tasks",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="Of each domain's test split, at most.",
)
@click.option("--base-url", metavar="URL", help="Endpoint of the models; else the search's own.")
@click.option("--key-env", metavar="VARIABLE", help="Variable that holds its key.")
@click.option("--usd", type=float, metavar="N", help="Cap of dollars for all of it.")
@click.option("--calls", type=int, metavar="N", help="Cap of model calls for all of it.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Prices.")
@click.option("--allow-unpriced", is_flag=True, help="Use a model without a known price.")
@archive_option
@as_json
def transfer(
    search_id: str | None,
    reference: str | None,
    models: tuple[str, ...],
    specs: tuple[str, ...],
    place: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Try a search's winner with other models and on other domains.

    Every model with every domain; the best baseline beside it on the same tasks.

    Each pair is a search of its own in the archive (strategy `transfer`), so it can be looked at,
    replayed and, by the same command again, resumed. `metasearch report` shows the matrix.
    """
    from metasearch.cli.cells import Journey, plan, travel
    from metasearch.cli.report import newest

    journey = Journey(models=models, specs=specs, **options)
    with opened(place, read_only=False) as archive:
        cells = plan(archive, newest(archive, search_id), reference, journey)
        status, found = travel(archive, cells, journey)
    if as_json:
        emit("transfer", {"transfers": [one.to_json() for one in found]})
    else:
        _print(found)
    return status


def _print(found: list[Transfer]) -> None:
    from metasearch.report.matrix import COLUMNS, row

    console().print(table(COLUMNS, ([*map(str, row(one))] for one in found)))
    for one in found:
        if not one.is_complete:
            words(f"{one.search} is not complete: the same command again goes on")
