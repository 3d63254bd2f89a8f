from __future__ import annotations

import random
from collections import Counter

from metasearch.search.selector import Candidate, Clades, front


def one(number: int, *solved: int, tasks: int = 6, parents: tuple[int, ...] = ()) -> Candidate:
    scores = {f"t{task}": float(task in solved) for task in range(tasks)}
    return Candidate(number, parents, scores)


def test_a_covered_design_leaves_the_front_and_a_specialist_stays() -> None:
    strong, weak, specialist = one(0, 0, 1, 2), one(1, 0, 1), one(2, 5)
    assert front([strong, weak, specialist]) == {0, 2}


def test_of_equal_designs_the_first_stays() -> None:
    assert front([one(3, 0, 1), one(4, 0, 1)]) == {3}


def test_a_design_stopped_early_is_covered_only_on_what_it_met() -> None:
    full, early = one(0, 0, 1, 2), one(1, 0, tasks=2)
    assert front([full, early]) == {0}
    assert front([one(0, 1, 2), early]) == {0, 1}  # solves a task that the other does not


def test_good_descendants_make_a_design_likelier_to_be_chosen() -> None:
    fertile, barren = one(0, 0), one(1, 1)
    children = [one(number, 0, 2, 3, 4, parents=(0,), tasks=5) for number in (2, 3)]
    poor = [one(number, tasks=5, parents=(1,)) for number in (4, 5)]
    rng = random.Random(1)
    first = Counter(
        next(
            number
            for number in Clades().choose([fertile, barren, *children, *poor], 9, rng)
            if number in (0, 1)
        )
        for _ in range(300)
    )
    assert first[0] > 2 * first[1]


def test_a_choice_is_distinct_repeatable_and_bounded() -> None:
    candidates = [one(number, number) for number in range(6)]
    first = Clades().choose(candidates, 3, random.Random(5))
    assert first == Clades().choose(candidates, 3, random.Random(5))
    assert len(set(first)) == 3
    assert Clades().choose([], 2, random.Random(0)) == []
