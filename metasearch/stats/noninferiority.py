"""Is a design at most so much worse than another? Tests against a margin, on the same tasks.

A paired bootstrap is too kind here: where nearly all tasks are ties and the rest are losses, its
lower end lies too high (with 100 tasks and a margin of five points it passes one in nine designs
that are worse by just that, where one in twenty should). For right and wrong there is a better way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.intervals import paired_difference
from metasearch.stats.paired import wins_and_losses
from metasearch.stats.scores import EPSILON, Scores, differences

__all__ = ["lower_limit", "noninferiority"]

HALVINGS = 20
LEVELS, DRAWS = 7, 4_000  # of graded scores, whose p is known to four thousandths
Array = NDArray[np.float64]


def noninferiority(a: Scores, b: Scores, margin: float) -> float:
    """Return the p of "`a` is worse than `b` by `margin` or more"; small says that it is not.

    For right and wrong: Tango's score statistic, and its chance under the most likely trinomial in
    which the difference is the margin, summed up over all outcomes (an estimated p-value, whose
    size is close to nominal also with few losses). Scores between right and wrong: the level at
    which the paired bootstrap's lower end meets the margin, 0.5 and more being 1.

    Args:
        a, b: (tasks,) scores in [0, 1], equal order of tasks.
        margin: in (0, 1).

    Returns:
        In (0, 1].

    Raises:
        ValueError: the lengths differ or are zero, a score is not finite, or the margin is outside.

    Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions
    for the paired-sample design"; Lloyd 2008, "Exact p-values for discrete models obtained by
    estimation and maximization".
    """
    if not 0 < margin < 1:
        raise ValueError(f"a margin lies in (0, 1), {margin} does not")
    gaps = differences(a, b)
    if (np.abs(gaps - np.round(gaps)) > EPSILON).any():
        return _graded_p(a, b, margin)
    count = wins_and_losses(a, b)
    return _estimated_p(count.wins, count.losses, len(gaps), margin)


def lower_limit(a: Scores, b: Scores, *, alpha: float = 0.05) -> float:
    """Return the lower confidence limit of mean(a) - mean(b), one-sided at `alpha`.

    It is minus the smallest margin at which `noninferiority` is below `alpha`.

    Args:
        a, b: (tasks,) scores in [0, 1], equal order of tasks.
        alpha: in (0, 0.5).

    Returns:
        In [-1, 1), to a millionth; for scores between right and wrong that of the bootstrap.

    Raises:
        ValueError: as `noninferiority`.
    """
    gaps = differences(a, b)
    if (np.abs(gaps - np.round(gaps)) > EPSILON).any():
        return paired_difference(a, b, level=1 - 2 * alpha).low
    mean = float(gaps.mean())
    count = wins_and_losses(a, b)
    low, high = max(-mean, 0.0), 1.0  # a margin that does not pass, and one that does
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        p = _estimated_p(count.wins, count.losses, len(gaps), middle)
        low, high = (low, middle) if p < alpha else (middle, high)
    return -high


def _graded_p(a: Scores, b: Scores, margin: float) -> float:
    low, high = 0.0, 0.5
    if paired_difference(a, b, level=1e-6, draws=DRAWS).low <= -margin:
        return 1.0
    for _ in range(LEVELS):
        middle = (low + high) / 2
        passes = paired_difference(a, b, level=1 - 2 * middle, draws=DRAWS).low > -margin
        low, high = (low, middle) if passes else (middle, high)
    return high


def _estimated_p(wins: int, losses: int, tasks: int, margin: float) -> float:
    """Return the chance of a statistic as large under the likeliest truth at the margin."""
    won = _win_chance(np.array(float(wins)), np.array(float(losses)), tasks, margin)
    seen = _statistic(np.array(float(wins)), np.array(float(losses)), tasks, margin)
    b, c = np.divmod(np.arange((tasks + 1) ** 2), tasks + 1)
    inside = b + c <= tasks
    b, c = b[inside].astype(np.float64), c[inside].astype(np.float64)
    as_large = _statistic(b, c, tasks, margin) >= float(seen) - 1e-9
    chances = (float(won), float(won) + margin, 1 - 2 * float(won) - margin)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, tasks + 1)))])
    b, c = b[as_large], c[as_large]
    ties = tasks - b - c
    total = logs[tasks] - logs[b.astype(int)] - logs[c.astype(int)] - logs[ties.astype(int)]
    for count, chance in zip((b, c, ties), chances, strict=True):
        total = total + count * np.log(max(chance, 1e-300))
    return float(min(1.0, np.exp(total).sum()))


def _statistic(wins: Array, losses: Array, tasks: int, margin: float) -> Array:
    won = _win_chance(wins, losses, tasks, margin)
    variance = tasks * np.maximum(2 * won + margin - margin**2, EPSILON)
    found: Array = (wins - losses + tasks * margin) / np.sqrt(variance)
    return found


def _win_chance(wins: Array, losses: Array, tasks: int, margin: float) -> Array:
    """Return the likeliest chance of a win where that of a loss is larger by the margin."""
    rest = 1 - margin
    linear = (wins + losses) * rest - 2 * margin * (tasks - losses)
    root = np.sqrt(linear**2 + 8 * tasks * wins * margin * rest)
    found: Array = np.clip((linear + root) / (4 * tasks), 0.0, rest / 2)
    return found
