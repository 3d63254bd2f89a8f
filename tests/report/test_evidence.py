from __future__ import annotations

import pytest

from metasearch.archive.records import Sample
from metasearch.report.evidence import by_task, corrected, paired
from metasearch.report.verdict import verdict
from metasearch.report.words import p_value, signed

HALF = {f"t{i:02d}": float(i % 2 == 0) for i in range(40)}
MORE = {f"t{i:02d}": float(i % 2 == 0 or i % 4 == 1) for i in range(40)}
SLIGHTLY = {**HALF, "t01": 1.0, "t03": 1.0, "t05": 1.0, "t07": 1.0, "t09": 1.0, "t11": 1.0}
# Nine designs that differ from HALF on six tasks each, three better and three worse.
TRIES = [
    {
        task: 1 - score if (i - 4 * k) % 40 < 6 else score
        for i, (task, score) in enumerate(HALF.items())
    }
    for k in range(9)
]


def test_only_common_tasks_count() -> None:
    pair = paired({"a": 1.0, "b": 1.0, "c": 0.0}, {"c": 0.0, "b": 0.0, "d": 1.0})
    assert pair is not None
    assert (pair.tasks, pair.won, pair.lost) == (2, ("b",), ())
    assert paired({"a": 1.0}, {"b": 1.0}) is None


def test_repeats_of_a_task_are_one_piece_of_evidence() -> None:
    samples = {Sample("a", 0): 1.0, Sample("a", 1): 0.0, Sample("b", 0): 1.0}
    assert by_task(samples) == {"a": 0.5, "b": 1.0}


def test_the_best_of_many_is_corrected_for_the_many() -> None:
    lucky = paired(SLIGHTLY, HALF)
    assert lucky is not None
    assert lucky.p == pytest.approx(2 / 2**6)
    assert verdict(lucky) == "more than luck"
    p = corrected(SLIGHTLY, TRIES, HALF)
    assert lucky.p * 3 < p < lucky.p * 10  # they overlap: less than so many independent tries
    assert verdict(lucky, p) == "cannot tell: as the best of so many tried it may be luck"


def test_twins_of_the_winner_and_of_the_base_are_no_further_tries() -> None:
    assert corrected(SLIGHTLY, [SLIGHTLY] * 9 + [HALF] * 9, HALF) == pytest.approx(
        2 / 2**6, abs=0.008
    )


def test_each_design_that_a_race_stopped_costs_its_full_share() -> None:
    stopped = [{task: one[task] for task in list(HALF)[:10]} for one in TRIES]
    alone = corrected(SLIGHTLY, [], HALF)
    assert corrected(SLIGHTLY, stopped, HALF) == pytest.approx(alone + 9 * 2 / 2**6)
    assert corrected(SLIGHTLY, stopped * 9, HALF) == 1.0
    assert corrected({}, stopped, HALF) == 1.0


def test_worse_is_called_worse() -> None:
    pair = paired(HALF, MORE)
    assert pair is not None
    assert verdict(pair) == "worse, and more than bad luck"


def test_too_few_tasks_says_how_many_would_do() -> None:
    five = {key: HALF[key] for key in list(HALF)[:8]}
    pair = paired({**five, "t01": 1.0, "t03": 1.0}, five)
    assert pair is not None
    assert verdict(pair).startswith("cannot tell: 2 of 8 tasks differ; to see a difference")
    same = paired(five, five)
    assert same is not None
    assert "no difference was seen" in verdict(same)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.131, "+.13"),
        (-0.02, "-.02"),
        (0.0, ".00"),
        (-0.001, ".00"),
        (1.0, "+1.00"),
        (-1, "-1.00"),
    ],
)
def test_differences_carry_their_sign(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0386, "p = .039"), (1.0, "p = 1.000"), (1e-9, "p < .001")]
)
def test_p_values_do_not_claim_to_be_zero(value: float, text: str) -> None:
    assert p_value(value) == text
