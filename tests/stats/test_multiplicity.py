from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from metasearch.stats import corrected, holm, max_t, mcnemar

ALPHA = 0.05


def _limit(runs: int) -> float:
    return ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)


def _alone(row: NDArray[np.float64]) -> float:
    return mcnemar(int((row > 0).sum()), int((row < 0).sum()))


def test_holm_against_a_worked_example() -> None:
    # Holm 1979's procedure on four p-values, by hand.
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).tolist() == []
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]


def test_one_design_alone_gets_the_exact_test() -> None:
    row = np.array([1.0] * 10 + [-1.0] * 2 + [0.0] * 20)
    found = max_t(row[None], flips=10_000)
    assert found[0] == pytest.approx(mcnemar(10, 2), abs=0.004)  # .03857


def test_two_independent_designs_pay_what_sidak_says() -> None:
    # Differences on disjoint tasks: 1 - (1 - p)^2 for two equal p, .0756 for p = .03857.
    row = [1.0] * 10 + [-1.0] * 2
    rows = np.array([row + [0.0] * 12, [0.0] * 12 + row])
    found = max_t(rows, flips=10_000)
    assert found.tolist() == pytest.approx([1 - (1 - mcnemar(10, 2)) ** 2] * 2, abs=0.006)


def test_twins_pay_nothing_and_the_step_down_is_monotone() -> None:
    draw = np.random.default_rng(41)
    row = draw.choice([1.0, 0.0, -1.0], p=[0.3, 0.6, 0.1], size=60)
    alone, twins = max_t(row[None]), max_t(np.stack([row] * 30))
    assert twins.tolist() == [alone[0]] * 30
    rows = draw.choice([1.0, 0.0, -1.0], p=[0.25, 0.6, 0.15], size=(12, 60))
    found = max_t(rows)
    order = np.argsort(-np.abs(rows.sum(1)) / np.sqrt((rows**2).sum(1)))
    assert (np.diff(found[order]) >= 0).all()
    assert (found <= np.minimum(1, [12 * _alone(one) + 0.03 for one in rows])).all()


def test_a_design_equal_to_its_base_has_p_one() -> None:
    rows = np.array([[0.0] * 30, [1.0] * 12 + [0.0] * 18])
    assert max_t(rows)[0] == 1
    assert max_t(rows)[1] < 0.002


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_nothing_is_claimed_of_equal_designs_that_share_base_and_tasks(rate: float) -> None:
    draw, runs, designs, tasks = np.random.default_rng(42), 400, 20, 50
    wrong = 0
    for run in range(runs):
        hard = np.clip(rate + draw.normal(0, 0.15, tasks), 0.02, 0.98)
        scores = (draw.random((designs + 1, tasks)) < hard).astype(float)
        wrong += max_t(scores[1:] - scores[0], flips=199, seed=run).min() <= ALPHA
    assert wrong / runs <= _limit(runs)


def test_designs_that_are_better_do_not_make_the_others_look_better() -> None:
    draw, runs, tasks = np.random.default_rng(43), 400, 60
    wrong = found = 0
    for run in range(runs):
        base = (draw.random(tasks) < 0.5).astype(float)
        chance = np.array([0.85] * 5 + [0.5] * 10)
        rows = (draw.random((15, tasks)) < chance[:, None]).astype(float) - base
        p = max_t(rows, flips=199, seed=run)
        wrong += p[5:].min() <= ALPHA
        found += p[:5].min() <= ALPHA
    assert wrong / runs <= _limit(runs)
    assert found / runs > 0.95


def test_it_sees_more_than_holm_where_designs_are_alike() -> None:
    draw, runs, tasks = np.random.default_rng(44), 150, 80
    together = one_by_one = 0
    for run in range(runs):
        base = (draw.random(tasks) < 0.5).astype(float)
        parent = (draw.random(tasks) < 0.69).astype(float)
        changed = draw.random((30, tasks)) < 0.1  # thirty children that differ on few tasks
        children = np.where(changed, draw.random((30, tasks)) < 0.69, parent).astype(float)
        rows = children - base
        together += max_t(rows, flips=199, seed=run).min() <= ALPHA
        one_by_one += holm([_alone(row) for row in rows]).min() <= ALPHA
    assert together > 1.3 * one_by_one


def test_a_stopped_design_costs_what_bonferroni_says() -> None:
    row = np.array([1.0] * 12 + [-1.0] * 2 + [0.0] * 20)
    alone = mcnemar(12, 2)
    base = corrected(row[None], stopped=0)[0]
    assert corrected(row[None], stopped=7)[0] == pytest.approx(base + 7 * alone)
    assert corrected(row[None], stopped=10_000)[0] == 1


def test_a_race_that_stops_the_unlucky_does_not_make_the_rest_look_better() -> None:
    draw, runs, designs, tasks = np.random.default_rng(45), 400, 15, 48
    wrong = 0
    for run in range(runs):
        scores = (draw.random((designs + 1, tasks)) < 0.5).astype(float)
        rows = scores[1:] - scores[0]
        kept = rows[rows[:, :16].sum(axis=1) > 0]  # those ahead after a third
        if len(kept):
            p = corrected(kept, stopped=designs - len(kept), flips=199, seed=run)
            wrong += p.min() <= ALPHA
    assert wrong / runs <= _limit(runs)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="p-values"):
        holm([2.0])
    with pytest.raises(ValueError, match="expected"):
        max_t(np.zeros(4))
    with pytest.raises(ValueError, match="outside"):
        max_t(np.full((1, 4), 2.0))
    with pytest.raises(ValueError, match="outside"):
        max_t(np.full((1, 4), math.nan))
    with pytest.raises(ValueError, match="no count"):
        corrected(np.zeros((1, 4)), stopped=-1)
