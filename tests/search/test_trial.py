from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from metasearch.search.member import Member
from metasearch.search.selector import Clades
from metasearch.search.trial import Trial, twin
from metasearch.types import Design


@pytest.mark.parametrize("seed", range(20))
def test_even_a_short_search_keeps_to_the_shares_of_its_proposers(seed: int) -> None:
    nobody: Any = None
    proposers = {"meta-agent": (nobody, 0.2), "recombine": (nobody, 0.8)}
    trial = Trial(nobody, proposers, Clades(), seed=seed, smoke=0, repairs=0)
    turns = Counter(trial.turn(number) for number in range(9, 23))
    assert 2 <= turns["meta-agent"] <= 4
    assert turns["recombine"] == 14 - turns["meta-agent"]


def test_a_twin_is_the_same_program_under_other_names_and_comments() -> None:
    one = '"""One."""\nasync def solve(task):\n    answer = 1\n    return answer\n'
    two = '"""Two."""\nasync def solve(task):\n    result = 1  # the same\n    return result\n'
    other = '"""Two."""\nasync def solve(task):\n    return 2\n'
    known = [Member(3, 30, Design(one), "evaluated", "seed")]
    found = twin(Design(two), known)
    assert found is not None
    assert found.number == 3
    assert twin(Design(other), known) is None
