"""Non-inferiority: the size of the test, summed up exactly, and values known by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from metasearch.stats.noninferiority import lower_limit, noninferiority

TASKS = 40


def scores(wins: int, losses: int, tasks: int = TASKS) -> tuple[list[float], list[float]]:
    ties = tasks - wins - losses
    first = [1.0] * wins + [0.0] * losses + [1.0] * ties
    return first, [0.0] * wins + [1.0] * losses + [1.0] * ties


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """The p-value of every outcome that is not hopeless, at a margin of a tenth."""
    found = np.ones((14, 14))
    for wins in range(14):
        for losses in range(14):
            found[wins, losses] = noninferiority(*scores(wins, losses), 0.1)
    return found


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("discordance", [0.1, 0.15, 0.25, 0.4])
def test_who_is_worse_by_the_margin_seldom_passes(
    table: np.ndarray, alpha: float, discordance: float
) -> None:
    won, lost = (discordance - 0.1) / 2, (discordance + 0.1) / 2
    size = sum(
        comb(TASKS, b)
        * comb(TASKS - b, c)
        * won**b
        * lost**c
        * (1 - discordance) ** (TASKS - b - c)
        for b, c in zip(*np.nonzero(table < alpha), strict=True)
    )
    assert size <= alpha * 1.05


def test_without_any_loss_the_p_is_the_chance_of_none() -> None:
    for tasks in (30, 94):
        same = [1.0] * tasks
        assert noninferiority(same, same, 0.05) == pytest.approx(0.95**tasks, rel=1e-6)
        assert lower_limit(same, same) == pytest.approx(-(1 - 0.05 ** (1 / tasks)), abs=1e-4)


def test_losses_raise_the_p_and_wins_lower_it(table: np.ndarray) -> None:
    # In steps of three: between neighbours the p of so few outcomes may turn by a hair.
    assert (np.diff(table[0, ::3]) > 0).all()
    assert (np.diff(table[::3, 4]) < 0).all()


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (0, 2), (3, 5), (6, 2)])
def test_the_limit_is_where_the_test_turns(wins: int, losses: int) -> None:
    pair = scores(wins, losses, 100)
    low = lower_limit(*pair)
    assert low < (wins - losses) / 100
    assert noninferiority(*pair, -low + 0.002) < 0.05 < noninferiority(*pair, -low - 0.002)


def test_graded_scores_go_by_the_bootstrap() -> None:
    rng = np.random.default_rng(1)
    a = rng.uniform(0.4, 0.6, 80)
    b = a + rng.normal(0, 0.02, 80)
    assert lower_limit(a, b) > -0.02
    assert noninferiority(a, b, 0.05) <= 0.01
    assert noninferiority(a, b + 0.1, 0.05) == 1.0


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1])
def test_a_margin_is_a_share(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        noninferiority([1.0], [1.0], margin)
