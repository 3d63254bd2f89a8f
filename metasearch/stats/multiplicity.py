"""Many designs were tried: p-values that hold for all of them together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.paired import mcnemar
from metasearch.stats.scores import EPSILON, Scores

__all__ = ["corrected", "holm", "max_t"]

FLIPS = 10_000
CHUNK_NUMBERS = 2_000_000  # at most 16 MB of statistics at a time


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


def max_t(
    differences: NDArray[np.float64], *, flips: int = FLIPS, seed: int = 0
) -> NDArray[np.float64]:
    """Return two-sided p-values of many designs against one base, corrected for all of them.

    Were no design better or worse than the base, every difference could as well have had the other
    sign. All signs of a task are turned together, so designs that solve the same tasks count as
    less than so many independent tries: that is what Holm's correction gives away. Step-down: a
    design is compared with the largest statistic among those that are no better than it.

    The statistic is sum / root of the sum of squares, which for right and wrong is McNemar's. For
    one design the test is exact. For several that share a base it rests on the skewness of the
    shared part being small against the root of the number of tasks: use at least 20 tasks.

    Args:
        differences: (designs, tasks) design - base in [-1, 1], every design on the same tasks.
        flips: number of random turns, at least 1; no p-value is below 1 / (flips + 1).
        seed: of the turns, so that a figure can be shown twice.

    Returns:
        (designs,) adjusted values: compare each with the level as if it were the only test.

    Raises:
        ValueError: no designs, no tasks, or a difference outside [-1, 1].

    Source: Westfall and Young 1993, algorithm 4.1 (step-down max-T); Romano and Wolf 2005; random
    sign flips with the identity among them: Phipson and Smyth 2010.
    """
    rows = _differences(differences)
    size = np.sqrt((rows**2).sum(axis=1))
    unit = rows / np.where(size > EPSILON, size, 1.0)[:, None]
    seen = np.abs(unit.sum(axis=1))
    order = np.argsort(-seen, kind="stable")
    unit, seen = unit[order], seen[order]
    rng = np.random.default_rng(seed)
    reached = np.ones(len(seen))
    chunk = max(1, CHUNK_NUMBERS // max(rows.shape))
    for start in range(0, flips, chunk):
        signs = rng.integers(0, 2, size=(min(chunk, flips - start), rows.shape[1])) * 2.0 - 1
        turned = np.abs(signs @ unit.T)
        largest = np.maximum.accumulate(turned[:, ::-1], axis=1)[:, ::-1]
        reached += (largest >= seen - EPSILON).sum(axis=0)
    adjusted = np.maximum.accumulate(reached / (flips + 1))
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result


def corrected(
    differences: NDArray[np.float64], *, stopped: int = 0, flips: int = FLIPS, seed: int = 0
) -> NDArray[np.float64]:
    """Return the p-values of a search's designs against its base, corrected for all it tried.

    Designs with a score on every task go through `max_t` together. A design that a race stopped
    lacks scores, and it lacks them because it was unlucky; filling in or leaving out would flatter
    those that stayed. Each of them instead costs its share by the union bound: the design's own
    exact p-value once more. The correction so holds whatever stopped them; with none stopped it is
    `max_t`, with all but one it is Bonferroni. No value is below the design's own exact one.

    Args:
        differences: (designs, tasks) design - base in [-1, 1], of those that met every task.
        stopped: how many more designs met some of the tasks, at least 0.
        flips, seed: as for `max_t`.

    Returns:
        (designs,) two-sided adjusted values: compare each with the level as it is.

    Raises:
        ValueError: as for `max_t`, or `stopped` is negative.

    Source: Westfall and Young 1993; Bonferroni's inequality for those without scores.
    """
    if stopped < 0:
        raise ValueError(f"{stopped} stopped designs are no count")
    together = max_t(differences, flips=flips, seed=seed)
    rows = _differences(differences)
    wins, losses = (rows > EPSILON).sum(axis=1), (rows < -EPSILON).sum(axis=1)
    alone = np.array([mcnemar(int(w), int(x)) for w, x in zip(wins, losses, strict=True)])
    adjusted: NDArray[np.float64] = np.minimum(1.0, np.maximum(together, alone) + stopped * alone)
    return adjusted


def _differences(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = np.asarray(differences, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"differences have shape {rows.shape}; expected (designs, tasks)")
    if not (np.abs(rows) <= 1 + EPSILON).all():
        raise ValueError("a difference lies outside [-1, 1]")
    return rows
