"""How sure a mean is: intervals for a score and for a paired difference."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.scores import EPSILON, Estimate, Scores, checked, differences, z_value

__all__ = ["bootstrap_mean", "paired_difference", "score_interval", "wilson"]

DRAWS = 10_000
CHUNK_NUMBERS = 2_000_000  # at most 16 MB of resampled counts at a time


def bootstrap_mean(
    scores: Scores, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """Return the mean with its percentile bootstrap interval.

    Equal scores give an interval of no width: for few tasks use `score_interval`.

    Args:
        scores: (tasks,) finite numbers.
        level: coverage, in (0, 1).
        draws: number of resamples, at least 1.
        seed: of the resampling, so that a figure can be shown twice.

    Raises:
        ValueError: no scores, or one that is not finite.

    Source: Efron & Tibshirani 1993, chapter 13.
    """
    values = checked(scores)
    means = _resampled_means(values, draws, seed)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(float(values.mean()), float(low), float(high))


def wilson(solved: float, tasks: int, *, level: float = 0.95) -> Estimate:
    """Return the solved share with its Wilson score interval.

    Args:
        solved: in [0, tasks]; a sum of scores in [0, 1] gives a wider interval than is needed.
        tasks: at least 1.
        level: coverage, in (0, 1).

    Raises:
        ValueError: no tasks, or more solved than there are.

    Source: Wilson 1927; Brown, Cai, DasGupta 2001 recommend it for small samples.
    """
    if tasks < 1 or not 0 <= solved <= tasks:
        raise ValueError(f"{solved} solved of {tasks} tasks makes no share")
    share = solved / tasks
    z = z_value((1 + level) / 2)
    centre = (share + z * z / (2 * tasks)) / (1 + z * z / tasks)
    half = z / (1 + z * z / tasks)
    half *= math.sqrt(share * (1 - share) / tasks + z * z / (4 * tasks * tasks))
    low = 0.0 if solved == 0 else max(0.0, centre - half)
    high = 1.0 if solved == tasks else min(1.0, centre + half)
    return Estimate(share, low, high)


def score_interval(scores: Scores, *, level: float = 0.95, seed: int = 0) -> Estimate:
    """Return the mean score with the interval that fits the scores.

    Wilson where every score is 0 or 1, or where all are equal (the bootstrap would claim to be
    certain), else the percentile bootstrap.

    Args:
        scores: (tasks,) in [0, 1].
        level: coverage, in (0, 1).
        seed: of the resampling.

    Raises:
        ValueError: no scores, or one outside [0, 1].
    """
    values = checked(scores)
    if values.min() < 0 or values.max() > 1:
        raise ValueError("a score lies outside [0, 1]")
    if np.isin(values, (0.0, 1.0)).all() or np.ptp(values) < EPSILON:
        return wilson(float(values.sum()), len(values), level=level)
    return bootstrap_mean(values, level=level, seed=seed)


def paired_difference(
    a: Scores, b: Scores, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """Return mean(a) - mean(b) on the same tasks, with a percentile bootstrap interval.

    Where all differences are equal the resamples are too; the interval then reaches as far as the
    Wilson bound of the share of tasks that could yet differ.

    Args:
        a, b: (tasks,) scores in [0, 1], equal order of tasks.
        level: coverage, in (0, 1).
        draws: number of resamples, at least 1.
        seed: of the resampling.

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.

    Source: Efron & Tibshirani 1993, chapter 13.
    """
    gaps = differences(a, b)
    if np.ptp(gaps) < EPSILON:
        mean = float(gaps.mean())
        unseen = wilson(0, len(gaps), level=level).high
        return Estimate(mean, max(-1.0, mean - unseen), min(1.0, mean + unseen))
    return bootstrap_mean(gaps, level=level, draws=draws, seed=seed)


def _resampled_means(values: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """Return (draws,) means of resamples, by how often each distinct value is drawn.

    Scores have few distinct values, so that is far less work than drawing every task.
    """
    distinct, counts = np.unique(values, return_counts=True)
    shares = counts / len(values)
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK_NUMBERS // len(distinct))
    parts = [
        rng.multinomial(len(values), shares, size=min(chunk, draws - start)) @ distinct
        for start in range(0, draws, chunk)
    ]
    means: NDArray[np.float64] = np.concatenate(parts) / len(values)
    return means
