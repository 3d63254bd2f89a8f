"""The score of a winner: the best of many noisy figures is too high on average.

Which number is a winner's score, the first of these that there is:

1. its mean on the sealed test, which had no part in any choice (`score_interval`, no correction);
2. `winner_score` of fresh samples, drawn after the finalists were chosen: they decide between few
   finalists, and what that adds is taken off again. It is the score on these very tasks; designs
   that were chosen on them may suit them more than others of their kind;
3. `shrunk` of the scores of the search itself, where no fresh samples were drawn.

The plain mean of the scores by which the winner was chosen from all is none of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.intervals import score_interval
from metasearch.stats.scores import EPSILON, Scores, checked

__all__ = ["Shrunk", "WinnerScore", "design_noise", "shrunk", "winner_score"]

DRAWS = 2_000
FEWEST = 4  # designs from which a spread can be told; below it nothing is shrunk
HALVINGS = 80


class Shrunk(NamedTuple):
    """What is to be believed of each design.

    Attributes:
        means: (designs,) posterior means.
        deviations: (designs,) posterior standard deviations.
        weights: (designs,) in [0, 1], share of the own figure; the rest is the centre's.
        centre: mean of the true scores of designs of this search.
        spread: standard deviation of the true scores, noise taken off; 0 where noise explains all.
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    weights: NDArray[np.float64]
    centre: float
    spread: float


class WinnerScore(NamedTuple):
    """The best of a few designs by their fresh scores.

    Attributes:
        design: which one it is, its row.
        mean: its score without what being chosen adds.
        low, high: 95 % interval, or as asked.
        seen: its plain mean.
    """

    design: int
    mean: float
    low: float
    high: float
    seen: float


def design_noise(scores: NDArray[np.float64]) -> float:
    """Return the squared standard error of a design's mean against the other designs'.

    What the tasks have in common, some hard and some easy for all, is no noise between designs that
    met the same ones; the rest is, repeats' luck and how a design suits a task alike.

    Args:
        scores: (designs, tasks) in [0, 1]; means over the repeats.

    Returns:
        At least 0; divided by the tasks already, so it is what `shrunk` takes.

    Raises:
        ValueError: fewer than two designs or tasks, or a score is not finite.

    Source: Fisher 1925, two-way analysis of variance: mean square of the residuals over tasks.
    """
    table = _table(scores)
    designs, tasks = table.shape
    if designs < 2 or tasks < 2:
        raise ValueError(f"{designs} designs on {tasks} tasks have no noise between them")
    residuals = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return float((residuals**2).sum() / ((designs - 1) * (tasks - 1)) / tasks)


def shrunk(means: Scores, variances: Scores | float) -> Shrunk:
    """Return each design's score drawn towards the others' by the share of noise in it.

    True scores are taken as normal around a common centre; the spread of the figures less their
    noise is the spread of the truth. Drawing in so undoes the flattery of being the best of many,
    without a look at how the best was chosen. The spread itself is a guess: where all designs are
    equal, some of the flattery stays (of 8 points with 25 designs about one). With fewer than four
    designs nothing is drawn.

    Args:
        means: (designs,) scores, or differences from a base, of all designs that were tried.
        variances: (designs,) or one for all: squared standard errors, at least 0, from
            `design_noise` for right and wrong as for graded scores.

    Raises:
        ValueError: no designs, a figure that is not finite, or a negative variance.

    Source: Efron and Morris 1975; Morris 1983, "Parametric empirical Bayes inference", JASA 78,
    for unequal variances and the deviations; the spread is Paule and Mandel's, 1982.
    """
    found = checked(means)
    noise = np.broadcast_to(np.asarray(variances, dtype=np.float64), found.shape)
    if not (noise >= 0).all():
        raise ValueError("a variance is negative or no number")
    count = len(found)
    noise = np.maximum(noise, EPSILON**2)
    if count < FEWEST:
        return Shrunk(found, np.sqrt(noise), np.ones(count), float(found.mean()), 0.0)
    spread = _spread(found, noise)
    centre = _centre(found, noise, spread)
    drawn = noise / (noise + spread)
    posterior = noise * (1 - (count - 1) / count * drawn)
    posterior = posterior + 2 / (count - 3) * (drawn * (found - centre)) ** 2
    return Shrunk(
        found - drawn * (found - centre), np.sqrt(posterior), 1 - drawn, centre, float(spread**0.5)
    )


def winner_score(
    scores: NDArray[np.float64], *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> WinnerScore:
    """Return the best of a few designs and its score without what being chosen adds.

    Tasks are drawn with replacement, the best design on those drawn is taken, and its score on the
    tasks that were not drawn is noted, on which it was not chosen. The mean of these notes is the
    score; it errs on the low side, because each choice sees only two thirds of the tasks. The
    interval is that of the plain mean, moved by the correction. A single design is not corrected.

    Args:
        scores: (designs, tasks) in [0, 1], of samples that had no part in choosing these designs.
        level: coverage, in (0, 1).
        draws: number of resamples, at least 1.
        seed: of the resampling.

    Raises:
        ValueError: no designs, no tasks, or a score outside [0, 1].

    Source: Tsamardinos, Greasidou and Borboudakis 2018, "Bootstrapping the out-of-sample
    predictions for efficient and accurate cross-validation" (BBC-CV), Machine Learning 107.
    """
    table = _table(scores)
    index = int(table.mean(axis=1).argmax())
    plain = score_interval(table[index], level=level, seed=seed)
    if len(table) == 1:
        return WinnerScore(index, *plain, plain.mean)
    tasks = table.shape[1]
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(tasks, np.full(tasks, 1 / tasks), size=draws)
    drawn = counts @ table.T
    best = drawn >= drawn.max(axis=1, keepdims=True) - EPSILON
    left = (counts == 0).astype(np.float64)
    use = left.sum(axis=1) > 0
    noted = (left @ table.T)[use] / left.sum(axis=1)[use, None]
    best = best[use]
    mean = float(((noted * best).sum(axis=1) / best.sum(axis=1)).mean()) if len(best) else 0.0
    mean = min(mean, plain.mean) if len(best) else plain.low
    move = mean - plain.mean
    return WinnerScore(index, mean, max(0.0, plain.low + move), plain.high + move, plain.mean)


def _table(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise ValueError(f"scores have shape {table.shape}; expected (designs, tasks)")
    if not ((table >= 0) & (table <= 1)).all():
        raise ValueError("a score lies outside [0, 1]")
    return table


def _centre(means: NDArray[np.float64], noise: NDArray[np.float64], spread: float) -> float:
    weights = 1 / (noise + spread)
    return float((weights * means).sum() / weights.sum())


def _spread(means: NDArray[np.float64], noise: NDArray[np.float64]) -> float:
    """Return the variance of the true scores at which the figures scatter as they should.

    Over designs - 3, not - 1: that makes the share of noise unbiased, as James and Stein's.
    """

    def excess(spread: float) -> float:
        off = means - _centre(means, noise, spread)
        return float((off**2 / (noise + spread)).sum()) - (len(means) - 3)

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.ptp(means)) ** 2 * len(means)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high
