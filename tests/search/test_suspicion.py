"""Designs that score without doing the work: told to people, by event, in the table and in show."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from metasearch.archive import Archive
from metasearch.cli.app import app
from metasearch.domains.base import TaskSet, task_id
from metasearch.domains.scorers import exact
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Amount, Budget
from metasearch.sandbox.base import Limits
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.events import Alarm, Event
from metasearch.search.guard import Guard
from metasearch.search.measure import Measurer
from metasearch.search.member import Member
from metasearch.search.proposer import Proposal
from metasearch.search.reserve import Reserve
from metasearch.search.suspicion import suspicion
from metasearch.search.worktime import Worktime
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Design, Evaluation, Outcome, Split, Task, Usage


def prompt_of(split: Split, number: int) -> str:
    return f"{split} question {number}?"


TASKS = {
    split: tuple(
        Task(task_id(prompt_of(split, n)), prompt_of(split, n), f"right {n}") for n in range(30)
    )
    for split in Split
}
ASKS = """
from agentkit import Agent
async def solve(task):
    reply = await Agent("a").ask(task.prompt)
    number = int(task.prompt.split()[-1][:-1])
    return f"right {number}" if number % 3 == 0 else "wrong"
"""
KNOWS = """
def solve(task):
    return f"right {task.prompt.split()[-1][:-1]}"
"""
NOTHING = "def solve(task):\n    return None\n"
CONSTANT = "def solve(task):\n    return 'right 0'\n"
READS_GOLD = """
def solve(task):
    return str(getattr(task, "gold", "")) or str(vars(task)) + repr(dir(task))
"""


class Watch:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def place(tmp_path: Path, blank: Path) -> Path:
    return Path(shutil.copy(blank, tmp_path / "archive.db"))


async def searched(place: Path, *sources: str) -> list[Alarm]:
    """Race one seed that asks, and these designs, as a search does; returns the alarms."""
    with Archive.open(place) as archive:
        archive.create_search(id="s", domain="d", strategy="evolve", config={}, seed=0, tasks=TASKS)
        watch = Watch()
        budget = Budget(Caps())
        guard = Guard(
            search_id="s",
            archive=archive,
            display=watch,
            budget=budget,
            reserve=Reserve(budget, 0, Amount(), Amount()),
            worktime=Worktime(0.0, time.monotonic, time.monotonic()),
        )
        domain = TaskSet("d", "", TASKS, exact)
        evaluator = Evaluator(FakeGateway(), domain, Asking("m"), Limits(), asyncio.Semaphore(4))
        made = Measurer("s", archive, evaluator, FakeSandbox(), watch, guard=guard)
        members = made.load()
        guard.begin(members)
        for number, source in enumerate((ASKS, *sources)):
            proposal = Proposal(Design(source, f"d{number}"), "", (), Usage(), 0.0, "")
            who = "recombine" if number else "seed"
            members[number] = made.enter(number, proposal, who, "pending")
            await made.meet(members[number], Split.VALIDATION, TASKS[Split.VALIDATION])
            made.settle(members[number], "evaluated")
        await made.drain()
        return [event for event in watch.events if isinstance(event, Alarm)]


async def test_a_design_that_never_asks_and_is_right_is_told_everywhere(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alarm,) = await searched(place, KNOWS)
    told = (
        "#1 made no model call in 30 of 30 tasks and scores 1.00 on them; look at its source "
        "before you believe it: metasearch show 1"
    )
    assert alarm == Alarm("suspect-1", 30, 30, told)
    monkeypatch.setenv("METASEARCH_ARCHIVE", str(place))
    table = await asyncio.to_thread(CliRunner().invoke, app, ["top"])
    assert f"Alarm: {told}." in table.stdout
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["show", "1"])
    assert f"suspicious: {told}" in shown.stdout
    facts = await asyncio.to_thread(CliRunner().invoke, app, ["show", "1", "--json"])
    assert json.loads(facts.stdout)["suspicion"] == told
    other = await asyncio.to_thread(CliRunner().invoke, app, ["show", "0", "--json"])
    assert json.loads(other.stdout)["suspicion"] == ""


async def test_null_constant_and_prying_designs_score_the_floor_and_are_no_find(
    place: Path,
) -> None:
    alarms = await searched(place, NOTHING, CONSTANT, READS_GOLD)
    assert [one.kind for one in alarms if one.kind.startswith("suspect")] == []
    with Archive.open(place) as archive:
        means = [one.validation.mean for one in archive.entries("s") if one.validation]
    assert means == pytest.approx([1 / 3, 0, 1 / 30, 0])


def member(number: int, score: float, tokens: int, proposer: str = "recombine") -> Member:
    made = Member(number, number, Design(f"# {number}"), "evaluated", proposer)
    for place in range(20):
        value = float(place < score * 20)
        made.add(
            Evaluation(
                made.design.id if made.design else "",
                f"t{place}",
                Split.VALIDATION,
                0,
                Outcome.ANSWERED,
                value,
                usage=Usage(tokens),
                calls=1,
            )
        )
    return made


def test_a_leap_at_a_fraction_of_the_cost_is_told() -> None:
    before = [member(0, 0.5, 900, "seed"), member(1, 0.6, 1200)]
    said = suspicion(member(2, 0.95, 200), before)
    assert said.startswith(
        "#2 scores 0.95 where the best before it, #1, scores 0.60, with 200 tokens a task "
        "instead of 1,200"
    )
    assert suspicion(member(2, 0.95, 900), before) == "", "it costs what it should"
    assert suspicion(member(2, 0.75, 200), before) == "", "better, and cheaper: what is looked for"
    assert suspicion(member(2, 0.95, 200), [member(0, 0.8, 900, "seed")]) == ""
    assert suspicion(member(2, 0.95, 200), [member(3, 0.5, 900, "seed")]) == "", "it came later"
    assert suspicion(member(2, 0.95, 200, "seed"), before) == "", "a person wrote it"
