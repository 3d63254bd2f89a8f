from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.stats import (
    bootstrap_mean,
    holm,
    mcnemar,
    paired_difference,
    score_interval,
    tasks_needed,
    wilson,
    wins_and_losses,
)

SCORES = st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (10, 2, 0.03857421875),  # 2 * (1 + 12 + 66) / 4096
        (2, 10, 0.03857421875),
        (0, 0, 1.0),
        (5, 5, 1.0),
        (6, 0, 0.03125),
        (9, 1, 0.021484375),  # 2 * (1 + 10) / 1024
    ],
)
def test_mcnemar_against_known_values(wins: int, losses: int, p: float) -> None:
    assert mcnemar(wins, losses) == pytest.approx(p, rel=1e-5)


def test_mcnemar_of_many_tasks_neither_overflows_nor_vanishes() -> None:
    assert 0 < mcnemar(400, 600) < 1e-9


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


def test_mcnemar_alarms_falsely_at_most_as_often_as_it_says() -> None:
    draw = np.random.default_rng(3)
    wins = draw.binomial(40, 0.5, size=2_000)
    false_alarms = sum(mcnemar(int(win), 40 - int(win)) < 0.05 for win in wins)
    assert false_alarms / 2_000 < 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 2_000)


def test_paired_is_tighter_than_unpaired_where_tasks_agree() -> None:
    b = [0.0, 1.0] * 50
    a = b[:95] + [1.0] * 5
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


def test_graded_scores_use_the_bootstrap() -> None:
    scores = [0.2, 0.4, 0.9, 1.0]
    assert score_interval(scores) == bootstrap_mean(scores)


def test_holm_against_a_worked_example() -> None:
    # Holm 1979's procedure on four p-values, by hand.
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).tolist() == []
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]


def test_tasks_needed_is_connor_for_right_and_wrong() -> None:
    # 30 % discordant, difference .1: (1.959964 sqrt(.3) + .841621 sqrt(.3 - .01))^2 / .01 = 233.
    a = [1.0] * 20 + [0.0] * 10 + [1.0] * 70
    b = [0.0] * 20 + [1.0] * 10 + [1.0] * 70
    expected = (1.959964 * math.sqrt(0.3) + 0.841621 * math.sqrt(0.29)) ** 2 / 0.01
    assert tasks_needed(a, b) == math.ceil(expected) == 234
    assert tasks_needed([1.0, 0.0], [0.0, 1.0]) is None


def test_tasks_needed_gives_the_promised_power() -> None:
    draw = np.random.default_rng(8)
    found = 0
    for _ in range(1_000):
        outcomes = draw.choice([1, -1, 0], p=[0.2, 0.1, 0.7], size=234)
        found += mcnemar(int((outcomes == 1).sum()), int((outcomes == -1).sum())) < 0.05
    assert 0.73 < found / 1_000 < 0.84  # the exact test is a little conservative


@settings(max_examples=50, deadline=None)
@given(SCORES)
def test_an_interval_holds_its_mean_and_stays_in_range(scores: list[float]) -> None:
    interval = score_interval(scores)
    assert 0 <= interval.low <= interval.mean + 1e-12
    assert interval.mean <= interval.high + 1e-12
    assert interval.high <= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1))
def test_swapping_two_designs_swaps_wins_and_losses(pairs: list[tuple[float, bool]]) -> None:
    a, b = [x for x, _ in pairs], [float(y) for _, y in pairs]
    forth, back = wins_and_losses(a, b), wins_and_losses(b, a)
    assert (forth.wins, forth.losses, forth.ties) == (back.losses, back.wins, back.ties)
    assert sum(forth) == len(pairs)
    assert mcnemar(forth.wins, forth.losses) == mcnemar(back.wins, back.losses)


@pytest.mark.parametrize("bad", [[], [math.nan], [[1.0]]])
def test_no_scores_or_no_numbers_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="score"):
        bootstrap_mean(bad)


def test_unequal_lengths_and_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="both need the same tasks"):
        paired_difference([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="no counts"):
        mcnemar(-1, 0)
    with pytest.raises(ValueError, match="outside"):
        score_interval([1.5])
    with pytest.raises(ValueError, match="p-values"):
        holm([2.0])
