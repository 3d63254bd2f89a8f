from __future__ import annotations

import random
from collections import Counter

from metasearch.search.selector import PLATEAU, Candidate, Clades, Survivors, front


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
    fertile, barren = one(0, 0, 1, 2), one(1, 3, 4, 5)
    children = [one(number, 0, 1, 2, parents=(0,)) for number in (2, 3)]
    poor = [one(number, parents=(1,)) for number in (4, 5)]
    family, rng = [fertile, barren, *children, *poor], random.Random(1)
    first = Counter(Clades().choose(family, 1, rng)[0] for _ in range(300))
    assert first[0] > 2 * first[1]
    assert first[0] + first[1] == 300  # the others are covered: they solve nothing more


def test_the_second_parent_solves_what_the_first_one_fails() -> None:
    strong, alike, other = one(0, 0, 1, 2, 3), one(1, 0, 1, 4), one(2, 4, 5)
    found = [Clades().choose([strong, alike, other], 2, random.Random(seed)) for seed in range(20)]
    assert {second for first, second in found if first == 0} == {2}


def test_a_plateau_makes_the_search_look_around() -> None:
    def share_of_the_favourite(barren: int) -> float:
        """Return how often one design is the main parent, after children that gain nothing."""
        luck = random.Random(7)
        family = [one(number, *luck.sample(range(40), 26 - number), tasks=40) for number in (0, 1)]
        late = [
            one(2 + place, *luck.sample(range(40), 22), tasks=40, parents=(place % 2,))
            for place in range(barren)
        ]
        clades, known = Clades(), [*family, *late]
        drawn = [clades.choose(known, 1, random.Random(s))[0] for s in range(100)]
        return Counter(drawn).most_common(1)[0][1] / 100

    assert share_of_the_favourite(PLATEAU + 2) < 0.8 * share_of_the_favourite(PLATEAU - 2)


def test_a_choice_is_distinct_repeatable_and_bounded() -> None:
    candidates = [one(number, number) for number in range(6)]
    first = Clades().choose(candidates, 3, random.Random(5))
    assert first == Clades().choose(candidates, 3, random.Random(5))
    assert len(set(first)) == 3
    assert Clades().choose([], 2, random.Random(0)) == []


def test_the_better_half_of_a_generation_survives() -> None:
    def survivors(generation: list[Candidate], seed: int) -> list[int]:
        return Survivors().choose(generation, 6, random.Random(seed))

    generation = [one(number, *range(number), tasks=12) for number in range(12)]
    assert sorted(survivors(generation, 0)) == [6, 7, 8, 9, 10, 11]
    assert len({tuple(survivors(generation, seed)) for seed in range(9)}) > 1, "nobody is first"
    lucky = one(12, 0, 1, tasks=2)  # was stopped after two tasks
    assert 12 not in survivors([*generation, lucky], 0)
    child = one(13, *range(12), tasks=12)
    assert sorted(survivors([*generation, child], 0)) == [7, 8, 9, 10, 11, 13]
    assert survivors(generation[:1], 0) == [0]
    assert survivors([], 0) == []
