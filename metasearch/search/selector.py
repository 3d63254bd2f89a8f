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
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metasearch.stats import Promise, promise

__all__ = ["SURVIVORS", "Candidate", "Clades", "Selector", "Survivors", "front"]

# How much of what is not known of a design a draw shows: with tens of proposals there is no time
# to try everybody. Who has found nothing better for `PLATEAU` designs looks around in earnest.
COOL, WARM = 0.3, 1.0
PLATEAU = 20
PARTNERS = 4  # of the next best draws, the one that best makes up for the main parent's failures
SURVIVORS = 6  # of a generation of twelve
MOST = 400  # designs that are reckoned with; a matrix of more takes longer than a proposal is worth


@dataclass(frozen=True, slots=True)
class Candidate:
    """An evaluated entry as a selector sees it.

    Attributes:
        number: its entry's number in the search.
        parents: numbers of the entries it was made from, the main one first.
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
    """Thompson sampling on what children promise, among the designs of the front per task.

    What a design's child promises is learnt from its whole clade (`metasearch.stats.lineage`).
    """

    def __init__(self) -> None:
        # Proposals that are made at the same time choose among the same designs.
        self._last: tuple[list[Candidate], _Known | None] = ([], None)

    def choose(self, candidates: Sequence[Candidate], count: int, rng: random.Random) -> list[int]:
        """Return up to `count` distinct numbers, the main parent first.

        The second is one of the next best, the one that solves most of what the main parent fails.
        """
        if not candidates or count < 1:
            return []
        if self._last[1] is None or candidates != self._last[0]:
            self._last = (list(candidates), _known(candidates))
        known = self._last[1]
        assert known is not None
        found = known.drawn(rng)
        main, others = found[0], found[1:]
        partner = known.partner(main, others[:PARTNERS])
        others.sort(key=lambda row: row != partner)
        return [known.numbers[row] for row in (main, *others)][:count]


class Survivors:
    """The better half of a generation of twelve: truncation, as cultural evolution has it.

    Who survives stays as it is and is of the next generation too, so the survivors are the best
    designs so far. In no order, for none of them is a main parent.

    Source: Vallinder and Hughes 2024 (arXiv 2412.10270), section 3.
    """

    def choose(self, candidates: Sequence[Candidate], count: int, rng: random.Random) -> list[int]:
        """Return up to `count` distinct numbers of designs that survived."""
        order = sorted(candidates, key=lambda one: (-len(one.scores), -_mean(one), one.number))
        alive = order[: min(SURVIVORS, -(-len(order) // 2))]
        return [one.number for one in rng.sample(alive, min(count, len(alive)))]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the designs at one time.

    Attributes:
        numbers: by row, rising.
        scores: (designs, tasks), NaN where a task was not met.
        rows: of the front.
    """

    numbers: list[int]
    scores: NDArray[np.float64]
    rows: list[int]
    promise: Promise

    def drawn(self, rng: random.Random) -> list[int]:
        """Return the rows of the front, the best draw first."""
        best = int(self.promise.means.argmax())
        heat = WARM if len(self.numbers) - 1 - best >= PLATEAU else COOL
        means, deviations = self.promise
        draws = {row: rng.gauss(means[row], heat * deviations[row]) for row in self.rows}
        return sorted(draws, key=lambda row: (-draws[row], row))

    def partner(self, main: int, others: Sequence[int]) -> int | None:
        """Return who solves most of what `main` fails, on the tasks that both met."""
        ahead = np.maximum(self.scores[list(others)] - self.scores[main], 0.0)
        met = np.maximum((~np.isnan(ahead)).sum(axis=1), 1)
        return others[int((np.nansum(ahead, axis=1) / met).argmax())] if others else None


def _known(candidates: Sequence[Candidate]) -> _Known:
    chosen = sorted(candidates, key=lambda one: one.number)
    if len(chosen) > MOST:
        best = sorted(chosen, key=lambda one: -_mean(one))[:MOST]
        chosen = sorted(best, key=lambda one: one.number)
    places = {one.number: row for row, one in enumerate(chosen)}
    parents = [places.get(one.parents[0]) if one.parents else None for one in chosen]
    scores, on_front = _table(chosen), front(chosen)
    return _Known(
        numbers=list(places),
        scores=scores,
        rows=[places[number] for number in sorted(on_front)],
        promise=promise(scores, parents),
    )


def _mean(one: Candidate) -> float:
    return sum(one.scores.values()) / len(one.scores) if one.scores else 0.0


def _table(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Return (designs, tasks) scores, NaN where a task was not met."""
    tasks = {task: column for column, task in enumerate(sorted(_tasks(candidates)))}
    scores = np.full((len(candidates), len(tasks)), np.nan)
    for row, one in enumerate(candidates):
        scores[row, [tasks[task] for task in one.scores]] = list(one.scores.values())
    return scores


def front(candidates: Sequence[Candidate]) -> set[int]:
    """Return the numbers of the designs that no single other design covers.

    A design covers another when it scores at least as much on every task that the other met, and
    more on one of them, or the same with fewer tasks left out. Ties keep the lower number.
    """
    scores = _table(candidates)  # a task not met is NaN, which is at least as much as nothing
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
