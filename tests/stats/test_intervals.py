from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.stats import (
    bootstrap_mean,
    paired_difference,
    score_interval,
    wilson,
)

SCORES = st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("solved", "tasks", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),  # Brown, Cai, DasGupta 2001's method, worked by hand
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),  # the same
        (1, 29, 0.0061, 0.1718),  # the same
    ],
)
def test_wilson_against_known_values(solved: int, tasks: int, low: float, high: float) -> None:
    interval = wilson(solved, tasks)
    assert interval.mean == solved / tasks
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_bootstrap_of_one_zero_counts_is_the_binomial() -> None:
    # 60 ones of 100: the bootstrap's distribution is Binomial(100, 0.6) / 100 exactly,
    # whose 2.5 % and 97.5 % quantiles are .50 and .69 or .70.
    interval = bootstrap_mean([1.0] * 60 + [0.0] * 40)
    assert interval.mean == 0.6
    assert interval.low == pytest.approx(0.50, abs=0.011)
    assert interval.high == pytest.approx(0.695, abs=0.011)


def test_bootstrap_agrees_with_the_normal_interval_on_many_tasks() -> None:
    scores = np.random.default_rng(5).random(400)
    interval = bootstrap_mean(scores)
    half = 1.959964 * scores.std() / math.sqrt(len(scores))
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.003)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.003)


def test_the_same_seed_gives_the_same_interval_and_memory_stays_bounded() -> None:
    scores = np.random.default_rng(1).random(3_000)
    assert bootstrap_mean(scores, draws=1_000) == bootstrap_mean(scores, draws=1_000)
    assert bootstrap_mean(scores, draws=1_000) != bootstrap_mean(scores, draws=1_000, seed=1)


def _covered(draw: np.random.Generator, tasks: int, runs: int) -> int:
    """Count how often the paired interval holds a true difference of .2."""
    covered = 0
    for _ in range(runs):
        a = (draw.random(tasks) < 0.7).astype(float)
        b = (draw.random(tasks) < 0.5).astype(float)
        interval = paired_difference(a, b, draws=1_000, seed=int(draw.integers(2**31)))
        covered += interval.low <= 0.2 <= interval.high
    return covered


def test_paired_interval_covers_as_often_as_it_says() -> None:
    runs = 1_000
    covered = _covered(np.random.default_rng(11), tasks=100, runs=runs)
    # 3.5 binomial standard errors about 95 %, and the percentile bootstrap's own 1/n of shortfall.
    error = 3.5 * math.sqrt(0.95 * 0.05 / runs)
    assert 0.95 - error - 0.01 < covered / runs < 0.95 + error


def test_paired_is_tighter_than_unpaired_where_tasks_agree() -> None:
    b = [0.0, 1.0] * 50  # a solves three more
    a = [1.0 if task in (0, 20, 40) else score for task, score in enumerate(b)]
    paired = paired_difference(a, b)
    alone = bootstrap_mean(a)
    assert paired.high - paired.low < (alone.high - alone.low) / 2
    assert paired.low > -0.01


def test_all_tasks_alike_does_not_claim_certainty() -> None:
    same = paired_difference([1.0] * 12, [1.0] * 12)
    assert same.mean == 0
    assert same.low == -same.high < -0.2
    assert score_interval([1.0] * 10) == wilson(10, 10)
    assert score_interval([0.5] * 10).low < 0.3


def test_a_few_graded_scores_are_bootstrapped_with_a_zero_and_a_one() -> None:
    scores = [0.2, 0.4, 0.9, 1.0]
    wider = bootstrap_mean([*scores, 0.0, 1.0])
    assert score_interval(scores) == (0.625, wider.low, wider.high)


def _coverage(draw: np.random.Generator, tasks: int, runs: int, shares: list[float]) -> float:
    """Share of win, tie and loss samples whose interval holds the true difference."""
    held = 0
    for _ in range(runs):
        gaps = draw.choice([1.0, 0.0, -1.0], p=shares, size=tasks)
        found = paired_difference(np.maximum(gaps, 0), np.maximum(-gaps, 0), draws=400)
        held += found.low - 1e-9 <= shares[0] - shares[2] <= found.high + 1e-9
    return held / runs


@pytest.mark.parametrize(
    ("tasks", "shares"),
    [
        (12, [0.1, 0.85, 0.05]),  # where percentile, BCa and studentised cover 70 %, 67 %, 72 %
        (12, [0.25, 0.6, 0.15]),
        (25, [0.05, 0.95, 0.0]),
        (50, [0.1, 0.85, 0.05]),
        (100, [0.3, 0.68, 0.02]),
    ],
)
def test_few_tasks_that_differ_are_covered_too(tasks: int, shares: list[float]) -> None:
    runs = 600
    covered = _coverage(np.random.default_rng(21), tasks, runs, shares)
    assert covered > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)


def test_graded_differences_are_covered_and_not_wastefully() -> None:
    draw, runs, tasks = np.random.default_rng(22), 500, 25
    held, widths, plain = 0, [], []
    for _ in range(runs):
        a, b = draw.beta(0.3, 0.6, tasks), draw.beta(2, 6, tasks)
        found = paired_difference(a, b, draws=400)
        held += found.low <= 1 / 3 - 1 / 4 <= found.high
        widths.append(found.high - found.low)
        plain.append(3.92 * (a - b).std() / math.sqrt(tasks))
    assert held / runs > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)
    assert np.mean(widths) < 1.2 * np.mean(plain)


def test_graded_differences_that_never_vary_give_no_nonsense() -> None:
    a = np.linspace(0.5, 0.5 + 1e-6, 30)
    found = paired_difference(a, np.zeros(30))
    assert found.low == pytest.approx(0.5, abs=1e-5)
    assert found.high == pytest.approx(0.5, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(SCORES)
def test_an_interval_holds_its_mean_and_stays_in_range(scores: list[float]) -> None:
    interval = score_interval(scores)
    assert 0 <= interval.low <= interval.mean + 1e-12
    assert interval.mean <= interval.high + 1e-12
    assert interval.high <= 1


@pytest.mark.parametrize("bad", [[], [math.nan], [[1.0]]])
def test_no_scores_or_no_numbers_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="score"):
        bootstrap_mean(bad)


def test_unequal_lengths_and_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="both need the same tasks"):
        paired_difference([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="outside"):
        score_interval([1.5])
