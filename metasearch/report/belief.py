"""What to believe of the best of many: its figure drawn towards the others' by its own noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from metasearch.stats.scores import Scores

__all__ = ["Belief", "believed"]

FEWEST = 4  # designs from which a spread can be estimated
LEVEL = 0.95


class Belief(NamedTuple):
    """A posterior mean with its interval.

    Attributes:
        mean, low, high: of a score, or of a difference.
        above_zero: probability in [0, 1] that the true value is positive.
        weight: share of the own figure in the mean; the rest is the others'.
    """

    mean: float
    low: float
    high: float
    above_zero: float
    weight: float


def believed(own: Scores, others: Sequence[Scores]) -> Belief | None:
    """Return what is to be believed of one design's mean, given those of all designs tried.

    The highest of many noisy figures is too high on average. The spread of all figures says how
    much of it is noise, and by so much the own one is drawn towards their mean.

    Args:
        own: (tasks,) scores or differences of the design in question.
        others: the same of every design that was tried, the one in question among them. With
            fewer than four nothing can be learnt from them, and nothing is drawn.

    Returns:
        None with fewer than two tasks: they have no spread.

    Source: Morris 1983, "Parametric empirical Bayes inference", JASA 78, section 2.
    """
    if len(own) < 2:
        return None
    mean = float(np.mean(own))
    variance = _squared_error(own)
    others = [one for one in others if len(one) > 1]
    count = len(others)
    shrink, middle = 0.0, mean
    if count >= FEWEST:
        means = np.array([np.mean(one) for one in others])
        middle = float(means.mean())
        spread = float(means.var(ddof=1))
        shrink = (count - 3) / (count - 1) * min(1.0, variance / spread if spread > 0 else 1.0)
    centre = mean - shrink * (mean - middle)
    width = variance * (1 - (count - 1) / count * shrink) if count >= FEWEST else variance
    if count >= FEWEST:
        width += 2 / (count - 3) * (shrink * (mean - middle)) ** 2
    deviation = math.sqrt(width)
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * deviation
    above = NormalDist().cdf(centre / deviation)
    return Belief(centre, centre - half, centre + half, above, 1 - shrink)


def _squared_error(values: Scores) -> float:
    """Return the squared standard error of the mean; never 0, for equal scores prove nothing."""
    count = len(values)
    rare = 1 / (count + 2)  # what one more task may yet show, by Laplace's rule
    return max(float(np.var(values, ddof=1)), rare * (1 - rare)) / count
