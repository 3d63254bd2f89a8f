"""How sure a score is, and whether one design is better than another. numpy only.

The unit is always the task: scores of repeats are averaged before they come here, because two
answers to one question are not two pieces of evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Estimate",
    "Wins",
    "bootstrap_mean",
    "holm",
    "mcnemar",
    "paired_difference",
    "score_interval",
    "tasks_needed",
    "wilson",
    "wins_and_losses",
]

Scores: TypeAlias = Sequence[float] | NDArray[np.float64]

DRAWS = 10_000
CHUNK_NUMBERS = 2_000_000  # at most 16 MB of resampled counts at a time
EPSILON = 1e-9  # scores nearer than this are equal


class Estimate(NamedTuple):
    """A mean with its interval.

    Attributes:
        mean: of scores in [0, 1], or of differences in [-1, 1].
        low, high: ends of the interval.
    """

    mean: float
    low: float
    high: float


class Wins(NamedTuple):
    """On how many tasks the first design scored more, less and the same."""

    wins: int
    losses: int
    ties: int


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
    values = _checked(scores)
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
    z = _z((1 + level) / 2)
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
    values = _checked(scores)
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
    differences = _differences(a, b)
    if np.ptp(differences) < EPSILON:
        mean = float(differences.mean())
        unseen = wilson(0, len(differences), level=level).high
        return Estimate(mean, max(-1.0, mean - unseen), min(1.0, mean + unseen))
    return bootstrap_mean(differences, level=level, draws=draws, seed=seed)


def wins_and_losses(a: Scores, b: Scores) -> Wins:
    """Count the tasks on which `a` scored more, less and the same.

    Args:
        a, b: (tasks,) scores, equal order of tasks.

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.
    """
    differences = _differences(a, b)
    wins = int((differences > EPSILON).sum())
    losses = int((differences < -EPSILON).sum())
    return Wins(wins, losses, len(differences) - wins - losses)


def mcnemar(wins: int, losses: int) -> float:
    """Return the exact two-sided p of McNemar's test; ties say nothing.

    For scores between 0 and 1 it is the sign test. 1.0 where nothing differs.

    Args:
        wins, losses: tasks on which exactly one of two designs is better, at least 0.

    Raises:
        ValueError: a count is negative.

    Source: McNemar 1947, with the exact binomial tail.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"{wins} wins and {losses} losses are no counts")
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**n)))  # whole numbers: 2**n overflows a float


def holm(p_values: Scores) -> NDArray[np.float64]:
    """Return p-values corrected for the number of tests, in the order given.

    Args:
        p_values: (tests,) in [0, 1]; none is allowed.

    Returns:
        (tests,) adjusted values: compare each with the level as if it were the only test.

    Raises:
        ValueError: a value lies outside [0, 1].

    Source: Holm 1979.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError("p-values lie in [0, 1]")
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result


def tasks_needed(a: Scores, b: Scores, *, level: float = 0.95, power: float = 0.8) -> int | None:
    """Return how many tasks would show the seen difference, or None where there is none.

    It takes the seen difference and its spread for the true ones, so it is a guess, not a promise.

    Args:
        a, b: (tasks,) scores in [0, 1], equal order of tasks.
        level: of the two-sided test, in (0, 1).
        power: chance to see the difference if it is real, in (0, 1).

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.

    Source: Connor 1987, here also for scores between 0 and 1.
    """
    differences = _differences(a, b)
    mean = abs(float(differences.mean()))
    if mean < EPSILON:
        return None
    under_null = _z((1 + level) / 2) * math.sqrt(float((differences**2).mean()))
    under_seen = _z(power) * float(differences.std())
    return max(2, math.ceil(((under_null + under_seen) / mean) ** 2))


def _z(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def _checked(scores: Scores) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"scores have shape {values.shape}; expected (tasks,), at least one task")
    if not np.isfinite(values).all():
        raise ValueError("a score is not a finite number")
    return values


def _differences(a: Scores, b: Scores) -> NDArray[np.float64]:
    first, second = _checked(a), _checked(b)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} scores beside {len(second)}; both need the same tasks")
    return first - second


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
