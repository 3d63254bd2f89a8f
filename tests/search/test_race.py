from __future__ import annotations

import random

from metasearch.search.race import hopeless

ORDER = [f"t{number}" for number in range(40)]


def scores(*values: float) -> dict[str, float]:
    return dict(zip(ORDER, values, strict=False))


def stops(own: dict[str, float], *best: dict[str, float], alpha: float = 0.1) -> bool:
    return hopeless(own, best, order=ORDER, alpha=alpha)


def test_ten_losses_stop_a_design_and_ten_ties_do_not() -> None:
    best = scores(*[1.0] * 40)
    assert stops(scores(*[0.0] * 10), best)
    assert not stops(scores(*[1.0] * 10), best)


def test_who_is_behind_one_of_the_leaders_stops_but_needs_more_evidence() -> None:
    best, worst = scores(*[1.0] * 20, *[0.0] * 20), scores(*[0.0] * 40)
    assert stops(scores(*[0.0] * 10), best, worst, worst)
    assert stops(scores(*[0.0] * 6), best)
    assert not stops(scores(*[0.0] * 6), best, worst, worst)


def test_a_leader_that_left_counts_with_what_it_had_shown_until_then() -> None:
    assert not stops(scores(0, 0, 0, 0), {"other": 1.0})
    assert not stops({}, scores(1, 1))
    assert not stops(scores(*[0.0] * 10))
    assert stops(scores(*[0.0] * 10), scores(*[1.0] * 9))
    assert not stops(scores(*[0.0] * 10), scores(*[1.0] * 3))
    # It had shown too little, and waters down what the others show.
    both = scores(*[1.0] * 20, *[0.0] * 20), scores(*[1.0] * 2)
    assert stops(scores(*[0.0] * 5), both[0])
    assert not stops(scores(*[0.0] * 5), *both)
    # What it would have scored later is not made up: it cannot be out of reach.
    assert not stops(scores(*[0.0] * 39), scores(*[0.0] * 38), alpha=0.0)


def test_one_loss_among_few_tasks_is_not_enough() -> None:
    assert not stops(scores(0, 1, 1), scores(1, 1, 1))


def test_who_cannot_catch_up_stops_whatever_chance_is_allowed() -> None:
    best = scores(*[1.0] * 21, *[0.0] * 9, *[1.0] * 10)
    own = scores(*[1.0] * 21, *[0.0] * 9)  # all that is left would make it even
    assert not stops(own, best, alpha=0.0)
    assert stops({**own, "t0": 0.0}, best, alpha=0.0)
    assert stops(scores(*[0.0] * 31), scores(*[1.0] * 10, *[0.0] * 30), alpha=0.0)


def test_a_design_as_good_as_the_leaders_is_rarely_stopped_however_often_one_looks() -> None:
    rng = random.Random(7)
    stopped, runs = 0, 400
    for _ in range(runs):
        # Five answers to the same tasks, as good as each other on all of them together.
        solved = [1.0] * 20 + [0.0] * 20
        field = [dict(zip(ORDER, rng.sample(solved, 40), strict=True)) for _ in range(4)]
        own, *leaders = field
        stopped += any(
            stops({task: own[task] for task in ORDER[:met]}, *leaders) for met in (5, 10, 20, 30)
        )
    # At most 10 %; three standard errors of 400 draws are 4.5 points.
    assert stopped / runs < 0.145


def test_among_equals_that_race_each_other_one_is_rarely_stopped_though_others_leave() -> None:
    rng = random.Random(11)
    stopped, runs = 0, 120
    for _ in range(runs):
        solved = [1.0] * 20 + [0.0] * 20
        field = [dict(zip(ORDER, rng.sample(solved, 40), strict=True)) for _ in range(4)]
        met = [0] * 4  # tasks that each has met
        racing = [0, 1, 2, 3]
        for look in (5, 10, 20, 30):
            for one in racing:
                met[one] = look
            known = [scores(*list(field[one].values())[: met[one]]) for one in range(4)]
            racing = [
                one for one in racing if not stops(known[one], *known[:one], *known[one + 1 :])
            ]
        stopped += 0 not in racing
    # At most 10 %, and three standard errors of 120 draws.
    assert stopped / runs < 0.182
