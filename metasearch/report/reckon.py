"""Works a report out from the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from metasearch.report.breakeven import break_even
from metasearch.report.evidence import corrected, paired
from metasearch.report.facts import Contest, Line, Report, Scored, Unlearnt
from metasearch.report.failures import failures
from metasearch.report.generalisation import gaps
from metasearch.report.headline import Samples, alike, scored
from metasearch.report.lineage import steps
from metasearch.report.ranking import (
    AFFORDABLE,
    WHOLE,
    Opponent,
    fair_baseline,
    mean,
    price,
    ranked,
    tested,
    unfinished,
)
from metasearch.report.rows import BASELINES, Rows, Scores, read, repeats
from metasearch.report.shrinkage import believed_gain
from metasearch.report.transfers import transfers
from metasearch.report.vote import count, voters
from metasearch.stats import probability_better, score_interval
from metasearch.types import Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo

__all__ = ["reckon"]

INDEPENDENT = "independent"  # the strategy that learns nothing
TESTED = 2  # meet the sealed test: the winner and the best baseline
MARGIN = 1.25  # test tasks may be a little longer than those of validation


def reckon(archive: Archive, search_id: str) -> Report:
    """Work out everything that is told of a search.

    Raises:
        ConfigError: there is no such search.
    """
    rows = read(archive, search_id)
    lines = {one.number: one for one in _lines(rows)}
    finalists, first = ranked(rows, fresh=True), ranked(rows, fresh=False)
    order = [*finalists, *(one for one in first if one not in finalists)]
    winner, second, *_ = [*order, None, None]
    opponent = fair_baseline(rows, winner) if winner else None
    looks = sum(event.kind == "test-opened" for event in rows.events)
    samples = _told(rows)
    return Report(
        rows=rows,
        lines=tuple(lines.values()),
        tried=len(rows.tried),
        unit=price(rows.entries).unit,
        winner=lines[winner.number] if winner else None,
        runner_up=lines[second.number] if second else None,
        headline=samples.headline(winner.number) if winner else None,
        winner_score=samples.validation(winner.number) if winner else None,
        runner_score=samples.validation(second.number) if second else None,
        opponent=lines[opponent.entry.number] if opponent else None,
        is_fair=bool(opponent and opponent.is_fair),
        contest=_contest(rows, winner, opponent.entry) if winner and opponent else None,
        test=_test(rows, winner, opponent) if winner else None,
        dearer_test=_dearer_test(rows, winner, opponent) if winner else None,
        test_scores={one.number: scored(rows.sealed[one.number], "test") for one in tested(rows)},
        gaps=gaps(archive, rows, samples),
        unlearnt=_unlearnt(archive, rows, winner, lines),
        looks=looks,
        kept_back=0.0 if looks or rows.sealed else _kept_back(rows, winner),
        is_between=unfinished(rows),
        is_alike=alike(rows.first, rows.fresh),
        break_even=break_even(rows, winner, _samples(rows, winner.number)) if winner else None,
        failures=failures(rows),
        lineage=steps(rows, winner) if winner else (),
        transfers=transfers(archive, winner.design.id) if winner and winner.design else (),
    )


def _samples(rows: Rows, number: int) -> Scores:
    """Return the validation scores that speak for a design: fresh ones where it has them all."""
    first, fresh = rows.first.get(number, {}), rows.fresh.get(number, {})
    return fresh if fresh.keys() >= first.keys() and not alike(rows.first, rows.fresh) else first


def _lines(rows: Rows) -> list[Line]:
    """Return all designs that met validation tasks, the best first, whole ones before others."""
    met = [*rows.baselines, *rows.tried]
    cost = price(rows.entries)
    cheap = _front(rows, met, cost.of)
    fast = _front(rows, met, lambda one: one.validation.seconds_per_task if one.validation else 0)
    lines = [_line(rows, one, one.number in cheap, one.number in fast) for one in met]
    return sorted(
        lines, key=lambda one: (one.status != WHOLE, -round(one.score.mean, 12), one.number)
    )


def _front(rows: Rows, met: Sequence[EntryInfo], cost: Callable[[EntryInfo], float]) -> set[int]:
    """Return the numbers of whole designs for which no other is at least as good and costs less."""
    whole = [one for one in met if one.status == WHOLE]
    scores = {one.number: round(mean(rows.first[one.number]), 12) for one in whole}
    front, best = set(), -1.0
    for one in sorted(whole, key=lambda one: (cost(one), -scores[one.number], one.number)):
        if scores[one.number] > best:
            best = scores[one.number]
            front.add(one.number)
    return front


def _line(rows: Rows, entry: EntryInfo, on_cost_front: bool, on_time_front: bool) -> Line:
    summary, scores = entry.validation, rows.first[entry.number]
    assert summary is not None, "an entry with scores has a summary"
    share = score_interval(list(scores.values()))
    return Line(
        number=entry.number,
        design=entry.design.id if entry.design else "",
        name=entry.name,
        idea=entry.design.idea if entry.design else "",
        proposer=entry.proposer,
        operator=entry.operator,
        status=str(entry.status),
        is_baseline=entry.proposer in BASELINES,
        score=Scored(share.mean, share.low, share.high, len(scores), "ranking"),
        dollars=summary.dollars_per_task,
        tokens=summary.tokens_per_task,
        seconds=summary.seconds_per_task,
        on_cost_front=on_cost_front,
        on_time_front=on_time_front,
    )


def _told(rows: Rows) -> Samples:
    """Return the scores out of which a headline is made."""
    return Samples(
        first=rows.first,
        fresh=rows.fresh,
        sealed=rows.sealed,
        whole=_whole(rows).keys(),
        test_tasks=rows.search.sizes.get(Split.TEST, 0),
    )


def _whole(rows: Rows) -> dict[int, Scores]:
    """Return the scores of the new designs that met all of validation, by number."""
    return {one.number: rows.first[one.number] for one in rows.tried if one.status == WHOLE}


def _contest(rows: Rows, winner: EntryInfo, opponent: EntryInfo) -> Contest | None:
    """Hold the winner against its opponent on validation, after all that were tried."""
    own, base = _samples(rows, winner.number), rows.first[opponent.number]
    is_fresh = own is rows.fresh.get(winner.number)
    again = rows.fresh.get(opponent.number, {})
    if is_fresh and again.keys() >= base.keys():
        base = again  # then both are of the same streams
    pair = paired(own, base)
    if pair is None:
        return None
    rivals = [rows.first[one.number] for one in rows.tried if one.number != winner.number]
    p = corrected(own, rivals, base)
    if is_fresh:
        shared = sorted(own.keys() & base.keys())
        better = probability_better([own[one] for one in shared], [base[one] for one in shared])
        return Contest(opponent.number, pair, p, better)
    belief = believed_gain(winner.number, _whole(rows), base)
    if belief is None:
        return Contest(opponent.number, pair, p)
    return Contest(opponent.number, pair, p, belief.better, belief.gain)


def _test(rows: Rows, winner: EntryInfo, opponent: Opponent | None) -> Contest | None:
    """Hold the winner on the test against its opponent, else against the best that met it."""
    bases = _tested_baselines(rows)
    if not bases:
        return None
    fair = [one for one in bases if opponent and one.number == opponent.entry.number]
    return _sealed(rows, winner, (fair or bases)[0])


def _unlearnt(
    archive: Archive, rows: Rows, winner: EntryInfo | None, lines: Mapping[int, Line]
) -> Unlearnt:
    """Return what the best would have been by a vote, and by designs that learnt nothing."""
    section = rows.search.config.get("search") or {}
    alone = rows.search.strategy == INDEPENDENT
    seeds = sum(one.proposer == BASELINES[0] for one in rows.entries)
    last = seeds + int(section.get("in_flight") or 1)  # a proposal sees what came so much before
    early = [one for one in ranked(rows, fresh=False) if one.number < last or alone]
    best = lines[early[0].number] if early else None
    chosen = _voters(rows, winner) if winner else []
    cost = sum(price(rows.entries).of(one) for one in chosen)
    ballot = count(archive, rows.search.id, chosen, cost) if chosen else None
    if ballot is None or winner is None:
        return Unlearnt(None, winner is not None and not chosen, None, len(early), best)
    against = paired(_samples(rows, winner.number), ballot.scores)
    return Unlearnt(ballot, False, against, len(early), best)


def _voters(rows: Rows, winner: EntryInfo) -> list[EntryInfo]:
    """Return whose vote costs no more than the winner; nobody where any three cost more."""
    cost = price(rows.entries)
    whole = {
        one.number: one
        for one in (*rows.baselines, *rows.tried)
        if one.status == WHOLE and one.number != winner.number
    }
    best = sorted(whole, key=lambda number: (-round(mean(rows.first[number]), 12), number))
    chosen = voters([(one, cost.of(whole[one])) for one in best], AFFORDABLE * cost.of(winner))
    return [whole[number] for number in chosen]


def _dearer_test(rows: Rows, winner: EntryInfo, opponent: Opponent | None) -> Contest | None:
    """Hold the winner on the test against a better baseline that costs more; None where none is."""
    bases = _tested_baselines(rows)
    if opponent is None or opponent.entry not in bases or bases[0] == opponent.entry:
        return None
    return _sealed(rows, winner, bases[0])


def _tested_baselines(rows: Rows) -> list[EntryInfo]:
    """Return the baselines that met the sealed test, the best on validation first."""
    bases = [one for one in tested(rows) if one.proposer in BASELINES]
    return sorted(bases, key=lambda one: (-mean(rows.first.get(one.number, {})), one.number))


def _sealed(rows: Rows, winner: EntryInfo, base: EntryInfo) -> Contest | None:
    if winner.number not in rows.sealed:
        return None
    pair = paired(rows.sealed[winner.number], rows.sealed[base.number])
    return None if pair is None else Contest(base.number, pair)


def _kept_back(rows: Rows, winner: EntryInfo | None) -> float:
    """Return about what is set aside for finals and test, by what the dearest finalist costs."""
    caps = rows.spending.caps
    if not any(caps.get(cap) is not None for cap in ("usd", "tokens", "calls")):
        return 0.0
    cost, sizes = price(rows.entries), rows.search.sizes
    section = rows.search.config.get("search") or {}
    finalists = [*rows.baselines, *([winner] if winner else [])]
    dearest = max((cost.of(one) for one in finalists), default=0.0)
    evaluations = TESTED * sizes.get(Split.TEST, 0) * repeats(rows.search)
    if (again := int(section.get("finalists") or 0)) and not rows.fresh:
        once = sizes.get(Split.VALIDATION, 0) * int(section.get("final_repeats") or 1)
        evaluations += (again + 1) * once
    return evaluations * MARGIN * dearest
