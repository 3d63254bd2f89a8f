"""Scores as they come in: checked, and paired by task."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPSILON", "Estimate", "Scores", "checked", "differences", "z_value"]

Scores: TypeAlias = Sequence[float] | NDArray[np.float64]

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


def checked(scores: Scores) -> NDArray[np.float64]:
    """Return scores as an array.

    Args:
        scores: (tasks,) finite numbers, at least one.

    Raises:
        ValueError: no scores, or one that is not finite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"scores have shape {values.shape}; expected (tasks,), at least one task")
    if not np.isfinite(values).all():
        raise ValueError("a score is not a finite number")
    return values


def differences(a: Scores, b: Scores) -> NDArray[np.float64]:
    """Return a - b, task by task.

    Args:
        a, b: (tasks,) finite numbers, equal order of tasks.

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.
    """
    first, second = checked(a), checked(b)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} scores beside {len(second)}; both need the same tasks")
    return first - second


def z_value(probability: float) -> float:
    """Return the standard normal quantile of a probability in (0, 1)."""
    return NormalDist().inv_cdf(probability)
