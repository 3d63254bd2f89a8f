"""The simplifier: what is not needed goes, what is needed stays, and nobody opens the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.archive.records import WINNER
from metasearch.domains.base import TaskSet
from metasearch.errors import BudgetExhausted
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.sandbox.base import Limits
from metasearch.search.config import SearchSection
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.finals import fresh_repeats
from metasearch.search.measure import Measurer
from metasearch.search.member import Member
from metasearch.search.proposer import Proposal
from metasearch.search.simplify import SIMPLIFIER, Simplified, Simplifier, can_show, crown
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Design, ModelRequest, Score, Split, Task, Usage
from tests.search.test_finals import Watch

COUNT = 100
TASKS = {
    split: tuple(Task(f"{split}{n:03}", f"{split} {n}?", str(n)) for n in range(COUNT))
    for split in Split
}
VOTE = '''"""Five chains; the majority answers."""
from agentkit import Agent, gather, majority

VOTERS = 5


async def solve(task):
    replies = await gather(
        Agent(f"voter {i}").ask(
            task.prompt,
            "Think step by step, then answer. Be quick about it.",
            fields={"thinking": str, "answer": str},
        )
        for i in range(VOTERS)
    )
    return majority(one.answer for one in replies)
'''
Knows = Callable[[int, ModelRequest], bool]


def needs_thinking(number: int, request: ModelRequest) -> bool:
    """Voters are not needed, thinking is for all but every tenth question."""
    return "thinking" in json.dumps(request.schema) or number % 10 == 0


def script(knows: Knows) -> Callable[[ModelRequest], str]:
    def answer(request: ModelRequest) -> str:
        number = int(request.messages[-1].content.split("?")[0].split()[1])
        fields = (request.schema or {})["properties"]
        right = str(number) if knows(number, request) else "no idea"
        return json.dumps({name: right if name == "answer" else "so" for name in fields})

    return answer


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive.db") as opened:
        opened.create_search(id="s", domain="d", strategy="evolve", config={}, seed=0, tasks=TASKS)
        yield opened


def measurer(archive: Archive, knows: Knows, budget: Budget | None = None) -> Measurer:
    domain = TaskSet("d", "", TASKS, lambda task, answer: Score(float(answer == task.gold)))
    gateway = FakeGateway(script(knows), budget=budget)
    made = Measurer(
        "s",
        archive,
        Evaluator(gateway, domain, Asking("m"), Limits(), asyncio.Semaphore(8)),
        FakeSandbox(),
        Watch(),
    )
    made.load()
    return made


async def raced(made: Measurer, source: str = VOTE) -> dict[int, Member]:
    proposal = Proposal(Design(source, "vote"), "", (), Usage(), 0.0, "")
    member = made.enter(0, proposal, "recombine", "pending")
    await made.meet(member, Split.VALIDATION, TASKS[Split.VALIDATION])
    made.settle(member, "evaluated")
    return {0: member}


async def simplify(
    made: Measurer, members: dict[int, Member], margin: float = 0.05, repeats: int = 0
) -> Simplified | None:
    stages = SearchSection().stage_sizes(COUNT)
    found = await Simplifier(made, members, margin, stages, repeats).play(members[0])
    await made.drain()
    return found


async def test_voters_go_and_thinking_stays(archive: Archive) -> None:
    made = measurer(archive, needs_thinking)
    found = await simplify(made, await raced(made))
    assert found is not None
    assert found.member.design is not None
    source = found.member.design.source
    assert "VOTERS = 1" in source
    assert "thinking" in source
    assert '"Think step by step, then answer."' in source, "the rest was not needed either"
    assert found.saving > 0.8
    assert found.difference.mean == 0
    assert -0.05 < found.difference.low < 0
    entries = archive.entries("s")
    assert {one.proposer for one in entries[1:]} == {SIMPLIFIER}
    assert all(one.operator.startswith("simplify: ") for one in entries[1:])
    dropped = [one for one in entries if one.operator == "simplify: thinking is not asked for"]
    assert [one.status for one in dropped] == ["stopped"]
    assert dropped[0].reason == "not as good as 0 after 10 tasks"
    assert archive.counts("s").evaluations.get(Split.TEST, 0) == 0
    assert all(one.parents for one in entries[1:])


async def test_a_design_in_which_all_is_needed_stays_as_it_is(archive: Archive) -> None:
    def needs_all(number: int, request: ModelRequest) -> bool:
        text = json.dumps([request.schema, request.messages[-1].content])
        return needs_thinking(number, request) and "Be quick" in text

    made = measurer(archive, needs_all)
    plain = VOTE.replace("VOTERS = 5", "VOTERS = 1")
    assert await simplify(made, await raced(made, plain)) is None
    assert {one.status for one in archive.entries("s")[1:]} == {"stopped"}


async def test_what_was_lucky_when_it_was_screened_has_to_be_as_good_on_fresh_samples(
    archive: Archive,
) -> None:
    asked = 0

    def with_luck(number: int, request: ModelRequest) -> bool:
        nonlocal asked
        asked += 1
        # Two times five voters for the first design, then one for the screening.
        return asked <= 11 * COUNT or number % 4 > 0

    made = measurer(archive, with_luck)
    members = await raced(made)
    await made.meet(members[0], Split.VALIDATION, TASKS[Split.VALIDATION], fresh_repeats(1))
    stages = SearchSection().stage_sizes(COUNT)
    assert await Simplifier(made, members, 0.05, stages, 1, attempts=1).play(members[0]) is None
    assert (members[1].status, members[1].mean()) == ("evaluated", 1.0)
    assert members[1].mean(fresh=True) == 0.75
    await made.drain()


async def test_an_interrupted_simplification_goes_on_and_ends_alike(
    archive: Archive, tmp_path: Path
) -> None:
    calls = Budget(Caps(calls=5 * COUNT + 130))
    made = measurer(archive, needs_thinking, calls)
    members = await raced(made)
    with pytest.raises(BudgetExhausted):
        await simplify(made, members)
    await made.drain()
    again = measurer(archive, needs_thinking)
    resumed = await simplify(again, again.load())
    with Archive.open(tmp_path / "quiet.db") as other:
        other.create_search(id="s", domain="d", strategy="evolve", config={}, seed=0, tasks=TASKS)
        quiet = measurer(other, needs_thinking)
        undisturbed = await simplify(quiet, await raced(quiet))
        assert resumed is not None
        assert undisturbed is not None
        assert resumed.member.number == undisturbed.member.number
        assert resumed.difference == undisturbed.difference
        table = [(one.number, one.name, one.status) for one in archive.entries("s")]
        assert table == [(one.number, one.name, one.status) for one in other.entries("s")]
    third = measurer(archive, lambda *_: pytest.fail("nothing is asked again"))
    found = await simplify(third, third.load())
    assert found is not None
    assert found.member.number == resumed.member.number


@pytest.mark.parametrize(("tasks", "margin", "can"), [(100, 0.05, True), (40, 0.05, False)])
def test_few_tasks_cannot_show_that_nothing_is_lost(tasks: int, margin: float, can: bool) -> None:
    assert can_show(margin, tasks) is can


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"finalists": 0}, False),
        ({"finalists": 2}, True),
        ({"finalists": 2, "simplify": False}, False),
    ],
)
def test_it_is_on_where_finals_are(settings: dict[str, int], expected: bool) -> None:
    assert SearchSection.model_validate(settings).simplifies() is expected


async def test_a_simpler_form_inherits_from_a_winner_and_from_no_baseline(archive: Archive) -> None:
    made = measurer(archive, needs_thinking)
    seed, winner, heir = (Member(n, n, Design(f"d{n}"), "evaluated", "x") for n in range(3))
    crown(made, winner, heir)
    archive.add_event("s", WINNER, f"{seed.number} is the best of 0, 1 by fresh samples")
    crown(made, winner, heir)
    assert [one.text[0] for one in archive.events("s") if one.kind == WINNER] == ["0"]
    archive.add_event("s", WINNER, f"{winner.number} is the best of 1, 0 by fresh samples")
    crown(made, winner, heir)
    crown(made, winner, heir)
    assert [one.text[0] for one in archive.events("s") if one.kind == WINNER] == ["0", "1", "2"]
