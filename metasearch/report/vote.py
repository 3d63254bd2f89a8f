"""The majority of the archive's best, at the winner's price: a baseline that asks nobody.

Three good designs that each answer, and a vote, may do what one dear design does. What they said is
in the archive, so the vote on the validation tasks is counted from their recorded answers. The
voters are chosen by their scores on these tasks, which flatters the vote and not the winner.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metasearch.types import FRESH, Evaluation, Json, Outcome, Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo

__all__ = ["VOTERS", "Ballot", "count", "voters"]

VOTERS = 3  # with two there is no majority


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote of designs on the validation tasks.

    Attributes:
        voters: their numbers, the best first.
        scores: in [0, 1] by task id.
        cost: of all voters' answers to one task, dollars or tokens.
    """

    voters: tuple[int, ...]
    scores: Mapping[str, float]
    cost: float


def voters(ranked: Sequence[tuple[int, float]], price: float) -> tuple[int, ...]:
    """Return who votes: the best designs that together cost no more; () where three cost more.

    Args:
        ranked: number and cost of designs that met all validation tasks, the best first, without
            the winner.
        price: what the winner costs, with what still counts as its price.
    """
    chosen: list[int] = []
    left = price
    for place, (number, cost) in enumerate(ranked):
        wanted = VOTERS - len(chosen) - 1
        # Enough must be left for the cheapest of the others.
        rest = sorted(each for _, each in ranked[place + 1 :])[:wanted]
        if len(rest) == wanted and cost + sum(rest) <= left:
            chosen.append(number)
            left -= cost
        if len(chosen) == VOTERS:
            return tuple(chosen)
    return ()


def count(
    archive: Archive, search_id: str, entries: Sequence[EntryInfo], cost: float
) -> Ballot | None:
    """Return the vote of some designs, by what they answered when the search ranked them.

    None where tasks are episodes: what happened in one is nothing to vote on.

    Args:
        entries: the voters, the best first.
        cost: of all of them for one task.
    """
    answers = [
        {
            (one.task_id, one.repeat): one
            for one in archive.evaluations(search_id, entry_id=entry.id, split=Split.VALIDATION)
            if one.repeat < FRESH
        }
        for entry in entries
    ]
    said = (one for told in answers for one in told.values() if one.outcome is Outcome.ANSWERED)
    if any(isinstance(one.answer, dict) for one in said):
        return None
    scores: dict[str, list[float]] = defaultdict(list)
    for task, repeat in sorted(set.intersection(*(set(one) for one in answers))):
        scores[task].append(_vote([one[task, repeat] for one in answers]))
    means = {task: sum(values) / len(values) for task, values in scores.items()}
    return Ballot(tuple(entry.number for entry in entries), means, cost)


def _vote(said: Sequence[Evaluation]) -> float:
    """Return the score of the answer that most gave; the first of equals."""
    ballots: dict[str, list[float]] = {}
    for one in said:
        if one.outcome is Outcome.ANSWERED:
            ballots.setdefault(_written(one.answer), []).append(one.score)
    # What is alike to the scorer may be written otherwise; the first that said it counts.
    return max(ballots.values(), key=len)[0] if ballots else 0.0


def _written(answer: Json) -> str:
    """Return an answer so that two that agree are equal: case and white space do not count."""
    text = answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True)
    return " ".join(text.split()).casefold()
