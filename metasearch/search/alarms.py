"""Kinds of failure that come too often to be chance: each is told once, with what to do.

Blank, cut off, refused and malformed replies are outcomes of their own and score nothing. Where one
kind passes a twentieth of all evaluations the numbers say more about settings than about designs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from metasearch.types import Evaluation, Finish, Outcome

__all__ = ["INFRASTRUCTURE", "NO_USAGE", "Complaint", "complaints", "kinds_met"]

SHARE = 0.05
FEWEST = 20  # evaluations before the first alarm
INFRASTRUCTURE, NO_USAGE = "infrastructure", "no_usage"
ADVICE = {
    "blank": "{count} of {of} evaluations met a blank reply: raise model.max_tokens if the model "
    "thinks in silence, or take another model",
    "truncated": "{count} of {of} evaluations met a reply that was cut off at max_tokens: raise "
    "model.max_tokens",
    "refused": "{count} of {of} evaluations met a reply that was refused or filtered: look at one "
    "with `metasearch trace`",
    "wrong_format": "{count} of {of} evaluations ended in a reply or an answer that cannot be "
    "read: look at one with `metasearch trace`",
    INFRASTRUCTURE: "{count} of {of} evaluations had to be repeated since sandbox or endpoint "
    "failed: `metasearch doctor` looks for the cause",
    NO_USAGE: "{count} replies came without usage, so each was charged at its worst case: use an "
    "endpoint that tells usage, or raise the cap",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One kind that comes too often: `count` of `of` evaluations."""

    kind: str
    count: int
    of: int
    text: str


def kinds_met(evaluation: Evaluation) -> set[str]:
    """Return the kinds of bad reply that an evaluation met, also where its design coped."""
    met = {str(evaluation.outcome)}
    for call in evaluation.trace:
        if call.reply is None:
            continue
        if call.reply.finish is Finish.LENGTH:
            met.add(str(Outcome.TRUNCATED))
        elif call.reply.finish is Finish.FILTER:
            met.add(str(Outcome.REFUSED))
        elif not call.reply.text.strip():
            met.add(str(Outcome.BLANK))
    return met & ADVICE.keys()


def complaints(counts: Mapping[str, int] | Counter[str], of: int) -> list[Complaint]:
    """Return the kinds that passed their share.

    Args:
        counts: evaluations by kind; of `no_usage`, replies, of which one is enough.
        of: all evaluations.
    """
    found = []
    for kind, advice in ADVICE.items():
        count = counts.get(kind, 0)
        is_often = of >= FEWEST and count > SHARE * of
        if count and (kind == NO_USAGE or is_often):
            found.append(Complaint(kind, count, of, advice.format(count=count, of=of)))
    return found
