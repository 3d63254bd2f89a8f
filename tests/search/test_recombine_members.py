"""Recombine over members of societies: what it makes is new, readable, and plays."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from metasearch.assets import asset
from metasearch.search.checks import check, idea_of
from metasearch.search.proposer import Brief, Parent
from metasearch.search.recombine import Recombine
from metasearch.search.recombine.members import kinds_in
from metasearch.search.recombine.proposer import MEMBER_OPERATORS
from metasearch.types import Design

SHARE = '''"""Takes an even share of what may be taken."""

from agentkit import Player, Request

PART = 0.5


class Member(Player):
    async def act(self, request: Request) -> object:
        if request.kind == "harvest":
            return self.harvest(request)
        return {"text": "", "end": True} if request.kind == "speak" else ""

    def harvest(self, request: Request) -> int:
        if request.stock < 5:
            return 0
        return int(request.stock * PART) // request.n
'''
LEDGER = '''"""Takes at most what was agreed, and less from the greedy."""

from agentkit import Event, Player, Request

LIMIT = 12


class Member(Player):
    def __init__(self) -> None:
        self.greedy = 0

    def observe(self, event: Event) -> None:
        super().observe(event)
        if event.kind == "catches" and max(event.catches) > LIMIT:
            self.greedy += 1

    def act(self, request: Request) -> object:
        if request.kind == "harvest":
            return self.harvest(request)
        return {"text": "take less", "end": False}

    def harvest(self, request: Request) -> int:
        return min(LIMIT, request.stock // 10)
'''
TALKER = '''"""Asks a model how much to take."""

from agentkit import Agent, Player, Request


class Member(Player):
    async def act(self, request: Request) -> object:
        me = Agent("fisher", "a careful fisher", temperature=0.4)
        told = f"The stock is {request.get('stock')}."
        reply = await me.ask(told, "Think step by step, then answer.", fields={"answer": int})
        return reply.answer
'''
PARENTS = tuple(
    Parent(number, Design(source, name, idea_of(source)), 0.5, 10, 0.0)
    for number, (name, source) in enumerate(
        [("share", SHARE), ("ledger", LEDGER), ("talker", TALKER)]
    )
)


@pytest.fixture(autouse=True)
def _kit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(asset("sandbox") / "image"))


RULES = PARENTS[:2]


def brief(seed: int, known: tuple[Parent, ...]) -> Brief:
    return Brief(
        *(3 + seed, "commons", "", (), known, known, (), frozenset(), seed), entry="Member"
    )


def proposed(seed: int, known: tuple[Parent, ...] = PARENTS) -> Any:
    return asyncio.run(Recombine().propose(brief(seed, known)))


def member(source: str) -> Any:
    """Make a member as a seat has it."""
    names: dict[str, Any] = {"__name__": "design"}
    exec(compile(source, "design.py", "exec"), names)
    return names["Member"]()


def decided(player: Any, **facts: object) -> object:
    from agentkit import Request

    value = player.act(Request(facts))
    return asyncio.run(value) if asyncio.iscoroutine(value) else value


def test_every_move_gives_members_that_pass_the_checks_and_can_be_made() -> None:
    made = {}
    for seed in range(600):
        found = proposed(seed, PARENTS[:: 1 if seed % 2 else -1])
        assert found.design is not None, found.reason
        assert check(found.design.source, "Member").accepted
        member(found.design.source)
        made[found.operator] = found
        if seed > 60 and made.keys() == MEMBER_OPERATORS.keys():
            break
    assert made.keys() == MEMBER_OPERATORS.keys()
    joined = [one for one in made.values() if len(one.parents) == 2]
    assert {one.operator for one in joined} >= {"by_kind", "then", "blended", "cautious", "bolder"}


def test_the_same_brief_gives_the_same_member() -> None:
    assert [proposed(seed).design.id for seed in range(5)] == [
        proposed(seed).design.id for seed in range(5)
    ]


@pytest.mark.parametrize("operator", ["cautious", "bolder", "blended"])
def test_two_members_in_one_decide_together(operator: str) -> None:
    """Of 100 with 5 seats both take 10; of 40 with 2 the share is 10, and the ledger takes 4."""
    for seed in range(400):
        found = proposed(seed, RULES)
        if found.operator == operator:
            player = member(found.design.source)
            assert decided(player, kind="harvest", stock=100, n=5) == 10
            took = decided(player, kind="harvest", stock=40, n=2)
            assert took in {"cautious": [4], "bolder": [10], "blended": [6, 7, 8]}[operator]
            return
    pytest.fail(f"{operator} was never proposed")


def test_one_member_answers_one_kind_and_the_other_the_rest() -> None:
    for seed in range(400):
        found = proposed(seed, RULES)
        if found.operator == "by_kind" and found.parents == (0, 1):
            player = member(found.design.source)
            by_ledger = decided(player, kind="harvest", stock=40, n=2) == 4
            said = decided(player, kind="speak")
            assert said == {"text": "" if by_ledger else "take less", "end": by_ledger}
            return
    pytest.fail("by_kind was never proposed")


def test_a_method_of_another_member_brings_what_it_needs() -> None:
    for seed in range(400):
        found = proposed(seed, RULES)
        if found.operator == "handler" and found.parents == (0, 1):
            assert "LIMIT = 12" in found.design.source
            assert decided(member(found.design.source), kind="harvest", stock=200, n=5) == 12
            return
    pytest.fail("handler was never proposed")


def test_numbers_stay_in_their_range() -> None:
    rng = random.Random(0)
    values = set()
    for _ in range(600):
        found = proposed(rng.randrange(10**6), RULES)
        if found.operator == "constant" and found.parents == (0,):
            line = next(one for one in found.design.source.splitlines() if "PART =" in one)
            values.add(float(line.partition("=")[2]))
    assert len(values) > 5
    assert all(0 <= value <= 1 for value in values)


def test_kinds_of_requests_are_read_from_the_text() -> None:
    assert kinds_in(LEDGER) == {"harvest"}
    assert kinds_in(SHARE) == {"harvest", "speak"}
    either = LEDGER.replace('== "harvest"', 'in ("harvest", "donate")')
    assert kinds_in(either) == {"harvest", "donate"}
