"""Repeats: several answers to one task are one cluster, not several pieces of evidence."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.scores import EPSILON, Scores, checked, z_value

__all__ = ["Clustered", "clustered_interval", "student_t"]

NORMAL_FROM = 2_000  # degrees of freedom from which Student's t is the normal to four digits
HALVINGS = 60


class Clustered(NamedTuple):
    """A mean over tasks with its interval, and where its noise comes from.

    Attributes:
        mean: over tasks, each weighing the same, however often it was repeated.
        low, high: ends of the interval.
        between: variance of the true task means, at least 0: only more tasks lower what it costs.
        within: variance of one answer to one task: repeats divide it.
    """

    mean: float
    low: float
    high: float
    between: float
    within: float


def clustered_interval(
    values: Scores,
    clusters: Sequence[Hashable],
    *,
    low: float = 0.0,
    high: float = 1.0,
    alpha: float = 0.05,
) -> Clustered:
    """Return the mean over tasks with Student's t interval of the task means.

    Taking repeats for tasks would make the interval too narrow by up to the root of the repeats.
    With equally many repeats this is the cluster-robust standard error, with its correction for few
    clusters and t with clusters - 1 degrees of freedom. Where all task means are equal the spread
    is unknown rather than zero: the interval then reaches as far as tasks of another kind, all at
    `low` or all at `high`, may have gone unseen (Clopper and Pearson's bound for none of n).

    Args:
        values: (n,) in [low, high], one an evaluation; for paired differences low=-1.
        clusters: (n,) task of each.
        low, high: what a value can be.
        alpha: one less the coverage, in (0, 1).

    Raises:
        ValueError: no values, one outside its range, or lengths that differ.

    Source: Miller 2024, "Adding error bars to evals", arXiv 2411.00640, section 2.2; Cameron and
    Miller 2015, section VI, for few clusters.
    """
    found = checked(values)
    if len(found) != len(clusters):
        raise ValueError(f"{len(found)} values beside {len(clusters)} clusters")
    if found.min() < low - EPSILON or found.max() > high + EPSILON or not 0 < alpha < 1:
        raise ValueError(f"a value lies outside [{low}, {high}], or alpha outside (0, 1)")
    means, sizes, within = _by_cluster(found, clusters)
    n, mean = len(means), float(means.mean())
    spread = float(means.var(ddof=1)) if n > 1 else 0.0
    between = max(0.0, spread - within * float((1 / sizes).mean()))
    if spread < EPSILON**2:
        unseen = 1 - (alpha / 2) ** (1 / n)  # a larger share would hardly have stayed unseen
        ends = mean - unseen * (mean - low), mean + unseen * (high - mean)
    else:
        half = student_t(1 - alpha / 2, n - 1) * math.sqrt(spread / n)
        ends = max(low, mean - half), min(high, mean + half)
    return Clustered(mean, *ends, between, within)


def student_t(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution.

    Args:
        probability: in (0, 1).
        freedom: degrees of freedom, a whole number of at least 1.

    Raises:
        ValueError: a probability or a freedom outside its range.

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4, inverted by bisection.
    """
    if not 0 < probability < 1 or freedom < 1:
        raise ValueError(f"no quantile of {probability} with {freedom} degrees of freedom")
    if freedom >= NORMAL_FROM:
        return z_value(probability)
    central = abs(2 * probability - 1)
    low, high = 0.0, math.pi / 2  # of the angle whose tangent is t / root of the freedom
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < central else (low, middle)
    return math.copysign(math.tan(low) * math.sqrt(freedom), probability - 0.5)


def _within(angle: float, freedom: int) -> float:
    """Return the probability that |t| is below root of `freedom` times the tangent of `angle`."""
    cosine = math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for step in range(freedom // 2):
        if step:
            term *= cosine * cosine * ((2 * step - 1 + odd) / (2 * step + odd))
        total += term
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


def _by_cluster(
    values: NDArray[np.float64], clusters: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the mean and the size of each cluster, and the pooled variance within them."""
    numbers: dict[Hashable, int] = {}
    index = np.array([numbers.setdefault(one, len(numbers)) for one in clusters])
    sizes = np.bincount(index).astype(np.float64)
    means = np.bincount(index, weights=values) / sizes
    freedom = len(values) - len(sizes)
    within = float(((values - means[index]) ** 2).sum() / freedom) if freedom else 0.0
    return means, sizes, within
