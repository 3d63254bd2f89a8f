"""Scores that are too good for what they took: either a find, or a hole in the tasks or the scorer.

A design that asks no model and is right all the same may compute the answers, which is fair, or may
have found a way around the task, which no score shows. So nobody is disqualified: a person is told.
"""

from __future__ import annotations

from collections.abc import Iterable

from metasearch.archive.evaluations import Measured
from metasearch.search.member import RACED, Member, best
from metasearch.types import Split

__all__ = ["SUSPECT", "suspicion"]

SUSPECT = "suspect-"  # kind of alarm; the entry's number follows
FEWEST = 10  # tasks; on fewer anything may happen by chance
SILENT = 0.5  # share of tasks without a model call
SOLVED, JUMP = 0.9, 0.2  # scores nearly all, and so much more than the best before it
CHEAP = 0.25  # ... at this share of its tokens
LOOK = "look at its source before you believe it: metasearch show {number}"


def suspicion(member: Member, others: Iterable[Member]) -> str:
    """Say in one line what is odd about a design's validation score, "" where nothing is.

    Args:
        member: its race is over.
        others: of the same search; those before it count.
    """
    met = member.of(Split.VALIDATION)
    before = [one for one in others if one.number < member.number and one.status in RACED]
    if member.proposer == "seed" or len(met) < FEWEST or member.status not in RACED:
        return ""
    found = _silent(met, before) or _jump(member, before)
    return f"#{member.number} {found}; {LOOK.format(number=member.number)}" if found else ""


def _silent(met: list[Measured], before: list[Member]) -> str:
    """Look for right answers that no model was asked for."""
    silent = [one for one in met if not one.calls]
    if len(silent) < SILENT * len(met):
        return ""
    tasks = {one.task_id for one in silent}
    score = sum(one.score for one in silent) / len(silent)
    seeds = [one for one in before if one.proposer == "seed"]
    if any(not one.calls for seed in seeds for one in seed.of(Split.VALIDATION)):
        return ""  # a society of rules: nobody needs a model there
    if score <= max((one.mean(tasks) for one in seeds), default=0.0) or not score:
        return ""  # no better than those that ask: a constant answer, a guess
    return f"made no model call in {len(silent)} of {len(met)} tasks and scores {score:.2f} on them"


def _jump(member: Member, before: list[Member]) -> str:
    """Look for a leap to nearly everything at a fraction of what the best took."""
    leader = best(before)
    if leader is None or member.mean() < SOLVED:
        return ""
    base = leader.mean(member.scores().keys())
    tokens, paid = member.tokens_per_task(), leader.tokens_per_task()
    if member.mean() - base < JUMP or tokens > CHEAP * paid:
        return ""
    return (
        f"scores {member.mean():.2f} where the best before it, #{leader.number}, scores {base:.2f},"
        f" with {tokens:,.0f} tokens a task instead of {paid:,.0f}"
    )
