from __future__ import annotations

import math

import numpy as np
import pytest

from metasearch.stats import clustered_interval, student_t


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    [
        # scipy 1.17.1: stats.t.ppf(probability, freedom)
        (0.975, 1, 12.706204736),
        (0.975, 2, 4.302652730),
        (0.975, 3, 3.182446305),
        (0.975, 10, 2.228138852),
        (0.975, 29, 2.045229642),
        (0.975, 120, 1.979930405),
        (0.995, 4, 4.604094871),
        (0.95, 29, 1.699127027),
        (0.025, 10, -2.228138852),
    ],
)
def test_student_t_against_known_values(probability: float, freedom: int, quantile: float) -> None:
    assert student_t(probability, freedom) == pytest.approx(quantile, abs=1e-8)


def test_student_t_of_many_is_the_normal() -> None:
    assert student_t(0.975, 1_999) == pytest.approx(1.961151, abs=1e-5)
    assert student_t(0.975, 2_000) == pytest.approx(1.959964, abs=1e-6)
    assert student_t(0.5, 7) == pytest.approx(0, abs=1e-9)


def test_four_tasks_with_two_answers_each_worked_by_hand() -> None:
    # Task means 1, .5, .5, 0: mean .5, variance 1/6, error sqrt(1/24) = .204124; t(3) = 3.182446
    # makes .649614, cut at 0 and 1. Within: two tasks with .5 each over four degrees of freedom.
    found = clustered_interval([1, 1, 1, 0, 0, 1, 0, 0], ["a", "a", "b", "b", "c", "c", "d", "d"])
    assert (found.mean, found.low, found.high) == (0.5, 0, 1)
    assert found.within == pytest.approx(0.25)
    assert found.between == pytest.approx(1 / 6 - 0.25 / 2)
    wide = clustered_interval([1, 1, 1, 0, 0, 1, 0, 0], list("aabbccdd"), low=-1.0)
    assert wide.low == pytest.approx(0.5 - 3.182446 * math.sqrt(1 / 24), abs=1e-6)


def test_tasks_weigh_the_same_however_often_they_were_repeated() -> None:
    found = clustered_interval([1.0, 0.0, 0.0, 0.0, 0.0], ["a", "b", "b", "b", "b"])
    assert found.mean == 0.5


def test_equal_answers_do_not_claim_certainty() -> None:
    found = clustered_interval([1.0] * 30, [task for task in range(10) for _ in range(3)])
    assert found.high == 1
    assert found.low == pytest.approx(0.025 ** (1 / 10))  # Clopper and Pearson for 10 of 10: .6915
    same = clustered_interval([0.0] * 12, range(12), low=-1.0)
    assert same.low == -same.high < -0.2


@pytest.mark.parametrize(("tasks", "repeats", "shape"), [(10, 3, 0.5), (30, 5, 0.3), (60, 3, 0.2)])
def test_it_covers_where_taking_repeats_for_tasks_does_not(
    tasks: int, repeats: int, shape: float
) -> None:
    draw, runs = np.random.default_rng(51), 400
    covered = naive = 0
    between, within = [], []
    for _ in range(runs):
        chance = draw.beta(shape, shape * 0.6, tasks)
        answers = (draw.random((tasks, repeats)) < chance[:, None]).astype(float).ravel()
        found = clustered_interval(answers, np.repeat(np.arange(tasks), repeats).tolist())
        covered += found.low <= 1 / 1.6 <= found.high
        half = 1.96 * answers.std() / math.sqrt(len(answers))
        naive += abs(answers.mean() - 1 / 1.6) < half
        between.append(found.between)
        within.append(found.within)
    assert covered / runs > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)
    assert naive / runs < 0.85
    variance = 0.6 / 1.6**2 / (1.6 * shape + 1)  # of the beta
    assert np.mean(between) == pytest.approx(variance, rel=0.1)
    assert np.mean(within) == pytest.approx(0.6 / 1.6**2 - variance, rel=0.1)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="beside"):
        clustered_interval([1.0], ["a", "b"])
    with pytest.raises(ValueError, match="outside"):
        clustered_interval([-0.5], ["a"])
    with pytest.raises(ValueError, match="score"):
        clustered_interval([], [])
    with pytest.raises(ValueError, match="quantile"):
        student_t(1.0, 3)
