"""The table of designs, and who won: what `run` ends with and `top` shows again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metasearch.archive.records import WINNER
from metasearch.cli.options import rank
from metasearch.cli.output import one_line, score
from metasearch.cli.troubles import alarms
from metasearch.report.evidence import Paired, by_task, comparable, corrected, paired
from metasearch.report.facts import Scored
from metasearch.report.headline import Samples
from metasearch.report.ranking import AFFORDABLE, Contender, opponent, price
from metasearch.report.rows import BASELINES, repeats
from metasearch.report.spending import Spending, spending
from metasearch.stats import score_interval, wilson
from metasearch.types import FRESH, Json, Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, Sample, SearchInfo, Summary

__all__ = [
    "COLUMNS",
    "Standing",
    "interval",
    "ranked",
    "repeats",
    "row",
    "row_json",
    "stand",
    "summary_json",
    "told",
]

COLUMNS = (
    "#",
    "design",
    "made by",
    "parents",
    "score",
    "95 % interval",
    "tasks",
    "tokens/task",
    "$/task",
    "status",
)
RACED = ("evaluated", "stopped", "pending")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a search came out.

    Attributes:
        entries: best first; those that came to nothing are left out.
        lost: how many proposals came to nothing, by status.
        winner: who won the finals, before them the best fully evaluated design; a seed perhaps;
            None before the first.
        headline: the winner's score that may be quoted; None without a winner.
        opponent: the best baseline of the winner's price, see `report.ranking.opponent`.
        is_fair: it costs no more than the winner.
        validation: winner against opponent, on fresh samples where there were finals; None when the
            winner is that baseline.
        corrected_p: of that comparison, for all the designs tried.
        tried: how many new designs met validation tasks.
        test: the same comparison on the sealed test split, once it was opened.
        looks: how often it was opened; more than once only where a search went on afterwards, or
            a transfer met the same tasks.
        spending: what it took, and on what.
        alarms: kinds of failure that came too often, each with a line of advice.
    """

    search: SearchInfo
    entries: Sequence[EntryInfo]
    lost: Counter[str]
    winner: EntryInfo | None
    headline: Scored | None
    opponent: EntryInfo | None
    is_fair: bool
    validation: Paired | None
    corrected_p: float | None
    tried: int
    test: Paired | None
    spending: Spending
    looks: int = 0
    alarms: Sequence[dict[str, Json]] = ()


def stand(archive: Archive, search: SearchInfo) -> Standing:
    """Work out how a search stands."""
    everything = archive.entries(search.id)
    entries = ranked(everything)
    lost = Counter(str(one.status) for one in everything if one.status not in RACED)
    log = archive.events(search.id)
    won = next((event.text.split()[0] for event in reversed(log) if event.kind == WINNER), None)
    leaders = [one for one in entries if one.status == "evaluated"]
    winner = next((one for one in leaders if str(one.number) == won), None)
    winner = winner or next(iter(leaders), None)
    opponent, is_fair = _opponent(entries, winner)
    tried = [one for one in entries if one.proposer not in BASELINES]
    validation = p = test = None
    if winner is not None and opponent is not None and winner.number != opponent.number:
        numbers = {winner.number, opponent.number, *(one.number for one in tried)}
        found = archive.scores(search.id, Split.VALIDATION, numbers)
        first, base = found.pop(winner.number), found.pop(opponent.number)
        # Each rival against the baseline on the samples that both have: its chance to be lucky.
        rivals = [comparable(one, base)[0] for one in found.values()]
        mine, base_scores = comparable(first, base)
        validation, p = paired(mine, base_scores), corrected(mine, rivals, base_scores)
        sealed = archive.scores(search.id, Split.TEST, {winner.number, opponent.number})
        test = paired(*(by_task(sealed.get(one.number, {})) for one in (winner, opponent)))
    return Standing(
        search=search,
        entries=entries,
        lost=lost,
        winner=winner,
        headline=told(archive, search, winner, entries) if winner else None,
        opponent=opponent,
        is_fair=is_fair,
        validation=validation,
        corrected_p=p,
        tried=len(tried),
        test=test,
        spending=spending(archive, search, log),
        looks=sum(event.kind == "test-opened" for event in log),
        alarms=alarms(everything, log),
    )


def _opponent(
    entries: Sequence[EntryInfo], winner: EntryInfo | None
) -> tuple[EntryInfo | None, bool]:
    """Return the baseline that a winner is held against, and whether it costs no more.

    Where another one met the test in its place, a budget having ended, it is that one.
    """
    if winner is None:
        return None, False
    cost, met = price(entries), {one.number: one for one in entries if one.proposer in BASELINES}
    tested = {number: one for number, one in met.items() if Split.TEST in one.summaries}
    if Split.TEST in winner.summaries and winner.number not in met:
        met = tested or met
    found = opponent(
        (
            Contender(one.number, one.validation.mean, cost.of(one), one.status == "evaluated")
            for one in met.values()
            if one.validation is not None
        ),
        cost.of(winner),
    )
    if found is None:
        return None, False
    return met[found.number], found.cost <= AFFORDABLE * cost.of(winner)


def told(
    archive: Archive, search: SearchInfo, one: EntryInfo, entries: Sequence[EntryInfo]
) -> Scored:
    """Return the score of a design that may be quoted.

    Args:
        one: met validation tasks.
        entries: of the same search.
    """
    whole = [x.number for x in entries if x.proposer not in BASELINES and x.status == "evaluated"]
    sealed = by_task(archive.scores(search.id, Split.TEST, {one.number}).get(one.number, {}))
    test_tasks = search.sizes.get(Split.TEST, 0)
    # On the test the others do not matter: what may be a million scores is not read then.
    needed = {one.number} if sealed and len(sealed) >= test_tasks else {one.number, *whole}
    found = archive.scores(search.id, Split.VALIDATION, needed)
    known = Samples(
        first=_by_task(found, fresh=False),
        fresh=_by_task(found, fresh=True),
        sealed={one.number: sealed},
        whole=[number for number in whole if number in needed],
        test_tasks=test_tasks,
    )
    return known.headline(one.number)


def _by_task(
    found: Mapping[int, Mapping[Sample, float]], *, fresh: bool
) -> dict[int, dict[str, float]]:
    """Return the scores by task of each design, of the finals' samples or of all others."""
    parts = {
        number: {x: value for x, value in scores.items() if (x.repeat >= FRESH) is fresh}
        for number, scores in found.items()
    }
    return {number: by_task(scores) for number, scores in parts.items() if scores}


def ranked(entries: Sequence[EntryInfo]) -> list[EntryInfo]:
    """Return the entries that met validation tasks, whole ones first, by score and then cost."""
    return sorted((one for one in entries if one.validation and one.validation.n), key=rank)


def row(one: EntryInfo, times: int = 1) -> tuple[str, ...]:
    """Return one line of the table, in the order of `COLUMNS`; `times` are the repeats."""
    made_by = one.proposer + (f": {one.operator}" if one.operator else "")
    parents = " ".join(f"#{parent}" for parent in one.parents)
    head = (f"{one.number}", one_line(one.name, 40), one_line(made_by, 40), parents)
    summary = one.validation
    if summary is None or not summary.n:
        return (*head, "", "", "", "", "", one.status)
    low, high = interval(summary, times)
    return (
        *head,
        score(summary.mean),
        f"[{score(low)}, {score(high)}]",
        f"{_tasks(summary, times)}",
        f"{summary.tokens_per_task:,.0f}",
        f"{summary.dollars_per_task:.5f}" if summary.dollars_per_task else "0",
        one.status,
    )


def row_json(one: EntryInfo, times: int = 1) -> dict[str, Json]:
    """Return one entry as plain JSON; `times` are the repeats."""
    return {
        "number": one.number,
        "design": one.design.id if one.design else None,
        "name": one.name,
        "idea": one.design.idea if one.design else "",
        "status": str(one.status),
        "reason": one.reason,
        "proposer": one.proposer,
        "operator": one.operator,
        "parents": list(one.parents),
        "proposing": {"tokens": one.usage.total, "dollars": one.dollars},
        "splits": {
            str(split): summary_json(found, times) for split, found in one.summaries.items()
        },
    }


def summary_json(summary: Summary, times: int = 1) -> dict[str, Json]:
    """Return what was measured on one split as plain JSON; `times` are the repeats."""
    low, high = interval(summary, times)
    return {
        "evaluations": summary.n,
        "tasks": _tasks(summary, times),
        "mean": summary.mean,
        "low": low,
        "high": high,
        "solved": summary.solved,
        "tokens_per_task": summary.tokens_per_task,
        "dollars_per_task": summary.dollars_per_task,
        "seconds_per_task": summary.seconds_per_task,
        "outcomes": {str(kind): count for kind, count in summary.outcomes.items()},
    }


def interval(summary: Summary, times: int = 1) -> tuple[float, float]:
    """Return the 95 % interval of a summary's mean; (0, 1) before the first task.

    The same as while the search ran, see `stats.score_interval`. The repeats of a task are one
    piece of evidence.
    """
    if not summary.n:
        return 0.0, 1.0
    tasks = _tasks(summary, times)
    by_task = summary.by_task
    found = score_interval(by_task) if by_task else wilson(summary.mean * tasks, tasks)
    return found.low, found.high


def _tasks(summary: Summary, times: int) -> int:
    return -(-summary.n // times)
