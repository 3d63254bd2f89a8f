"""What children promise: true of families that are as assumed, and sane where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from metasearch.stats import promise
from metasearch.stats.lineage import DRIFT, GROWTH, ROOTS, STEP


def test_intervals_hold_what_children_are_worth_in_the_long_run() -> None:
    rng = np.random.default_rng(1)
    inside = total = 0
    for _ in range(60):
        parents = [None, None, *(int(rng.integers(0, row)) for row in range(2, 30))]
        worth, growth = np.zeros(30), np.zeros(30)
        for row, up in enumerate(parents):
            if up is None:
                worth[row] = rng.normal(0, ROOTS)
                continue
            growth[row] = growth[up] + rng.normal(0, GROWTH)
            worth[row] = worth[up] + DRIFT + growth[row] + rng.normal(0, STEP)
        tasks = rng.normal(0, 0.4, 60)
        scores = worth[:, None] + tasks + rng.normal(0, 0.4, (30, 60))
        scores[5:15, 10:] = np.nan  # stopped early
        found = promise(scores, parents)
        true = worth + growth
        # Against the mean of all, on whatever scale that is: only differences matter.
        off = found.means - true
        inside += int((np.abs(off - off.mean()) < 1.96 * found.deviations).sum())
        total += 30
    assert 0.92 < inside / total < 0.985


def test_a_clade_tells_more_than_an_own_score() -> None:
    def row(solved: int) -> list[float]:
        return [1.0] * solved + [0.0] * (40 - solved)

    scores = np.array([row(20), row(20), row(26), row(27), row(14), row(13)])
    found = promise(scores, [None, None, 0, 2, 1, 4])
    assert found.means[0] > found.means[1] + 0.02
    assert (found.deviations > 0).all()


def test_a_design_that_was_stopped_on_easy_tasks_is_not_taken_for_a_good_one() -> None:
    easy_first = [1.0] * 10 + [0.0] * 30
    better = [1.0] * 14 + [0.0] * 26
    stopped = [1.0] * 9 + [0.0] + [np.nan] * 30  # 0.9, the highest mean
    found = promise(np.array([easy_first, better, stopped]), [None, None, None])
    assert found.means.argmax() == 1
    assert found.means[2] < found.means[0]


def test_who_met_nothing_is_known_by_its_parent_alone() -> None:
    scores = np.array([[1.0] * 20, [0.0] * 20, [np.nan] * 20])
    found = promise(scores, [None, None, 0])
    assert found.means[0] > found.means[2] > found.means[1]
    assert found.deviations[2] > found.deviations[0]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="before its children"):
        promise(np.ones((2, 3)), [1, None])
    with pytest.raises(ValueError, match="shape"):
        promise(np.ones((2, 3)), [None])
