"""What to expect of the children of each design of a search, from scores of whole families.

A design's own score is noisy, and tells only half of what becomes of its descendants. So all scores
are read together: a child is worth about what its parent is worth, and some lines gain more with
each step than others. Both are normal, and so is noise, so that what is known of every design is a
normal distribution in closed form: a Kalman smoother whose time is the family tree.

Tasks differ in difficulty far more than designs do, and a design that was stopped early met the
first few only. Therefore a score is first freed of its task: what counts is by how much a design
does better on a task than others that met it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Promise", "promise"]

Array = NDArray[np.float64]

# Deviations in shares of solved tasks. Results hardly depend on them: half or twice as much changes
# the proposals that a simulated search needs by a few in a hundred.
ROOTS = 0.10  # of designs without a parent
STEP = 0.08  # of a child from what its line lets expect
GROWTH = 0.03  # of what a line gains with each step, from parent to child
DRIFT = -0.02  # most drafts are a little worse than what they were made from
LEAST_NOISE = 0.02  # variance of one score: a few tasks that all say the same prove little
SWEEPS = 5  # of the fit of designs and tasks; the order of tasks is shared, so it is soon there


class Promise(NamedTuple):
    """What is known of a child that each design might get, against the mean of all designs.

    Attributes:
        means: (designs,) expected scores.
        deviations: (designs,) standard deviations of what is known.
    """

    means: Array
    deviations: Array


def promise(scores: Array, parents: Sequence[int | None]) -> Promise:
    """Return what a child of each design may be expected to score.

    Args:
        scores: (designs, tasks) in [0, 1]; NaN where a design did not meet a task.
        parents: row of each design's main parent, which comes before it; None for none.

    Raises:
        ValueError: no designs, a parent that does not come before its child, or another shape.

    Source: Kalman 1960 and Rauch, Tung and Striebel 1965, for a tree; that descendants tell of a
    design's worth as a parent: Wang et al. 2025 (arXiv 2510.21614); additive fit of an incomplete
    two-way table: Yates 1933.
    """
    if scores.ndim != 2 or len(scores) != len(parents) or not len(scores):
        raise ValueError(f"{len(parents)} parents of scores of shape {scores.shape}")
    if any(up is not None and not 0 <= up < row for row, up in enumerate(parents)):
        raise ValueError("a parent comes before its children")
    own, noise = _freed(scores)
    line, growth, expected = _family(parents)
    is_child = np.array([up is not None for up in parents])
    steps = np.where(is_child, STEP**2, ROOTS**2)
    gains = GROWTH**2 * is_child
    shared = (line * steps) @ line.T
    worth = shared + (growth * gains) @ growth.T
    ahead = growth + line  # a child has its parent's growth once more
    to_child = shared + (ahead * gains) @ growth.T
    child = shared + (ahead * gains) @ ahead.T
    weights = 1 / (noise + np.diag(worth))
    centre = float(((own - expected) * weights).sum() / weights.sum())
    known = np.linalg.solve(worth + np.diag(noise), np.c_[own - expected - centre, to_child.T])
    means = centre + expected + to_child @ known[:, 0]
    left = np.diag(child) - np.einsum("ij,ji->i", to_child, known[:, 1:])
    return Promise(means, np.sqrt(np.maximum(left, 0.0)))


def _freed(scores: Array) -> tuple[Array, Array]:
    """Return (designs,) how much better each is than its tasks, and the squared errors of that."""
    met = ~np.isnan(scores)
    values = np.where(met, scores, 0.0)
    by_design, by_task = np.maximum(met.sum(axis=1), 1), np.maximum(met.sum(axis=0), 1)
    own, tasks = np.zeros(len(scores)), np.zeros(scores.shape[1])
    for _ in range(SWEEPS):
        tasks = ((values - own[:, None]) * met).sum(axis=0) / by_task
        own = ((values - tasks) * met).sum(axis=1) / by_design
        own -= own.mean()
    rest = ((values - tasks - own[:, None]) * met) ** 2
    free = max(1, int(met.sum()) - len(own) - len(tasks) + 1)
    noise = max(float(rest.sum()) / free, LEAST_NOISE)
    # Who met nothing says nothing: an error as large as a score can be.
    return own, np.where(met.any(axis=1), noise / by_design, 1.0)


def _family(parents: Sequence[int | None]) -> tuple[Array, Array, Array]:
    """Return how designs follow from their ancestors' steps and growth, and their expected worth.

    Returns:
        (designs, designs) 1 where the step of the one is in the other; how often its growth is;
        (designs,) the drift of all steps.
    """
    count = len(parents)
    line, growth, expected = np.zeros((count, count)), np.zeros((count, count)), np.zeros(count)
    for row, up in enumerate(parents):
        if up is not None:
            line[row], expected[row] = line[up], expected[up] + DRIFT
            growth[row] = growth[up] + line[up]
            growth[row, row] = 1.0
        line[row, row] = 1.0
    return line, growth, expected
