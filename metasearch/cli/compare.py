"""`metasearch compare`: two designs on the same tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, entry, opened, search_option
from metasearch.cli.output import console, emit, one_line, table, words

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo
    from metasearch.report.evidence import Paired
    from metasearch.types import Split

__all__ = ["compare"]

LISTED = 10
BEST_OF = 3  # from so many designs on, the best of them needs a word of caution


@click.command(
    cls=Verb,
    examples="""
    metasearch compare best best-seed
    metasearch compare 14 seed:chain_of_thought --split test
    metasearch compare 14 3 --check && echo "14 is better"
    """,
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="validation",
    show_default=True,
    help="Tasks to compare on; test only after the search opened it.",
)
@click.option("--check", is_flag=True, help="Exit 1 unless A is better, and more than luck.")
@search_option
@archive_option
@as_json
def compare(
    first: str,
    second: str,
    split: str,
    check: bool,
    search_id: str | None,
    place: str | None,
    as_json: bool,
) -> int:
    """Say whether A is better than B, by how much, how sure.

    A and B are a number (12), a name, the start of a design's id, best, best-seed or seed:NAME.
    Both are compared on the tasks that both have met: mean difference with a 95 % bootstrap
    interval, wins, losses, and the exact McNemar test.
    """
    from metasearch.errors import ConfigError
    from metasearch.report.evidence import comparable, paired
    from metasearch.types import Split

    with opened(place) as archive:
        search = archive.search(search_id)
        a, b = entry(archive, search, first), entry(archive, search, second)
        scores = archive.scores(search.id, Split(split), {a.number, b.number})
        pair = paired(*comparable(*(scores.get(one.number, {}) for one in (a, b))))
        if pair is None:
            raise ConfigError(
                f"#{a.number} and #{b.number} have no {split} task in common"
                + ("; the search opens the test split at its end" if split == "test" else "")
            )
        tried = _tried(archive, search)
    if as_json:
        emit("compare", _json(a, b, split, pair, tried))
    else:
        _print(a, b, Split(split), pair)
        _caution(a, split, tried)
    return int(check and not (pair.is_clear and pair.difference.mean > 0))


def _tried(archive: Archive, search: SearchInfo) -> int:
    return sum(
        one.proposer != "seed" and one.validation is not None for one in archive.entries(search.id)
    )


def _print(a: EntryInfo, b: EntryInfo, split: Split, pair: Paired) -> None:
    from metasearch.report.verdict import difference, verdict
    from metasearch.types import Split

    out = console()
    names = [f"#{one.number} {one_line(one.name, 60)}" for one in (a, b)]
    out.print(f"{names[0]} against {names[1]}, {split}", markup=False, soft_wrap=True)
    out.print(f"  {difference(pair)}", markup=False, soft_wrap=True)
    out.print(f"  {verdict(pair)}", markup=False, soft_wrap=True)
    rows = [_cost_row(one, split) for one in (a, b)]
    out.print(table(("design", "tokens/task", "$/task", "seconds/task", "outcomes"), rows))
    for label, tasks in (("won", pair.won), ("lost", pair.lost)):
        more = f" and {len(tasks) - LISTED} more" if len(tasks) > LISTED else ""
        line = f"  {label} {len(tasks)}: {' '.join(tasks[:LISTED])}{more}"
        out.print(line, markup=False, soft_wrap=True)
    if split is not Split.TEST and (pair.won or pair.lost):
        example = (pair.lost or pair.won)[0]
        words(f"next: metasearch trace {a.number} {example}")


def _cost_row(one: EntryInfo, split: Split) -> tuple[str, ...]:
    found = one.summaries.get(split)
    if found is None:
        return (f"#{one.number}", "", "", "", "")
    outcomes = ", ".join(f"{count} {kind}" for kind, count in found.outcomes.items())
    return (
        f"#{one.number}",
        f"{found.tokens_per_task:,.0f}",
        f"{found.dollars_per_task:.5f}",
        f"{found.seconds_per_task:.1f}",
        outcomes,
    )


def _caution(a: EntryInfo, split: str, tried: int) -> None:
    if split == "validation" and a.proposer != "seed" and tried >= BEST_OF:
        words(
            f"caution: if you chose #{a.number} because it scored best of {tried} designs, its "
            "score here flatters it; `metasearch top` has the corrected p, --split test the proof"
        )


def _json(a: EntryInfo, b: EntryInfo, split: str, pair: Paired, tried: int) -> dict[str, object]:
    from metasearch.cli.standing import row_json
    from metasearch.report.verdict import verdict

    return {
        "split": split,
        "a": row_json(a),
        "b": row_json(b),
        **pair.to_json(),
        "verdict": verdict(pair),
        "tried": tried,
    }
