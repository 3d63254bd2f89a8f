"""Racing: a design is evaluated in stages and stops when it is clearly worse than the best so far.

Every design meets the validation tasks in the same order, so that two designs are always compared
on the same tasks. Stopping saves calls; it never changes a score: the mean of a stopped design is
over the tasks that it met, and it cannot win.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["SCREENING_Z", "hopeless"]

# One-sided 10 %: a screening rule, repeated at each stage, not a claim. Losing one good design in
# ten costs less than evaluating nine bad ones to the end.
SCREENING_Z = 1.2816


def hopeless(scores: Mapping[str, float], best: Mapping[str, float]) -> bool:
    """Say whether a design is so far behind on common tasks that the race can stop.

    The upper end of a one-sided interval of the mean paired difference lies below zero. One win and
    one loss are added to the differences, so that a few equal ones do not claim zero variance.

    Args:
        scores, best: score in [0, 1] by task id, of the design and of the best one so far.

    Source: the smoothing is that of Agresti and Min 2005 for paired proportions.
    """
    differences = [score - best[task] for task, score in scores.items() if task in best]
    if not differences:
        return False
    smoothed = [*differences, 1.0, -1.0]
    mean = sum(smoothed) / len(smoothed)
    variance = sum((value - mean) ** 2 for value in smoothed) / (len(smoothed) - 1)
    return mean + SCREENING_Z * math.sqrt(variance / len(smoothed)) < 0
