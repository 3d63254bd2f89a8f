"""Several meta models: who improves most per dollar proposes most, and the rows alone decide."""

from __future__ import annotations

import random
from collections import Counter

from metasearch.search.bandit import arms, choose
from metasearch.search.member import Member
from metasearch.types import Design, Evaluation, Outcome, Split, Usage

NAMES = ("meta-agent:dear", "meta-agent:cheap")


def member(
    number: int, proposer: str, solved: int, *, parents: tuple[int, ...] = (), dollars: float = 0.0
) -> Member:
    design = Design(f"d{number}")
    made = Member(number, number, design, "evaluated", proposer, parents=parents, dollars=dollars)
    made.spent = Usage(1000, 0, 100)
    for task in range(20):
        score = float(task < solved)
        made.add(Evaluation(design.id, f"t{task:02}", Split.VALIDATION, 0, Outcome.ANSWERED, score))
    return made


def history(wins: dict[str, float], cost: dict[str, float], count: int) -> list[Member]:
    """A seed and `count` children of it by each, of which a share improves."""
    members = [member(0, "seed", 10)]
    for name in NAMES:
        for place in range(count):
            solved = 14 if place < wins[name] * count else 8
            number = len(members)
            members.append(member(number, name, solved, parents=(0,), dollars=cost[name]))
    return members


def shares(members: list[Member], draws: int = 400) -> Counter[str]:
    return Counter(choose(members, NAMES, random.Random(seed)) for seed in range(draws))


def test_everybody_is_tried_first() -> None:
    assert set(shares([member(0, "seed", 10)])) == set(NAMES)
    once = [member(0, "seed", 10), member(1, NAMES[0], 20, parents=(0,))]
    assert set(shares(once)) == {NAMES[1]}


def test_at_equal_price_the_better_one_proposes_most_and_the_other_now_and_then() -> None:
    found = shares(history({NAMES[0]: 0.6, NAMES[1]: 0.2}, dict.fromkeys(NAMES, 0.01), 10))
    assert found[NAMES[0]] > 0.8 * 400
    assert found[NAMES[1]] > 0


def test_a_price_ten_times_as_high_has_to_be_worth_it() -> None:
    cost = {NAMES[0]: 0.10, NAMES[1]: 0.01}
    found = shares(history({NAMES[0]: 0.6, NAMES[1]: 0.3}, cost, 20))
    assert found[NAMES[1]] > 0.95 * 400


def test_proposals_that_came_to_nothing_cost_and_win_nothing() -> None:
    members = history({NAMES[0]: 0.5, NAMES[1]: 0.5}, dict.fromkeys(NAMES, 0.01), 4)
    broken = Member(99, 99, None, "failed", NAMES[0], dollars=0.5)
    racing = Member(100, 100, Design("x"), "pending", NAMES[0], dollars=9.0)
    known = arms([*members, broken, racing], NAMES)
    assert (known[NAMES[0]].pulls, known[NAMES[0]].wins) == (5, 2)
    assert known[NAMES[0]].cost == 0.54
    assert known[NAMES[0]].gain == 0.4


def test_models_without_a_price_are_weighed_by_tokens_and_drafts_by_the_best_seed() -> None:
    members = [member(0, "seed", 10), member(1, "seed", 12), member(2, NAMES[0], 13)]
    known = arms(members, NAMES)
    assert (known[NAMES[0]].wins, known[NAMES[0]].cost) == (1, 1100)
    assert round(known[NAMES[0]].gain, 9) == 0.05
