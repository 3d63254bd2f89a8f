from __future__ import annotations

import numpy as np
import pytest

from metasearch.report.belief import believed

TASKS, DESIGNS = 60, 20


def test_the_best_of_equal_designs_is_drawn_back_to_what_it_is() -> None:
    rng = np.random.default_rng(1)
    seen, kept = [], []
    for _ in range(300):
        scores = (rng.random((DESIGNS, TASKS)) < 0.6).astype(float)
        best = scores[scores.mean(axis=1).argmax()]
        belief = believed(best, list(scores))
        assert belief is not None
        seen.append(best.mean() - 0.6)
        kept.append(belief.mean - 0.6)
    assert np.mean(seen) > 0.09, "the best figure of many is flattered"
    assert abs(np.mean(kept)) < np.mean(seen) / 3


def test_a_figure_far_above_the_noise_is_left_alone() -> None:
    rng = np.random.default_rng(2)
    rates = np.linspace(0.1, 0.9, DESIGNS)
    scores = (rng.random((DESIGNS, 2000)) < rates[:, None]).astype(float)
    belief = believed(scores[-1], list(scores))
    assert belief is not None
    assert belief.weight > 0.99
    assert belief.mean == pytest.approx(scores[-1].mean(), abs=0.005)


def test_the_probability_is_right_as_often_as_it_says() -> None:
    """Designs differ by N(0, .05): of those called better by 80 to 100 %, so many are."""
    rng = np.random.default_rng(3)
    called = []
    for _ in range(1000):
        true = rng.normal(0.0, 0.05, size=12)
        seen = true[:, None] + rng.normal(0.0, 0.4, size=(12, 80))
        best = int(seen.mean(axis=1).argmax())
        belief = believed(seen[best], list(seen))
        assert belief is not None
        called.append((belief.above_zero, true[best] > 0))
    sure = [is_better for above, is_better in called if above > 0.8]
    said = [above for above, _ in called if above > 0.8]
    assert len(sure) > 100
    assert np.mean(sure) == pytest.approx(np.mean(said), abs=0.1)


def test_few_designs_or_tasks_teach_nothing() -> None:
    alone = believed([0.0, 1.0, 1.0, 1.0], [[0.0, 1.0, 1.0, 1.0]])
    assert alone is not None
    assert (alone.mean, alone.weight) == (0.75, 1.0)
    assert believed([1.0], [[1.0]] * 9) is None
    equal = believed([1.0] * 10, [[1.0] * 10] * 9)
    assert equal is not None
    assert equal.low < 1.0 == equal.mean
