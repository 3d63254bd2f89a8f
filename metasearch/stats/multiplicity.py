"""Many designs were tried: p-values that hold for all of them together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.scores import Scores

__all__ = ["holm"]


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
