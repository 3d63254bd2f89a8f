"""Baselines at the winner's price: how many samples, measured whole and once; the opponent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.domains.base import TaskSet
from metasearch.errors import BudgetExhausted
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.report.ranking import Contender, opponent
from metasearch.sandbox.base import Limits
from metasearch.search.checks import check
from metasearch.search.equal_cost import BASELINE, EqualCost, affordable_samples, self_consistency
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.events import EvaluationDone, Event, Note
from metasearch.search.measure import Measurer
from metasearch.search.member import Member
from metasearch.search.proposer import Proposal
from metasearch.search.seeds import seeds
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Design, Evaluation, ModelRequest, Outcome, Score, Split, Task, Usage

COUNT = 8
TASKS = {
    split: tuple(Task(f"{split}{n}", f"{split} {n}?", "a") for n in range(COUNT)) for split in Split
}
SEED = next(one for one in seeds() if one.name == "self_consistency")
MANY_CALLS = """
from agentkit import Agent, gather

async def solve(task):
    fields = {"answer": str}
    said = await gather(Agent(f"{n}").ask(task.prompt, fields=fields) for n in range(CALLS))
    return said[0].answer
"""


def costing(design: Design, tokens: int) -> Member:
    one = Member(0, 0, design, "evaluated", "seed")
    one.add(
        Evaluation("d", "t", Split.VALIDATION, 0, Outcome.ANSWERED, 1.0, "a", usage=Usage(tokens))
    )
    return one


def test_as_many_samples_as_the_winner_s_cost_pays_for() -> None:
    baseline, winner = costing(SEED, 500), Design("# w")  # 100 tokens a sample
    for tokens, samples in ((20, 0), (100, 1), (190, 2), (500, 5), (740, 8), (90_000, 12)):
        assert affordable_samples(costing(winner, tokens), baseline, 12) == samples
    assert affordable_samples(costing(winner, 500), costing(winner, 500), 12) is None
    assert affordable_samples(costing(winner, 500), costing(SEED, 0), 12) is None


def test_another_number_of_samples_is_the_same_design_but_for_that() -> None:
    made = self_consistency(SEED, 9)
    assert check(made.source).accepted
    assert made.source.count("VOTERS = 9") == 1
    assert "VOTERS = 5" not in made.source
    assert made.source.partition("async def")[2] == SEED.source.partition("async def")[2]
    assert (made.name, made.idea.split()[0]) == ("self_consistency x 9", "9")
    assert self_consistency(SEED, 5) is SEED
    with pytest.raises(ValueError, match="0 samples"):
        self_consistency(SEED, 0)


@pytest.mark.parametrize(
    ("paid", "chosen"),
    [(10.0, 2), (30.0, 3), (0.5, 3)],  # of its price; any price is; none is as cheap
)
def test_the_opponent_is_the_best_whole_baseline_of_the_price(paid: float, chosen: int) -> None:
    found = opponent(
        [
            Contender(0, 0.9, 5.0, is_whole=False),
            Contender(1, 0.4, 2.0, is_whole=True),
            Contender(2, 0.5, 10.5, is_whole=True),
            Contender(3, 0.6, 20.0, is_whole=True),
        ],
        paid,
    )
    assert found is not None
    assert found.number == chosen
    assert opponent([], 1.0) is None


class Watch:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)

    @property
    def evaluations(self) -> int:
        return sum(isinstance(one, EvaluationDone) for one in self.events)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive.db") as opened:
        opened.create_search(id="s", domain="d", strategy="evolve", config={}, seed=0, tasks=TASKS)
        yield opened


def measurer(archive: Archive, watch: Watch, budget: Budget | None = None) -> Measurer:
    def script(request: ModelRequest) -> str:
        names = request.schema["properties"] if request.schema else {}
        assert isinstance(names, dict)
        return json.dumps(dict.fromkeys(names, "a"))

    domain = TaskSet("d", "", TASKS, lambda task, answer: Score(float(answer == task.gold)))
    gateway = FakeGateway(script, budget=budget)
    evaluator = Evaluator(gateway, domain, Asking("m"), Limits(), asyncio.Semaphore(4))
    made = Measurer("s", archive, evaluator, FakeSandbox(), watch)
    made.load()
    return made


async def raced(made: Measurer, design: Design, proposer: str, tasks: int = COUNT) -> Member:
    number = len(made.archive.entries("s"))
    member = made.enter(number, Proposal(design, "", (), Usage(), 0.0, ""), proposer, "pending")
    await made.meet(member, Split.VALIDATION, TASKS[Split.VALIDATION][:tasks])
    made.settle(member, "evaluated" if tasks == COUNT else "stopped")
    return member


async def field(made: Measurer, calls: int) -> tuple[dict[int, Member], Member]:
    """Race a seed, which is stopped early, and a winner that asks so often."""
    seed = await raced(made, SEED, "seed", tasks=3)
    winner = await raced(made, Design(MANY_CALLS.replace("CALLS", str(calls))), "recombine")
    return {0: seed, 1: winner}, winner


async def test_self_consistency_of_the_winner_s_price_meets_all_tasks_once(
    archive: Archive,
) -> None:
    watch = Watch()
    made = measurer(archive, watch)
    members, winner = await field(made, 20)
    equal = EqualCost(made, members, calls_per_task=40)
    before = watch.evaluations
    await equal.play(winner)
    added = members[2]
    assert (added.proposer, added.status, len(added.scores())) == (BASELINE, "evaluated", COUNT)
    assert added.tokens_per_task() <= 1.1 * winner.tokens_per_task()
    assert added.design is not None
    assert added.design.name.startswith("self_consistency x ")
    assert equal.opponent(winner) is added
    assert members[0].status == "stopped", "it is not needed"
    assert watch.evaluations == before + COUNT
    # A search that goes on finds it.
    again = measurer(archive, Watch())
    loaded = again.load()
    await EqualCost(again, loaded, 40).play(loaded[1])
    assert len(loaded) == len(archive.entries("s")) == 3
    await made.drain()


async def test_a_cheap_winner_gets_a_baseline_that_a_race_had_stopped(archive: Archive) -> None:
    watch = Watch()
    made = measurer(archive, watch)
    members, winner = await field(made, 1)
    cheap = await raced(made, Design(MANY_CALLS.replace("CALLS", "1") + "#"), "seed", tasks=3)
    dear = await raced(made, Design(MANY_CALLS.replace("CALLS", "9")), "seed")
    members |= {2: cheap, 3: dear}
    equal = EqualCost(made, members, calls_per_task=40)
    await equal.play(winner)
    assert (cheap.status, len(cheap.scores())) == ("evaluated", COUNT)
    assert equal.opponent(winner) is cheap
    assert any(isinstance(one, Note) and "2 samples" in one.text for one in watch.events)
    assert len(members) == 4
    await made.drain()


async def test_without_money_the_search_still_comes_to_its_end(archive: Archive) -> None:
    watch = Watch()
    made = measurer(archive, watch, Budget(Caps(calls=3 * 5 + COUNT * 20 + 4)))
    members, winner = await field(made, 20)
    await EqualCost(made, members, calls_per_task=40).play(winner)
    assert members[2].status == "pending"
    (note,) = (one.text for one in watch.events if isinstance(one, Note))
    assert note.endswith("the baselines of the winner's price are not complete")
    with pytest.raises(BudgetExhausted):
        await made.meet(members[2], Split.VALIDATION, TASKS[Split.VALIDATION])
    await made.drain()
