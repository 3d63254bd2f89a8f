from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.stats import (
    detectable_difference,
    detectable_shift,
    mcnemar,
    probability_better,
    student_t,
    tasks_needed,
    wins_and_losses,
)


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (10, 2, 0.03857421875),  # 2 * (1 + 12 + 66) / 4096
        (2, 10, 0.03857421875),
        (0, 0, 1.0),
        (5, 5, 1.0),
        (6, 0, 0.03125),
        (9, 1, 0.021484375),  # 2 * (1 + 10) / 1024
        (27, 13, 0.03847730828420026),  # scipy 1.17.1: stats.binomtest(27, 40).pvalue
        (300, 360, 0.02157234823197109),  # the same
    ],
)
def test_mcnemar_against_known_values(wins: int, losses: int, p: float) -> None:
    assert mcnemar(wins, losses) == pytest.approx(p, rel=1e-5)


def test_mcnemar_of_many_tasks_neither_overflows_nor_vanishes() -> None:
    assert 0 < mcnemar(400, 600) < 1e-9


def test_mcnemar_alarms_falsely_at_most_as_often_as_it_says() -> None:
    draw = np.random.default_rng(3)
    wins = draw.binomial(40, 0.5, size=2_000)
    false_alarms = sum(mcnemar(int(win), 40 - int(win)) < 0.05 for win in wins)
    assert false_alarms / 2_000 < 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 2_000)


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
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1))
def test_swapping_two_designs_swaps_wins_and_losses(pairs: list[tuple[float, bool]]) -> None:
    a, b = [x for x, _ in pairs], [float(y) for _, y in pairs]
    forth, back = wins_and_losses(a, b), wins_and_losses(b, a)
    assert (forth.wins, forth.losses, forth.ties) == (back.losses, back.wins, back.ties)
    assert sum(forth) == len(pairs)
    assert mcnemar(forth.wins, forth.losses) == mcnemar(back.wins, back.losses)


@pytest.mark.parametrize(("tasks", "discordance"), [(64, 0.3), (128, 0.3), (128, 0.1), (300, 0.25)])
def test_the_detectable_difference_is_a_little_above_the_usual_formula(
    tasks: int, discordance: float
) -> None:
    # Connor 1987, n = (z1 sqrt(psi) + z2 sqrt(psi - d^2))^2 / d^2, solved for d.
    z1, z2 = 1.959964, 0.841621
    root = math.sqrt(tasks) * z1 + z2 * math.sqrt(tasks + z2 * z2 - z1 * z1)
    formula = math.sqrt(discordance) * root / (tasks + z2 * z2)
    found = detectable_difference(tasks, discordance)
    assert found is not None
    assert formula < found < formula * 1.2


def test_the_detectable_difference_of_six_tasks_that_all_differ_is_worked_by_hand() -> None:
    # Only six wins of six are significant (p = .03125; five of six .21875), so with a win in share
    # w the power is w^6 + (1 - w)^6, which is .8 at w = .96349: a difference of .92698.
    found = detectable_difference(6, 1.0)
    assert found is not None
    win = (1 + found) / 2
    assert win**6 + (1 - win) ** 6 == pytest.approx(0.8, abs=1e-5)
    assert found == pytest.approx(0.92698, abs=1e-4)
    assert detectable_difference(5, 1.0) is None
    assert detectable_difference(16, 0.3) is None


def test_the_detectable_difference_is_seen_as_often_as_promised() -> None:
    draw, runs = np.random.default_rng(31), 2_000
    gap = detectable_difference(64, 0.3)
    assert gap is not None
    shares = [(0.3 + gap) / 2, (0.3 - gap) / 2, 0.7]
    counts = draw.multinomial(64, shares, size=runs)
    seen = sum(mcnemar(int(wins), int(losses)) < 0.05 for wins, losses, _ in counts)
    assert abs(seen / runs - 0.8) < 3 * math.sqrt(0.8 * 0.2 / runs)


@pytest.mark.parametrize("tasks", [5, 12, 100])
def test_the_detectable_shift_is_seen_as_often_as_promised(tasks: int) -> None:
    draw, runs = np.random.default_rng(13), 20_000
    gaps = draw.normal(detectable_shift(tasks, 0.1), 0.1, size=(runs, tasks))
    t = gaps.mean(axis=1) / (gaps.std(axis=1, ddof=1) / math.sqrt(tasks))
    seen = float(np.mean(np.abs(t) > student_t(0.975, tasks - 1)))
    assert 0.78 < seen < 0.81  # a little less where tasks are few


def test_no_shift_can_be_seen_on_one_task() -> None:
    with pytest.raises(ValueError, match="1 tasks"):
        detectable_shift(1, 0.1)


@pytest.mark.parametrize(
    ("wins", "losses", "probability"),
    [
        # scipy 1.17.1: stats.beta.sf(.5, wins + 1, losses + 1)
        (0, 0, 0.5),
        (5, 0, 0.984375),
        (10, 2, 0.9887695312),
        (20, 13, 0.8852594935),
        (300, 260, 0.9544157958),
    ],
)
def test_probability_better_is_that_of_the_beta(wins: int, losses: int, probability: float) -> None:
    a = [1.0] * wins + [0.0] * losses + [1.0] * 7
    b = [0.0] * wins + [1.0] * losses + [1.0] * 7
    assert probability_better(a, b) == pytest.approx(probability, abs=1e-9)
    assert probability_better(b, a) == pytest.approx(1 - probability, abs=1e-9)


def test_the_bayesian_bootstrap_of_almost_right_and_wrong_is_the_same() -> None:
    a = [1.0] * 19 + [0.999] + [0.0] * 13
    b = [0.0] * 20 + [1.0] * 13
    assert probability_better(a, b) == pytest.approx(0.8852594935, abs=0.01)


@pytest.mark.parametrize("graded", [False, True])
def test_of_those_that_are_better_with_80_percent_so_many_are(graded: bool) -> None:
    draw, tasks = np.random.default_rng(32), 40
    said, came = [], []
    for _ in range(600):
        win = draw.random()  # every division of the tasks that differ is as likely
        gaps = draw.choice([1.0, -1.0, 0.0], p=[0.3 * win, 0.3 * (1 - win), 0.7], size=tasks)
        if graded:
            gaps = gaps * draw.choice([0.4, 0.6], size=tasks)
        a, b = np.maximum(gaps, 0), np.maximum(-gaps, 0)
        said.append(probability_better(a, b, draws=300))
        came.append(win > 0.5)
    values, outcomes = np.array(said), np.array(came)
    for low, high in ((0.05, 0.35), (0.35, 0.65), (0.65, 0.95)):
        here = (values >= low) & (values < high)
        error = math.sqrt(0.25 / here.sum())
        assert abs(outcomes[here].mean() - values[here].mean()) < 3 * error


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="no counts"):
        mcnemar(-1, 0)
    with pytest.raises(ValueError, match="can show no difference"):
        detectable_difference(0, 0.3)
    with pytest.raises(ValueError, match="can show no difference"):
        detectable_difference(10, 0.0)
    with pytest.raises(ValueError, match="same tasks"):
        probability_better([1.0], [1.0, 0.0])
