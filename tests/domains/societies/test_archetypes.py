import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.domains.societies.archetypes import (
    Archetypes,
    check,
    standard_error,
    total_variation,
)

CHANCE = {"young": 0.9, "old": 0.2}  # of saying yes


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40))
def test_equal_keys_are_one_archetype_of_its_first_seat(keys):
    groups = Archetypes.by(keys)
    assert len(groups) == len(set(keys))
    for seat, key in enumerate(keys):
        asked = groups.representatives[groups.of[seat]]
        assert keys[asked] == key
        assert keys.index(key) == asked
        assert groups.counts[groups.of[seat]] == keys.count(key)
    as_array = Archetypes.by(np.array(keys))
    assert (as_array.of == groups.of).all()
    assert (as_array.representatives == groups.representatives).all()
    assert (as_array.counts == groups.counts).all()


def test_calls_depend_on_the_number_of_keys_and_not_of_seats():
    for seats in (30, 3_000, 300_000):
        groups = Archetypes.by(np.arange(seats) % 30)
        assert groups.calls(3) == 90
    assert groups.saved(3) == pytest.approx(0.9997)
    assert Archetypes.by(list(range(10))).saved(1) == 0


def test_a_population_of_answers_that_depend_on_the_key_alone_is_the_same_one_by_one():
    keys = np.array([7, 9, 7, 7, 3])
    groups = Archetypes.by(keys)
    answers = np.array([[keys[seat] * 2.0] * 3 for seat in groups.representatives])
    spread = groups.spread(answers, np.random.default_rng(0))
    assert spread.tolist() == (keys * 2.0).tolist()


@pytest.mark.parametrize(("answers", "error"), [(1, 0.5), (3, 0.289), (10, 0.158)])
def test_the_mean_is_unbiased_and_its_error_that_of_so_many_answers(answers, error):
    rng = np.random.default_rng(answers)
    groups = Archetypes.by(np.zeros(200, dtype=int))
    means = []
    for _ in range(1_500):
        said = rng.random((1, answers)) < 0.5
        means.append(said.mean())
        seats = groups.spread(said, rng).mean()
        assert abs(seats - said.mean()) < 0.2  # 200 draws of the same share
    assert standard_error(0.5, answers) == pytest.approx(error, abs=5e-4)
    assert np.mean(means) == pytest.approx(0.5, abs=4 * error / 1_500**0.5)
    assert np.std(means) == pytest.approx(error, rel=0.08)


def test_a_key_that_keeps_what_matters_is_accepted_and_one_that_drops_it_is_not():
    rng = np.random.default_rng(1)
    ages = np.array(["young", "old"])[rng.integers(2, size=100_000)]

    def ask(seat):
        return bool(rng.random() < CHANCE[ages[seat]])

    def run(keys, detail=None):
        groups = Archetypes.by(keys)
        said = np.array([[ask(seat) for _ in range(200)] for seat in groups.representatives])
        spread = groups.spread(said, rng)
        return check(spread, ask, rng, detail=detail)

    fine, coarse = run(ages), run(np.zeros(len(ages), dtype=int))
    assert fine.asked == coarse.asked == 2_000
    assert fine.variation <= 0.05
    assert fine.accepted
    assert coarse.variation > 0.2
    assert not coarse.accepted
    # A key that mixes the two right on average is only found out by looking at each age.
    averaged = rng.random(len(ages)) < np.mean(list(CHANCE.values()))
    assert check(averaged, ask, rng).accepted
    assert not check(averaged, ask, rng, detail=lambda seat: ages[seat]).accepted


def test_total_variation_is_a_distance_of_shares():
    assert total_variation("aabb", "ab") == 0
    assert total_variation("aaaa", "b") == 1
    assert total_variation([1, 1, 2, 2], [1, 2, 2, 2]) == 0.25
    with pytest.raises(ValueError, match="two samples"):
        total_variation([], [1])


def test_answers_of_another_population_are_refused():
    groups = Archetypes.by(["a", "b"])
    for shape in [(3, 2), (2,), (2, 0)]:
        with pytest.raises(ValueError, match="answers must be"):
            groups.spread(np.zeros(shape), np.random.default_rng(0))
