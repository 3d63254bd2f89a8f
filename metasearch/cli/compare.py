"""`metasearch compare`: two designs on the same tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, entry, opened, search_option
from metasearch.cli.output import console, emit, one_line, score, table, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, Sample, SearchInfo
    from metasearch.report.evidence import Paired
    from metasearch.types import Split

__all__ = ["compare"]

LISTED = 10
BEST_OF = 3  # from so many designs on, the best of them needs a word of caution
SUREST = 0.995  # no probability is shown as 1.00


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
    interval, wins, losses, the exact McNemar test, and the probability that A is truly better.

    A new design on validation may have been chosen as the best of all that were tried, so the
    verdict, and --check, go by a p that is corrected for all of them.
    """
    from metasearch.errors import ConfigError
    from metasearch.report.evidence import LEVEL, comparable, paired
    from metasearch.report.rows import BASELINES
    from metasearch.types import Split

    with opened(place) as archive:
        search = archive.search(search_id)
        a, b = entry(archive, search, first), entry(archive, search, second)
        tried = _tried(archive, search)
        chosen = split == "validation" and a.proposer not in BASELINES and len(tried) >= BEST_OF
        asked = {a.number, b.number, *(tried if chosen else ())}
        scores = archive.scores(search.id, Split(split), asked)
        met = comparable(*(scores.get(one.number, {}) for one in (a, b)))
        pair = paired(*met)
        if pair is None:
            raise ConfigError(
                f"#{a.number} and #{b.number} have no {split} task in common"
                + ("; the search opens the test split at its end" if split == "test" else "")
            )
    p = _corrected(scores, a, b, tried) if chosen else pair.p
    better = _better(*met)
    if as_json:
        emit("compare", _json(a, b, split, pair, (len(tried), p, better)))
    else:
        _print(a, b, Split(split), pair, p, better)
        if chosen:
            _caution(a, len(tried), p)
    return int(check and not (p < LEVEL and pair.difference.mean > 0))


def _tried(archive: Archive, search: SearchInfo) -> list[int]:
    """Return the numbers of the new designs that met validation tasks."""
    from metasearch.report.rows import BASELINES

    return [
        one.number
        for one in archive.entries(search.id)
        if one.proposer not in BASELINES and one.validation is not None
    ]


def _corrected(
    scores: Mapping[int, Mapping[Sample, float]], a: EntryInfo, b: EntryInfo, tried: Sequence[int]
) -> float:
    from metasearch.report.evidence import comparable, corrected

    base = scores[b.number]
    rivals = [one for one in tried if one not in (a.number, b.number) and one in scores]
    first, second = comparable(scores[a.number], base)
    return corrected(first, [comparable(scores[one], base)[0] for one in rivals], second)


def _better(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    from metasearch.stats import probability_better

    shared = sorted(a.keys() & b.keys())
    return probability_better([a[task] for task in shared], [b[task] for task in shared])


def _print(a: EntryInfo, b: EntryInfo, split: Split, pair: Paired, p: float, better: float) -> None:
    from metasearch.report.verdict import difference, verdict
    from metasearch.types import Split

    out = console()
    names = [f"#{one.number} {one_line(one.name, 60)}" for one in (a, b)]
    out.print(f"{names[0]} against {names[1]}, {split}", markup=False, soft_wrap=True)
    out.print(f"  {difference(pair)}", markup=False, soft_wrap=True)
    out.print(f"  {verdict(pair, p)}", markup=False, soft_wrap=True)
    shown = score(min(max(better, 1 - SUREST), SUREST))
    text = f"  #{a.number} is truly better with probability {shown}"
    out.print(text + ("" if p == pair.p else ", were it not chosen"), markup=False, soft_wrap=True)
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


def _caution(a: EntryInfo, tried: int, p: float) -> None:
    from metasearch.report.words import p_value

    words(
        f"caution: if you chose #{a.number} because it scored best of {tried} designs, its "
        f"score here flatters it; corrected for that {p_value(p)}, --split test has the proof"
    )


def _json(
    a: EntryInfo, b: EntryInfo, split: str, pair: Paired, chosen: tuple[int, float, float]
) -> dict[str, object]:
    from metasearch.cli.standing import row_json
    from metasearch.report.verdict import verdict

    tried, p, better = chosen
    return {
        "split": split,
        "a": row_json(a),
        "b": row_json(b),
        **pair.to_json(),
        "corrected_p": p,
        "probability_better": better,
        "verdict": verdict(pair, p),
        "tried": tried,
    }
