from __future__ import annotations

import math
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from metasearch.stats import (
    anytime_p,
    better_than_all,
    confidence_sequence,
    e_benjamini_hochberg,
    evidence,
    worse_than_some,
)
from metasearch.stats.betting import STAKES

ALPHA = 0.05
PAIRS = (1.0, 0.0, -1.0)  # win, tie, loss


def _limit(runs: int, rate: float = ALPHA) -> float:
    """Three binomial standard errors above a rate."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / runs)


def _exact_lower(scaled: NDArray[np.float64], population: int | None) -> float:
    """The lower bound by its definition: bisection for the largest mean ever rejected."""

    def rejected(claim: float) -> bool:
        wealth, seen, peak = np.ones(len(STAKES)), 0.0, 0.0
        for met, score in enumerate(scaled):
            mean = claim if population is None else (population * claim - seen) / (population - met)
            if mean <= 0:
                return True
            wealth *= 1 - np.array(STAKES) + np.array(STAKES) * score / mean
            seen += score
            peak = max(peak, float(wealth.mean()))
        return peak >= 2 / ALPHA

    low, high = 1e-6, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def test_the_wealth_of_one_who_always_wins_is_known() -> None:
    # Stake s of a coin on a fair claim that pays 0 or 2: (1 + s)^n after n wins, (1 - s)^n after
    # n losses, and the mean over the stakes.
    won = [sum((1 + s) ** n for s in STAKES) / len(STAKES) for n in (1, 2, 3)]
    lost = [sum((1 - s) ** n for s in STAKES) / len(STAKES) for n in (1, 2, 3)]
    assert evidence([1, 1, 1]).tolist() == pytest.approx(won)
    assert evidence([-1, -1, -1]).tolist() == pytest.approx(lost)
    assert evidence([0, 0, 0]).tolist() == [1, 1, 1]
    assert anytime_p([1.0, 4.0, 0.5, math.inf]).tolist() == [1.0, 0.25, 0.25, 0.0]


@pytest.mark.parametrize("population", [None, 90, 150])
def test_bounds_are_those_of_the_definition_and_never_beyond(population: int | None) -> None:
    draw = np.random.default_rng(1)
    for n in (12, 40, 90):
        values = draw.choice(PAIRS, p=[0.3, 0.5, 0.2], size=n)
        found = confidence_sequence(values, population=population)
        scaled = (values + 1) / 2
        lower = 2 * _exact_lower(scaled, population) - 1
        upper = 1 - 2 * _exact_lower(1 - scaled, population)
        if population == n:  # all is seen: the mean itself
            assert found.lower[-1] == pytest.approx(values.mean(), abs=1e-9)
            assert found.upper[-1] == pytest.approx(values.mean(), abs=1e-9)
        else:
            assert lower - 0.012 <= found.lower[-1] <= lower + 1e-5
            assert upper - 1e-5 <= found.upper[-1] <= upper + 0.012


def test_a_pair_of_bounds_after_each_observation_that_only_closes_in() -> None:
    draw = np.random.default_rng(2)
    values = draw.random(200) ** 2
    lower, upper = confidence_sequence(values, low=0.0, high=1.0)
    assert lower.shape == upper.shape == (200,)
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) <= 0).all()
    assert (lower <= upper).all()
    assert lower[-1] < values.mean() < upper[-1]
    assert upper[-1] - lower[-1] < 0.17  # 1.5 times the fixed-size interval of .113


def test_turning_the_signs_turns_the_bounds() -> None:
    values = np.random.default_rng(3).choice(PAIRS, size=70)
    forth, back = confidence_sequence(values), confidence_sequence(-values)
    assert forth.lower.tolist() == pytest.approx((-back.upper).tolist())
    assert forth.upper.tolist() == pytest.approx((-back.lower).tolist())


def test_bounds_that_chance_makes_cross_stay_where_they_met() -> None:
    lower, upper = confidence_sequence([1.0] * 60 + [-1.0] * 600)
    assert (lower <= upper).all()
    assert lower[-1] == upper[-1] > 0


@pytest.mark.parametrize(
    ("outcomes", "shares"),
    [
        (PAIRS, (0.15, 0.7, 0.15)),
        (PAIRS, (0.02, 0.97, 0.01)),
        (PAIRS, (0.8, 0.0, 0.2)),
        ((-1.0, -0.5, 0.0, 0.25), (0.1, 0.2, 0.4, 0.3)),
    ],
)
def test_the_bounds_hold_at_every_look(
    outcomes: tuple[float, ...], shares: tuple[float, ...]
) -> None:
    draw, runs = np.random.default_rng(4), 300
    mean = float(np.dot(outcomes, shares))
    missed = 0
    for _ in range(runs):
        found = confidence_sequence(draw.choice(outcomes, p=shares, size=100))
        missed += bool((found.lower > mean + 1e-9).any() or (found.upper < mean - 1e-9).any())
    assert missed / runs <= _limit(runs)


def test_the_bounds_of_a_finite_set_hold_at_every_look() -> None:
    draw, runs = np.random.default_rng(5), 400
    whole = np.array([1.0] * 20 + [0.0] * 30 + [-1.0] * 14)
    missed = 0
    for _ in range(runs):
        found = confidence_sequence(draw.permutation(whole), population=len(whole))
        missed += bool(
            (found.lower > whole.mean() + 1e-9).any() or (found.upper < whole.mean() - 1e-9).any()
        )
    assert missed / runs <= _limit(runs)


def test_looking_after_every_task_alarms_falsely_at_most_as_often_as_it_says() -> None:
    draw, runs = np.random.default_rng(6), 2_000
    alarms = looked = 0
    for _ in range(runs):
        values = draw.choice(PAIRS, p=[0.2, 0.6, 0.2], size=150)
        alarms += anytime_p(evidence(values))[-1] <= ALPHA
        # What repeated looks at an ordinary test do, from the 10th task on:
        sums, squares = np.cumsum(values), np.cumsum(values**2)
        looked += bool((sums[10:] > 1.645 * np.sqrt(squares[10:])).any())
    assert alarms / runs <= _limit(runs)
    assert looked / runs > 0.2


def test_evidence_grows_where_the_challenger_is_better() -> None:
    draw, runs = np.random.default_rng(7), 200
    found = []
    for _ in range(runs):
        p = anytime_p(evidence(draw.choice(PAIRS, p=[0.3, 0.6, 0.1], size=200)))
        found.append(int((p > ALPHA).sum()))
    assert np.median(found) < 75  # a fixed-size test with 80 % power takes 62


def test_a_finite_set_is_decided_before_its_end() -> None:
    draw, whole = np.random.default_rng(8), np.array([-1.0] * 18 + [0.0] * 40 + [1.0] * 6)
    needed = [
        int((confidence_sequence(draw.permutation(whole), population=64).upper >= 0).sum())
        for _ in range(200)
    ]
    assert max(needed) < 64
    assert np.median(needed) < 48


def _drops(differences: NDArray[np.float64], population: int | None) -> bool:
    return bool((worse_than_some(differences, population=population) >= 1 / ALPHA).any())


def test_the_best_is_seldom_dropped_whatever_the_incumbents_share() -> None:
    draw, runs, tasks = np.random.default_rng(9), 1_000, 60
    dropped = 0
    for _ in range(runs):
        hardness = draw.random(tasks)  # tasks are hard for all alike
        scores = (draw.random((4, tasks)) < hardness).astype(float)
        dropped += _drops(scores[0] - scores[1:], None)
    assert dropped / runs <= _limit(runs)


def test_against_an_incumbent_that_was_chosen_on_the_same_tasks() -> None:
    # Ten lucky ones are chosen from on the very tasks of the race. Of challengers that would come
    # out at least as good on the whole set, at most alpha are dropped on the way.
    draw, runs, tasks = np.random.default_rng(10), 1_000, 48
    good = dropped = 0
    for _ in range(runs):
        scores = (draw.random((11, tasks)) < 0.5).astype(float)
        best = scores[1:][scores[1:].mean(1).argmax()]
        challenger = np.where(draw.random(tasks) < 0.4, best, scores[0])
        if challenger.mean() < best.mean():
            challenger = best[draw.permutation(tasks)]  # exactly as good on the whole set
        good += 1
        dropped += _drops((challenger - best)[None, draw.permutation(tasks)], tasks)
    assert dropped / good <= _limit(good)


def test_better_than_all_takes_the_hardest_incumbent() -> None:
    draw = np.random.default_rng(11)
    rows = np.stack([draw.choice(PAIRS, p=[0.5, 0.4, 0.1], size=80), draw.choice(PAIRS, size=80)])
    weakest = better_than_all(rows)
    assert weakest.tolist() == np.minimum(evidence(rows[0]), evidence(rows[1])).tolist()
    runs, alarms = 1_000, 0
    for _ in range(runs):  # it beats one incumbent by far and is equal to the other
        clear = draw.choice(PAIRS, p=[0.7, 0.3, 0.0], size=60)
        equal = draw.choice(PAIRS, p=[0.2, 0.6, 0.2], size=60)
        alarms += bool((better_than_all(np.stack([clear, equal])) >= 1 / ALPHA).any())
    assert alarms / runs <= _limit(runs)


def test_e_benjamini_hochberg_against_a_worked_example() -> None:
    # Of five claims at 5 %: the k-th largest must reach 5 / (.05 k) = 100, 50, 33.3, 25, 20.
    assert e_benjamini_hochberg([120, 30, 55, 1, 3]).tolist() == [True, False, True, False, False]
    assert e_benjamini_hochberg([60, 34, 60, 1, 3]).tolist() == [True, True, True, False, False]
    assert e_benjamini_hochberg([99, 1, 1, 1, 1]).tolist() == [False] * 5
    assert e_benjamini_hochberg([]).tolist() == []


def _stopped(wealth: NDArray[np.float64]) -> float:
    """The wealth where someone stops who looks at it all the time and hopes for 100."""
    enough = np.flatnonzero(wealth >= 100)
    return float(wealth[enough[0] if len(enough) else -1])


def test_the_share_of_false_discoveries_is_held_under_dependence() -> None:
    draw, runs, tasks = np.random.default_rng(12), 400, 100
    shares = []
    for _ in range(runs):
        base = (draw.random(tasks) < 0.5).astype(float)  # all are compared with one base
        chance = np.where(np.arange(10) < 5, 0.5, 0.75)  # five as good, five better
        rows = (draw.random((10, tasks)) < chance[:, None]).astype(float) - base
        fallen = e_benjamini_hochberg([_stopped(evidence(row)) for row in rows], alpha=0.1)
        shares.append(fallen[:5].sum() / max(1, fallen.sum()))
    assert np.mean(shares) <= 0.1 + 3 * np.std(shares) / math.sqrt(runs)


def test_five_hundred_tasks_take_some_milliseconds_of_processor_time() -> None:
    values = np.random.default_rng(13).choice(PAIRS, size=500)
    taken = []
    for _ in range(5):
        started = time.process_time()
        confidence_sequence(values, population=600)
        taken.append(time.process_time() - started)
    assert min(taken) < 0.02


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        confidence_sequence([1.5])
    with pytest.raises(ValueError, match="outside"):
        confidence_sequence([-0.5], low=0.0)
    with pytest.raises(ValueError, match="alpha"):
        confidence_sequence([0.5], alpha=0.0)
    with pytest.raises(ValueError, match="null"):
        evidence([0.5], null=1.0)
    with pytest.raises(ValueError, match="population"):
        evidence([0.5, 0.5], population=1)
    with pytest.raises(ValueError, match="expected"):
        worse_than_some(np.zeros(3))
    with pytest.raises(ValueError, match="at least 0"):
        e_benjamini_hochberg([-1.0])
    with pytest.raises(ValueError, match="score"):
        confidence_sequence([])
