"""How a person names an entry."""

from __future__ import annotations

import pytest

from metasearch.archive import EntryInfo
from metasearch.errors import ConfigError
from metasearch.types import Design
from tests.archive.conftest import Desk


@pytest.fixture
def entries(desk: Desk) -> list[EntryInfo]:
    made = [
        desk.entry("cot", proposer="seed"),
        desk.entry("debate", proposer="seed"),
        desk.entry("cot", parents=[0]),
        desk.entry("Voting, With A Critic", parents=[1]),
    ]
    for entry, score in zip(made, (0.5, 1.0, 0.0, 0.5), strict=True):
        desk.evaluate(entry, [score] * 6)
    return made


def test_by_number_name_seed_design_and_best(desk: Desk, entries: list[EntryInfo]):
    design = entries[3].design
    assert design is not None
    named = {
        "2": 2,
        "#2": 2,
        " 3 ": 3,
        "debate": 1,
        "voting, with a critic": 3,
        "seed:cot": 0,
        "seed:COT": 0,
        design.id: 3,
        design.id[:8]: 3,
        "best": 1,
    }
    assert {ref: desk.archive.entry("s1", ref).number for ref in named} == named


def test_a_name_of_two_designs_asks_for_a_number(desk: Desk, entries: list[EntryInfo]):
    with pytest.raises(ConfigError, match=r"'cot' fits several .*: #0 cot, #2 cot; say #N"):
        desk.archive.entry("s1", "cot")


def test_a_duplicate_does_not_hide_its_original(desk: Desk, entries: list[EntryInfo]):
    design = entries[1].design
    desk.entry(design=design, status="duplicate")
    assert desk.archive.entry("s1", "debate").number == 1
    desk.entry("debate", status="duplicate")
    assert desk.archive.entry("s1", "debate").number == 1


def test_a_wrong_name_lists_what_is_near(desk: Desk, entries: list[EntryInfo]):
    with pytest.raises(ConfigError, match="'debat' is no entry of search s1; near: #1 debate"):
        desk.archive.entry("s1", "debat")
    with pytest.raises(ConfigError, match="near: #0 to #3, a name"):
        desk.archive.entry("s1", "99")
    for ref in ("", "seed:nothing", "#", "%", "_"):
        with pytest.raises(ConfigError, match="is no entry"):
            desk.archive.entry("s1", ref)


def test_before_the_first_score_there_is_no_best(desk: Desk):
    with pytest.raises(ConfigError, match="has no entry yet"):
        desk.archive.entry("s1", "0")
    desk.entry(status="pending")
    with pytest.raises(ConfigError, match="no design of search s1 is fully evaluated yet"):
        desk.archive.entry("s1", "best")


def test_a_number_wins_over_a_design_that_begins_with_it(desk: Desk):
    number, found = 0, None
    while found is None:
        design = Design(f"x = {number}", f"n{number}")
        number += 1
        found = design if design.id[0].isdigit() and design.id[0] != "0" else None
    digit = found.id[0]
    for _ in range(int(digit) + 1):
        desk.entry()
    last = desk.entry(design=found)
    assert desk.archive.entry("s1", digit).number == int(digit)
    assert desk.archive.entry("s1", found.id[:6]).number == last.number
