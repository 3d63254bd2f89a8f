"""Which designs a proposer starts from: a few good parents, not the whole archive.

Evidence: showing a meta agent every earlier design is worse than ignoring them, and evolutionary
parents are best (arXiv 2510.06711); a design's descendants predict its promise better than its own
score (Huxley-Goedel Machine, arXiv 2510.21614); a front per task keeps designs that solve what no
other solves (GEPA, arXiv 2507.19457).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

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

    def __init__(self) -> None:
        # Proposals that are made at the same time choose among the same designs.
        self._last: tuple[list[Candidate], dict[int, tuple[float, float]]] = ([], {})

    def choose(self, candidates: Sequence[Candidate], count: int, rng: random.Random) -> list[int]:
        """Return up to `count` distinct numbers, the main parent first."""
        if candidates != self._last[0]:
            self._last = (list(candidates), _clades(front(candidates), candidates))
        evidence = self._last[1]
        drawn = {
            number: rng.betavariate(1.0 + wins, 1.0 + losses)
            for number, (wins, losses) in evidence.items()
        }
        return sorted(drawn, key=lambda number: (-drawn[number], number))[:count]


def front(candidates: Sequence[Candidate]) -> set[int]:
    """Return the numbers of the designs that no single other design covers.

    A design covers another when it scores at least as much on every task that the other met, and
    more on one of them, or the same with fewer tasks left out. Ties keep the lower number.
    """
    tasks = {task: column for column, task in enumerate(sorted(_tasks(candidates)))}
    # A task that was not met is NaN, which is at least as much as nothing.
    scores = np.full((len(candidates), len(tasks)), np.nan)
    for row, one in enumerate(candidates):
        scores[row, [tasks[task] for task in one.scores]] = list(one.scores.values())
    met = ~np.isnan(scores)
    sizes = met.sum(axis=1)
    numbers = np.array([one.number for one in candidates])
    found = set()
    common: dict[bytes, Any] = {}  # everyone's scores on the tasks that one has met
    for row, one in enumerate(candidates):
        key = met[row].tobytes()
        if key not in common:
            common[key] = scores[:, met[row]]
        theirs, own = common[key], scores[row, met[row]]
        others = np.flatnonzero((theirs >= own).all(axis=1))
        covering = (
            (theirs[others] > own).any(axis=1)
            | (sizes[others] > sizes[row])
            | (numbers[others] < one.number)
        )
        if not covering.any():  # itself is none of these three
            found.add(one.number)
    return found


def _tasks(candidates: Sequence[Candidate]) -> set[str]:
    return {task for one in candidates for task in one.scores}


def _clades(
    numbers: Iterable[int], candidates: Sequence[Candidate]
) -> dict[int, tuple[float, float]]:
    """Return (successes, failures) of designs with all their descendants, capped as evidence."""
    wins = {one.number: sum(one.scores.values()) for one in candidates}
    tasks = {one.number: len(one.scores) for one in candidates}
    children: dict[int, list[int]] = defaultdict(list)
    for one in candidates:
        for parent in one.parents:
            children[parent].append(one.number)
    found = {}
    for number in sorted(numbers):
        clade = sorted(_descendants(number, children))
        met, won = sum(tasks[one] for one in clade), sum(wins[one] for one in clade)
        weight = min(1.0, CLADE_TASKS / met) if met else 0.0
        found[number] = (won * weight, (met - won) * weight)
    return found


def _descendants(number: int, children: Mapping[int, Sequence[int]]) -> set[int]:
    """Return a design's number and those of all that came from it."""
    family, waiting = {number}, [number]
    while waiting:
        born = [one for one in children.get(waiting.pop(), ()) if one not in family]
        family.update(born)
        waiting += born
    return family
