"""The end of a run in words: the table, who won, by how much, and what to do next."""

from __future__ import annotations

from metasearch.cli.output import console, one_line, score, table
from metasearch.cli.standing import COLUMNS, Standing, repeats, row, row_json
from metasearch.report.headline import told
from metasearch.report.rows import BASELINES
from metasearch.report.verdict import difference, verdict
from metasearch.report.words import p_value
from metasearch.types import Json

__all__ = ["conclusion", "next_commands", "print_standing", "standing_json"]


def print_standing(standing: Standing, *, limit: int | None = None) -> None:
    """Print the table, the conclusion and the next commands on stdout."""
    out = console()
    times = repeats(standing.search)
    shown = standing.entries[:limit]
    rows = (row(one, times) for one in shown)
    out.print(table(COLUMNS, rows, dispensable=("tasks", "$/task")))
    if len(shown) < len(standing.entries):
        out.print(
            f"... and {len(standing.entries) - len(shown)} more: -n 0 shows all", markup=False
        )
    spent = f"Spent: {standing.spending.line()}."
    warnings = [f"Alarm: {alarm['text']}." for alarm in standing.alarms]
    for line in (*_lost(standing), spent, *warnings, *conclusion(standing)):
        out.print(line, markup=False, soft_wrap=True)
    for line in ("Next:", *(f"  {command}" for command in next_commands(standing))):
        out.print(line, markup=False, soft_wrap=True)


def _lost(standing: Standing) -> list[str]:
    if not standing.lost:
        return []
    kinds = ", ".join(f"{count} {kind}" for kind, count in standing.lost.most_common())
    return [f"Proposals that came to nothing: {kinds}."]


def conclusion(standing: Standing) -> list[str]:
    """Say who won, by how much against the best seed, and whether that is more than luck."""
    winner, opponent = standing.winner, standing.opponent
    if winner is None or winner.validation is None:
        return ["No design has met all validation tasks yet, so none has won."]
    who = f"#{winner.number} {one_line(winner.name, 60)}"
    what = told(standing.headline) if standing.headline else score(winner.validation.mean)
    if standing.validation is None or opponent is None:
        if winner.proposer in BASELINES:
            return [f"Best is a {winner.proposer}, {who}: {what}. No new design beat it."]
        return [f"Best is {who}: {what}. There is no baseline to compare it with."]
    kind = (
        "the best baseline of its price"
        if standing.is_fair
        else "the best baseline, none is as cheap"
    )
    lines = [
        f"Best is {who}: {what}.",
        f"Against {kind}, #{opponent.number} {one_line(opponent.name, 60)}:",
        f"  validation  {difference(standing.validation)}",
        f"              as the best of {standing.tried} tried, corrected "
        f"{p_value(standing.corrected_p or 0.0)}: "
        f"{verdict(standing.validation, standing.corrected_p)}",
    ]
    if standing.test is None:
        return [*lines, "  test        not opened yet: it is, once, when the search finishes"]
    return [
        *lines,
        f"  test        {difference(standing.test)}",
        f"              {_seal(standing.looks)}: {verdict(standing.test)}",
    ]


def _seal(looks: int) -> str:
    if looks > 1:
        why = "as the search went on after the first or a transfer met its tasks"
        return f"opened {looks} times, {why}, so read it with care"
    return "sealed until the end, so nothing to correct"


def next_commands(standing: Standing) -> list[str]:
    """Return the commands that follow from here."""
    best = standing.winner
    if best is None:
        return [f"metasearch resume {standing.search.id}"]
    number = best.number
    compare = (
        [f"metasearch compare {number} {standing.opponent.number}"]
        if standing.opponent and standing.validation
        else []
    )
    return [
        f"metasearch report {standing.search.id} -o report.html",
        f"metasearch show {number}",
        *compare,
        f"metasearch export {number} --as file -o agent.py",
    ]


def standing_json(standing: Standing) -> dict[str, Json]:
    """Return all of it as plain JSON."""
    times = repeats(standing.search)
    return {
        "search": standing.search.id,
        "status": str(standing.search.status),
        "domain": standing.search.domain,
        "entries": [row_json(one, times) for one in standing.entries],
        "lost": dict(standing.lost),
        "winner": standing.winner.number if standing.winner else None,
        "headline": standing.headline._asdict() if standing.headline else None,
        "opponent": standing.opponent.number if standing.opponent else None,
        "opponent_costs_at_most_as_much": standing.is_fair if standing.opponent else None,
        "tried": standing.tried,
        "validation": standing.validation.to_json() if standing.validation else None,
        "corrected_p": standing.corrected_p,
        "test": standing.test.to_json() if standing.test else None,
        "test_looks": standing.looks,
        "spent": standing.spending.to_json(),
        "alarms": list(standing.alarms),
        "next": next_commands(standing),
    }
