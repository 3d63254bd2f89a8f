from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from metasearch.search.member import Member
from metasearch.search.selector import Clades
from metasearch.search.steer import Course
from metasearch.search.trial import Trial, since_best, twin
from metasearch.types import Design, Evaluation, Outcome, Split


@pytest.mark.parametrize("seed", range(20))
def test_even_a_short_search_keeps_to_the_shares_of_its_proposers(seed: int) -> None:
    nobody: Any = None
    proposers = {"meta-agent": (nobody, 0.2), "recombine": (nobody, 0.8)}
    trial = Trial(nobody, proposers, Clades(), 2, 3, seed=seed, smoke=0, repairs=0)
    turns = Counter(trial.turn(number) for number in range(9, 23))
    assert 2 <= turns["meta-agent"] <= 4
    assert turns["recombine"] == 14 - turns["meta-agent"]


def raced(number: int, solved: int, proposer: str = "recombine") -> Member:
    made = Member(number, number, Design(f"d{number}"), "evaluated", proposer)
    for task in range(10):
        score = float(task < solved)
        made.add(Evaluation("d", f"t{task}", Split.VALIDATION, 0, Outcome.ANSWERED, score))
    return made


@pytest.mark.parametrize(
    ("after", "restarts", "odd_is_from_seeds"),
    [(19, True, False), (20, True, True), (40, False, False)],
)
async def test_who_is_stuck_begins_every_other_design_from_seeds_again(
    after: int, restarts: bool, odd_is_from_seeds: bool
) -> None:
    domain = SimpleNamespace(name="d", description="")
    stage: Any = SimpleNamespace(
        tasks={Split.TRAIN: []},
        meet=AsyncMock(),
        recall=lambda _: None,
        evaluator=SimpleNamespace(domain=domain),
    )
    trial = Trial(stage, {}, Clades(), 2, 3, seed=1, smoke=0, repairs=0, restarts=restarts)
    view = [*(raced(number, 2, "seed") for number in range(3)), raced(3, 9)]
    view += [raced(4 + place, 5) for place in range(after)]
    assert since_best(view) == after
    for number in range(100, 108):
        brief = await trial._brief(number, view, Course())
        from_seeds = all(one.number < 3 for one in brief.parents)
        assert from_seeds is bool(odd_is_from_seeds and number % 2)
        assert len(brief.library) == len(view), "what was found is not forgotten"
    view.append(raced(len(view), 10))
    assert since_best(view) == 0


def test_a_twin_is_the_same_program_under_other_names_and_comments() -> None:
    one = '"""One."""\nasync def solve(task):\n    answer = 1\n    return answer\n'
    two = '"""Two."""\nasync def solve(task):\n    result = 1  # the same\n    return result\n'
    other = '"""Two."""\nasync def solve(task):\n    return 2\n'
    known = [Member(3, 30, Design(one), "evaluated", "seed")]
    found = twin(Design(two), known)
    assert found is not None
    assert found.number == 3
    assert twin(Design(other), known) is None
