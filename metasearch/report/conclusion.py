"""The first lines of a report: what came out, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from metasearch.report.document import Block, Paragraph, Said, Text
from metasearch.report.evidence import LEVEL, Paired
from metasearch.report.facts import Report
from metasearch.report.headline import told
from metasearch.report.verdict import verdict
from metasearch.report.words import p_value, score, signed

__all__ = ["conclusion", "is_resumable"]


def conclusion(report: Report) -> Iterator[Block]:
    """Say who won, or why nobody did; no more than the figures do."""
    yield Paragraph(_verdict(report), strong=True)
    if report.winner is not None and report.headline is not None:
        yield Paragraph(f"The score of #{report.winner.number} is {told(report.headline)}.")
    if (dearer := report.dearer_test) is not None:
        line = report.line(dearer.baseline)
        yield Paragraph(
            (
                f"The best baseline at any price is #{dearer.baseline} ",
                Said(line.name if line else ""),
                f"; on the sealed test the winner against it has {_figures(dearer.pair)}, "
                f"{p_value(dearer.pair.p)}.",
            )
        )
    if state := _state(report):
        yield Paragraph(state)


def is_resumable(report: Report) -> bool:
    """Say whether the search has not come to its end, so that a resume would go on."""
    return report.rows.search.status not in ("finished",) and not report.rows.is_running


def _state(report: Report) -> Text:
    search = report.rows.search
    why = (": ", Said(search.reason)) if search.reason else ()
    if report.rows.is_running:
        return "The search is running: every figure here is of this moment."
    if search.status == "running":
        return "The search was interrupted and has not come to its end."
    if search.status == "finished":
        return ("The search ended before its plan was done", *why, ".") if why else ""
    return (f"The search is {search.status} and has not come to its end", *why, ".")


def _verdict(report: Report) -> Text:
    winner = report.winner
    if winner is None:
        return _nobody(report)
    who = (f"#{winner.number} ", Said(winner.name))
    if report.opponent is None or report.contest is None:
        return (
            "The best new design is ",
            *who,
            "; no baseline was evaluated to compare it with, so nothing is known of its worth.",
        )
    base = (f"#{report.contest.baseline} ", Said(report.opponent.name))
    if report.is_tested:
        return _tested(report, who, base)
    pair, p = report.contest.pair, report.contest.corrected_p or 0.0
    figures = f": {_figures(pair)}, corrected {p_value(p)}. {_untested(report)}, so "
    if p < LEVEL and pair.difference.mean > 0:
        return (
            *who,
            " looks better than the baseline ",
            *base,
            " on validation",
            figures,
            "there is no proof yet.",
        )
    if p < LEVEL:
        return (
            "No new design is better than the baseline ",
            *base,
            "; the best, ",
            *who,
            ", is worse",
            figures,
            "this rests on validation alone.",
        )
    return (
        "It cannot be told whether ",
        *who,
        " is better than the baseline ",
        *base,
        figures,
        f"all there is to say is: {verdict(pair, p)}.",
    )


def _untested(report: Report) -> str:
    if report.looks or report.test_scores:
        return "The sealed test was opened and is not complete"
    return "The sealed test was not opened"


def _nobody(report: Report) -> Text:
    leader = next((one for one in report.lines if one.status == "evaluated"), None)
    if leader is None:
        return "No design has met all validation tasks yet, so nothing can be said of any."
    return (
        f"No new design has met all validation tasks. Of the baselines #{leader.number} ",
        Said(leader.name),
        f" leads with {score(leader.score.mean)}.",
    )


def _tested(report: Report, who: tuple[str, ...], base: tuple[str, ...]) -> Text:
    """Word what the sealed test says; the baseline there may be another, dearer one."""
    assert report.test is not None
    assert report.contest is not None
    test, contest = report.test, report.contest
    line = report.line(test.baseline)
    tested = (f"#{test.baseline} ", Said(line.name if line else ""))
    on_test = f"{_figures(test.pair)}, {p_value(test.pair.p)}"
    if test.pair.is_clear and test.pair.difference.mean > 0:
        return (*who, " is better than the baseline ", *tested, f" on the sealed test: {on_test}.")
    if test.pair.is_clear:
        return (
            "No gain: ",
            *who,
            " is worse than the baseline ",
            *tested,
            f" on the sealed test: {on_test}.",
        )
    p = contest.corrected_p or 0.0
    seen = f"{_figures(contest.pair)}, corrected {p_value(p)}"
    if p < LEVEL and contest.pair.difference.mean > 0:
        return (
            *who,
            " is better than the baseline ",
            *base,
            f" on validation ({seen}), but the sealed test cannot tell it from ",
            *tested,
            f": {on_test}.",
        )
    return (
        "It cannot be told whether ",
        *who,
        " is better than a baseline: against ",
        *tested,
        f" the sealed test says {on_test}; against ",
        *base,
        f" validation says {seen}.",
    )


def _figures(pair: Paired) -> str:
    gap = pair.difference
    return (
        f"{score(pair.mean_a)} against {score(pair.mean_b)} on {pair.tasks} tasks, "
        f"{signed(gap.mean)} [{signed(gap.low)}, {signed(gap.high)}]"
    )
