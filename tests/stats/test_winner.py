from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from metasearch.stats import design_noise, score_interval, shrunk, winner_score

# Hits in the first 45 at bats of 18 players in 1970: Efron and Morris 1975, table 1.
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])


def test_shrunk_against_the_baseball_players_of_efron_and_morris() -> None:
    means = HITS / 45
    variance = means.mean() * (1 - means.mean()) / 45
    found = shrunk(means, variance)
    # Efron and Morris 1977: mean .265, shrinking factor .212, Clemente .400 -> .294,
    # Robinson .378 -> .290 (rounded up there), Munson .178 -> .247, Alvis .156 -> .242.
    assert found.centre == pytest.approx(0.265, abs=5e-4)
    assert found.weights.tolist() == pytest.approx([0.212] * 18, abs=5e-4)
    assert found.means[[0, 16, 17]].tolist() == pytest.approx([0.294, 0.247, 0.242], abs=6e-4)


def test_equal_variances_give_the_closed_form_and_unequal_ones_trust_the_sure() -> None:
    means = [0.2, 0.4, 0.5, 0.6, 0.9]
    found = shrunk(means, 0.01)
    drawn = 2 * 0.01 / np.sum((np.array(means) - 0.52) ** 2)  # (designs - 3) noise / sum
    assert found.means.tolist() == pytest.approx([m - drawn * (m - 0.52) for m in means])
    uneven = shrunk(means, [0.001, 0.001, 0.001, 0.001, 0.05])
    assert uneven.weights[4] < uneven.weights[0]
    assert uneven.deviations[4] > uneven.deviations[0]


def test_noise_alone_draws_all_to_the_centre_and_three_designs_teach_nothing() -> None:
    found = shrunk([0.50, 0.51, 0.49, 0.50, 0.5], 0.01)
    assert found.spread == 0
    assert found.means.tolist() == pytest.approx([0.5] * 5, abs=0.006)
    few = shrunk([0.2, 0.5, 0.9], 0.01)
    assert few.means.tolist() == [0.2, 0.5, 0.9]
    assert few.deviations.tolist() == pytest.approx([0.1] * 3)


def _search(
    draw: np.random.Generator, designs: int, tasks: int, spread: float, graded: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True means on the tasks (designs,) and scores (designs, tasks); tasks are hard for all."""
    hard = draw.normal(0, 0.2, tasks)
    skill = draw.normal(0.6, spread, (designs, 1))
    chance = np.clip(skill + hard, 0, 1)
    scores = (draw.random((designs, tasks)) < chance).astype(float)
    if graded:
        scores = scores * 0.5 + chance * 0.5
    return chance.mean(axis=1), scores


@pytest.mark.parametrize(
    ("spread", "graded"), [(0.0, False), (0.03, False), (0.03, True), (0.1, False)]
)
def test_the_shrunk_best_of_many_is_not_flattered(spread: float, graded: bool) -> None:
    draw, flattery, plain, held = np.random.default_rng(61), [], [], []
    for _ in range(200):
        true, scores = _search(draw, 25, 128, spread, graded)
        means = scores.mean(axis=1)
        best = int(means.argmax())
        found = shrunk(means, design_noise(scores))
        # Against the other designs: what is easy for all moves every figure alike.
        shift = means.mean() - true.mean()
        off = found.means[best] - shift - true[best]
        flattery.append(off)
        plain.append(means[best] - true[best])
        held.append(abs(off) < 1.96 * found.deviations[best])
    assert abs(np.mean(flattery)) < np.mean(plain) / 5
    assert np.mean(plain) > 0.02
    assert np.mean(held) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)


def test_design_noise_leaves_out_what_is_hard_for_all() -> None:
    draw = np.random.default_rng(62)
    hard = np.where(np.arange(200) < 100, 0.02, 0.98)
    scores = (draw.random((30, 200)) < hard).astype(float)
    assert design_noise(scores) == pytest.approx(0.02 * 0.98 / 200, rel=0.1)
    assert design_noise(np.stack([hard, hard])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("spread", "finalists"), [(0.0, 3), (0.03, 3), (0.1, 3), (0.0, 6)])
def test_the_best_of_the_finalists_is_not_flattered(spread: float, finalists: int) -> None:
    draw, runs = np.random.default_rng(63), 250
    flattery, plain, held = [], [], 0
    for run in range(runs):
        true, scores = _search(draw, finalists, 128, spread, graded=False)
        found = winner_score(scores, draws=150, seed=run)
        flattery.append(found.mean - true[found.design])
        plain.append(found.seen - true[found.design])
        held += found.low <= true[found.design] <= found.high
    error = 3 * np.std(flattery) / math.sqrt(runs)
    assert np.mean(flattery) < 0.005  # half a point
    assert np.mean(flattery) > -0.01 - error  # errs on the low side, by a point at most
    assert np.mean(plain) > 0.01
    assert held / runs > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)


def test_one_finalist_and_a_clear_one_are_left_alone() -> None:
    scores = np.array([[1.0, 0.0, 1.0, 1.0]])
    alone = winner_score(scores)
    assert alone == (0, *score_interval(scores[0]), 0.75)
    clear = winner_score(np.array([[0.0] * 50, [1.0] * 40 + [0.0] * 10]))
    assert clear.design == 1
    assert clear.mean == pytest.approx(0.8, abs=0.005)


def test_a_single_task_says_hardly_anything() -> None:
    found = winner_score(np.array([[1.0], [0.0]]))
    assert 0 <= found.low <= found.mean < found.seen == 1


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="variance"):
        shrunk([0.5], -1.0)
    with pytest.raises(ValueError, match="expected"):
        winner_score(np.zeros(3))
    with pytest.raises(ValueError, match="outside"):
        winner_score(np.full((2, 2), 1.5))
    with pytest.raises(ValueError, match="no noise"):
        design_noise(np.zeros((1, 5)))
