"""What to believe of the best of many: its figures drawn towards the others' by their noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from metasearch.stats import Estimate, design_noise, shrunk
from metasearch.stats.winner import FEWEST

__all__ = ["Belief", "believed_gain", "believed_score"]

Scores = Mapping[str, float]
LEVEL = 0.95


class Belief(NamedTuple):
    """A difference that may be believed, and the probability in (0, 1) that it is above 0."""

    gain: Estimate
    better: float


def believed_score(number: int, all_scores: Mapping[int, Scores]) -> Estimate | None:
    """Return a design's score after all that was tried; None where there is too little to learn.

    Args:
        number: of the design.
        all_scores: of every design that met all tasks, the one in question among them, by task.
    """
    found = _drawn(number, all_scores)
    if found is None:
        return None
    mean, deviation, _ = found
    low, high = _ends(mean, deviation)
    return Estimate(min(1.0, max(0.0, mean)), max(0.0, low), min(1.0, high))


def believed_gain(number: int, all_scores: Mapping[int, Scores], base: Scores) -> Belief | None:
    """Return a design's gain over a baseline after all that was tried.

    Args:
        number, all_scores: as for `believed_score`.
        base: scores of the baseline; nobody chose it by being lucky here, so it is not drawn.
    """
    found = _drawn(number, all_scores)
    shared = _shared(list(all_scores.values()))
    if found is None or not set(shared) <= base.keys():
        return None
    mean, deviation, noise = found
    gain = mean - sum(base[task] for task in shared) / len(shared)
    # Never surer than the difference alone would be: where designs solve the same tasks, what is
    # left between them is little.
    gaps = np.array([all_scores[number][task] - base[task] for task in shared])
    width = math.sqrt(max(deviation**2 + noise, float(gaps.var(ddof=1)) / len(gaps)))
    above = NormalDist().cdf(gain / width) if width > 0 else 0.5
    return Belief(Estimate(gain, *_ends(gain, width)), above)


def _drawn(number: int, all_scores: Mapping[int, Scores]) -> tuple[float, float, float] | None:
    """Return posterior mean and deviation of one design, and a design's squared noise."""
    shared = _shared(list(all_scores.values()))
    if len(all_scores) < FEWEST or len(shared) < 2:
        return None
    table = np.array([[scores[task] for task in shared] for scores in all_scores.values()])
    noise = design_noise(table)
    found, place = shrunk(table.mean(axis=1), noise), list(all_scores).index(number)
    return float(found.means[place]), float(found.deviations[place]), noise


def _shared(scores: Sequence[Scores]) -> list[str]:
    return sorted(set.intersection(*(set(one) for one in scores))) if scores else []


def _ends(mean: float, deviation: float) -> tuple[float, float]:
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * deviation
    return mean - half, mean + half
