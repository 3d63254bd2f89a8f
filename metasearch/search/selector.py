"""Which designs a proposer starts from: a few good parents, not the whole archive.

Evidence: showing a meta agent every earlier design is worse than ignoring them, and evolutionary
parents are best (arXiv 2510.06711); a design's descendants predict its promise better than its own
score (Huxley-Goedel Machine, arXiv 2510.21614); a front per task keeps designs that solve what no
other solves (GEPA, arXiv 2507.19457).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Candidate", "Clades", "Selector", "front"]

# A clade's evidence counts as at most this many tasks: descendants share tasks and recorded
# replies, so that their scores are far from independent.
CLADE_TASKS = 40.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An evaluated entry as a selector sees it.

    Attributes:
        number: its entry's number in the search.
        parents: numbers of the entries it was made from.
        scores: validation score in [0, 1] by task id.
    """

    number: int
    parents: tuple[int, ...]
    scores: Mapping[str, float]


class Selector(Protocol):
    """Chooses parents."""

    def choose(self, candidates: Sequence[Candidate], count: int, rng: random.Random) -> list[int]:
        """Return up to `count` distinct numbers, the main parent first."""
        ...


class Clades:
    """Thompson sampling on clade success among the designs of the front per task."""

    def choose(self, candidates: Sequence[Candidate], count: int, rng: random.Random) -> list[int]:
        """Return up to `count` distinct numbers, the main parent first."""
        pool = front(candidates)
        drawn = {
            number: rng.betavariate(1.0 + wins, 1.0 + losses)
            for number in sorted(pool)
            for wins, losses in [_clade(number, candidates)]
        }
        return sorted(drawn, key=lambda number: (-drawn[number], number))[:count]


def front(candidates: Sequence[Candidate]) -> set[int]:
    """Return the numbers of the designs that no single other design covers.

    A design covers another when it scores at least as much on every task that the other met, and
    more on one of them, or the same with fewer tasks left out. Ties keep the lower number.
    """
    return {
        one.number
        for one in candidates
        if not any(_covers(other, one) for other in candidates if other is not one)
    }


def _covers(other: Candidate, one: Candidate) -> bool:
    if not one.scores.keys() <= other.scores.keys():
        return False
    if any(other.scores[task] < score for task, score in one.scores.items()):
        return False
    better = any(other.scores[task] > score for task, score in one.scores.items())
    more = len(other.scores) > len(one.scores)
    return better or more or other.number < one.number


def _clade(number: int, candidates: Sequence[Candidate]) -> tuple[float, float]:
    """Return (successes, failures) of a design and all its descendants, capped as evidence."""
    members = {number}
    for candidate in sorted(candidates, key=lambda one: one.number):
        if members & set(candidate.parents):
            members.add(candidate.number)
    scores = [
        score
        for candidate in candidates
        if candidate.number in members
        for score in candidate.scores.values()
    ]
    weight = min(1.0, CLADE_TASKS / len(scores)) if scores else 0.0
    return sum(scores) * weight, (len(scores) - sum(scores)) * weight
