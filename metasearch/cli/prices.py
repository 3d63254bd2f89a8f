"""`metasearch prices`: what models cost, as a budget counts it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import as_json
from metasearch.cli.output import console, emit, table, words
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.gateway.prices import PriceTable

__all__ = ["prices"]

UNKNOWN = 1


@click.command(
    cls=Verb,
    examples="""
    metasearch prices gpt                          # names that hold "gpt"
    metasearch prices --json > prices.json         # a file to edit; then: --prices prices.json
    metasearch prices my-model --prices prices.json
    """,
)
@click.argument("name", required=False, default="")
@click.option(
    "--prices",
    "file",
    envvar="METASEARCH_PRICES",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own file in place of the shipped table.",
)
@as_json
def prices(name: str, file: Path | None, as_json: bool) -> int:
    """Show what models cost, and the date of that table.

    Dollars for 1,000,000 tokens: of the prompt, of the part of it that the endpoint had kept
    ("cached"), and of what the model writes. Says when a model of your search.toml has no price.
    Exit code 1: none has NAME in its name.
    """
    from metasearch.gateway.prices import load_prices

    known = load_prices(file)
    found = {model: price for model, price in known.prices.items() if name.lower() in model.lower()}
    found = found or _dated(known, name)
    unpriced = _unpriced(known, file)
    rows = {model: price.listed() for model, price in sorted(found.items())}
    if as_json:
        facts: dict[str, Json] = {"date": known.date, "source": known.source, "note": known.note}
        emit("prices", {**facts, "models": rows, "unpriced": list(unpriced)})
    elif rows:
        cells = [
            (model, *(f"{dollars:g}" for dollars in row.values())) for model, row in rows.items()
        ]
        console().print(table(("model", "$/M prompt", "$/M cached", "$/M written"), cells))
        click.echo(f"{known.source}, of {known.date}. {known.note}".strip())
    for model, where in unpriced.items():
        words(f"{model} ({where}) has no price{_mend(model)}")
    if not rows:
        words(f"no model in {known.source} of {known.date} has {name!r} in its name{_mend(name)}")
    return 0 if rows else UNKNOWN


def _mend(model: str) -> str:
    entry = f'"{model}": {{"prompt": 0.5, "cached": 0.25, "completion": 1.5}}'
    return (
        ': save `metasearch prices --json > prices.json`, add to its "models" '
        f"{entry} (dollars for 1,000,000 tokens) and give --prices prices.json; "
        "or go without dollars by --allow-unpriced"
    )


def _dated(known: PriceTable, name: str) -> dict[str, Json]:
    """Return the price that a dated name ("gpt-4o-2024-08-06") has from its base."""
    price = known.find(name)
    return {} if price is None else {name: price}


def _unpriced(known: PriceTable, file: Path | None) -> dict[str, str]:
    """Return the models of this folder's search.toml that have no price, and their key there."""
    from metasearch.cli.plan import DEFAULT_FILE
    from metasearch.gateway.prices import load_prices
    from metasearch.search.config import FREE_MODELS
    from metasearch.search.config_file import load_config

    if not DEFAULT_FILE.is_file():
        return {}
    config = load_config(DEFAULT_FILE)
    if config.budget.allow_unpriced:
        return {}
    if file is None and config.budget.prices is not None:
        known = load_prices(config.budget.prices)
    models = {config.designer().name: "meta_model.name", config.model.name: "model.name"}
    return {
        model: f"{key} in {DEFAULT_FILE}"
        for model, key in models.items()
        if model not in (None, *FREE_MODELS) and known.find(model) is None
    }
