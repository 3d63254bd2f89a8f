"""Racing: a design is evaluated in stages and stops when it is worse than the leaders so far.

Every design meets the validation tasks in the same order, so that two designs are always compared
on the same tasks. Stopping saves calls; it never changes a score: the mean of a stopped design is
over the tasks that it met, and it cannot win.

The bound may be looked at after every stage: it is an e-process, evidence that holds whenever one
looks (`metasearch.stats.betting`). The tasks are a finite set in random order, so the bound knows
what is left of them: who would be behind though it solved all the rest is out with certainty.
The incumbents are those of the race's start. A baseline that races others may leave before them; it
stays an incumbent, with what it had shown by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from metasearch.stats import worse_than_some
from metasearch.stats.scores import EPSILON

__all__ = ["INCUMBENTS", "hopeless"]

WORTH = 0.01  # a lead of one point is worth the search for it; near-ties would race to the end
INCUMBENTS = 3  # leaders that a design is raced against; one alone may only have been lucky


def hopeless(
    scores: Mapping[str, float],
    incumbents: Sequence[Mapping[str, float]],
    *,
    order: Sequence[str],
    alpha: float,
) -> bool:
    """Say whether a design is so far behind on the tasks that it met that its race can stop.

    Args:
        scores: score in [0, 1] by task id, of the design.
        incumbents: the same of those that led when the race began, at every look the same ones.
            Who stopped before the design counts up to there.
        order: ids of all tasks of the race, in the order that all designs share.
        alpha: chance in (0, 1) to stop a design that is on all tasks better than every leader by
            `WORTH`; 0 stops those only that cannot catch up.

    Source: Maron and Moore 1994 (Hoeffding races), with the e-process of Waudby-Smith and Ramdas
    2024 for sampling without replacement in the place of Hoeffding's bound.
    """
    met = [task for task in order if task in scores]
    if not met or not incumbents:
        return False
    most = sum(scores[task] for task in met) + len(order) - len(met)
    whole = [one for one in incumbents if one.keys() >= set(met)]
    if any(most < sum(one.get(task, 0.0) for task in order) - EPSILON for one in whole):
        return True
    gaps = np.array([[scores[t] - one.get(t, np.nan) - WORTH for t in met] for one in incumbents])
    gaps = gaps.clip(min=-1.0)
    return bool(alpha and worse_than_some(gaps, population=len(order)).max() >= 1 / alpha)
