"""`metasearch rescore`: answers and episodes' logs, scored by the rules of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, opened
from metasearch.cli.output import console, emit, one_line, score, table
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.search.rescore import Rescored

__all__ = ["metrics_table", "rescore"]

DIFFERS = 1
COLUMNS = 10


@click.command(
    cls=Verb,
    examples="""
    metasearch rescore                   # the newest search
    metasearch rescore my-search --json | jq '.designs[] | .metrics'
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@archive_option
@as_json
def rescore(search_id: str | None, place: str | None, as_json: bool) -> int:
    """Score a search's answers again without running anything.

    A society's episodes are kept as logs, and each design's mean metrics are computed from them.
    Nothing is changed. Exit code 1 says that a score would be another one today.
    """
    from metasearch.search.rescore import rescore as again

    with opened(place) as archive:
        info = archive.search(search_id)
        found = list(again(archive, info))
    differ = sum(len(one.differences) for one in found)
    if as_json:
        emit("rescore", {"search": info.id, "designs": [_facts(one) for one in found]})
    else:
        _print(info.id, found, differ)
    return DIFFERS if differ else 0


def metrics_table(metrics: dict[str, dict[str, float]]) -> None:
    """Print mean metrics, one line each, with a column for every setting."""
    settings = list(metrics)
    names = list(dict.fromkeys(name for each in metrics.values() for name in each))
    rows = [(name, *(f"{metrics[one].get(name, 0.0):.3f}" for one in settings)) for name in names]
    console().print(table(("metric", *settings), rows))


def _last(found: list[Rescored]) -> list[Rescored]:
    """Return the designs whose metrics fit on a screen: the first, and the newest."""
    played = [one for one in found if one.metrics]
    return played if len(played) <= COLUMNS else [*played[:2], *played[2 - COLUMNS :]]


def _facts(one: Rescored) -> dict[str, Json]:
    return {
        "entry": one.number,
        "design": one.name,
        "evaluations": one.evaluations,
        "differences": [{**each._asdict(), "split": str(each.split)} for each in one.differences],
        "metrics": {setting: dict(means) for setting, means in one.metrics.items()},
    }


def _print(search_id: str, found: list[Rescored], differ: int) -> None:
    total = sum(one.evaluations for one in found)
    if any(one.metrics for one in found):
        metrics_table({f"#{one.number}": dict(one.metrics["all"]) for one in _last(found)})
    for one in found:
        for each in one.differences:
            where = f"#{one.number} {one_line(one.name, 40)} on {each.task_id} ({each.split})"
            click.echo(f"{where}: {score(each.old)} was, {score(each.new)} is")
    verdict = f"{differ} differ" if differ else "all scores are the same"
    click.echo(f"search {search_id}: {total:,} answers scored again, {verdict}")
