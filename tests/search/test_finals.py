"""The finals: fresh samples alone decide, are made once, and a kill in between changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.archive.records import WINNER
from metasearch.domains.base import TaskSet
from metasearch.sandbox.base import Limits
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.events import EvaluationDone, Event, Note
from metasearch.search.finals import Finals
from metasearch.search.measure import Measurer
from metasearch.search.member import Member, best
from metasearch.search.proposer import Proposal
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import FRESH, Design, Score, Split, Task, Usage

COUNT = 40
TASKS = {
    split: tuple(Task(f"{split}{n}", f"{split} question {n}?", "right") for n in range(COUNT))
    for split in Split
}
# Right with probability 1/2 each time, by luck of its own.
LUCKY = """
import random
def solve(task):
    return "right" if random.random() * {salt} % 1 < {skill} else "wrong"
"""
STEADY = """
def solve(task):
    return "right" if int(task.prompt.split()[-1][:-1]) < {solved} else "wrong"
"""


class Watch:
    """Keeps the events, and cancels a task after so many evaluations."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.task: asyncio.Task[Member | None] | None = None
        self.after = 0

    def show(self, event: Event) -> None:
        self.events.append(event)
        done = sum(isinstance(one, EvaluationDone) for one in self.events)
        if self.task is not None and done >= self.after:
            self.task.cancel()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive.db") as opened:
        opened.create_search(
            id="s", domain="luck", strategy="evolve", config={}, seed=0, tasks=TASKS
        )
        yield opened


def measurer(archive: Archive, watch: Watch) -> Measurer:
    domain = TaskSet("luck", "", TASKS, lambda task, answer: Score(float(answer == task.gold)))
    evaluator = Evaluator(FakeGateway(), domain, Asking("m"), Limits(), asyncio.Semaphore(4))
    made = Measurer("s", archive, evaluator, FakeSandbox(), watch)
    made.load()
    return made


async def raced(made: Measurer, sources: list[str], proposer: str = "recombine") -> list[Member]:
    members = []
    for source in sources:
        number = len(made.archive.entries("s"))
        proposal = Proposal(Design(source, f"d{number}"), "", (), Usage(), 0.0, "")
        member = made.enter(number, proposal, proposer, "pending")
        await made.meet(member, Split.VALIDATION, TASKS[Split.VALIDATION])
        made.settle(member, "evaluated")
        members.append(member)
    return members


async def lucky_field(made: Measurer) -> tuple[list[Member], list[Member]]:
    baselines = await raced(made, [LUCKY.format(salt=977, skill=0.3)], "seed")
    salts = [1009, 2003, 3001, 4001, 5003, 6007, 7001, 8009]
    return baselines, await raced(made, [LUCKY.format(salt=s, skill=0.5) for s in salts])


def fresh_rows(archive: Archive, number: int) -> list[int]:
    scores = archive.scores("s", Split.VALIDATION, {number})[number]
    return sorted(sample.repeat for sample in scores if sample.repeat >= FRESH)


def winners(archive: Archive) -> list[str]:
    return [event.text for event in archive.events("s") if event.kind == WINNER]


async def test_the_best_by_fresh_samples_wins_and_no_other_sample_counts(archive: Archive) -> None:
    watch = Watch()
    made = measurer(archive, watch)
    baselines, members = await lucky_field(made)
    leader = best(members)
    winner = await Finals(made, 3, 2).play(members, baselines)
    assert winner is not None
    assert leader is not None
    players = [one for one in members if one.scores(fresh=True)]
    assert len(players) == 3
    ranked = sorted(members, key=lambda one: -one.mean())
    assert {round(one.mean(), 9) for one in players} <= {round(one.mean(), 9) for one in ranked[:4]}
    assert winner.mean(fresh=True) == max(one.mean(fresh=True) for one in players)
    assert winner is not leader, "another one was only lucky"
    # What ranked the designs before is as it was.
    assert best(members) is leader
    for one in (*players, *baselines):
        assert fresh_rows(archive, one.number) == sorted([FRESH, FRESH + 1] * COUNT)
    assert len(winners(archive)) == 1
    assert winners(archive)[0].startswith(f"{winner.number} is the best of ")
    assert "answers alike" not in winners(archive)[0]
    assert sum(isinstance(event, Note) for event in watch.events) == 1
    await made.drain()


async def test_a_baseline_may_win_and_the_best_new_design_still_meets_the_test(
    archive: Archive,
) -> None:
    made = measurer(archive, Watch())
    baselines = await raced(made, [STEADY.format(solved=30), STEADY.format(solved=2)], "seed")
    members = await raced(made, [STEADY.format(solved=20), STEADY.format(solved=25)])
    winner = await Finals(made, 3, 1).play(members, baselines)
    assert winner is members[1]
    (text,) = winners(archive)
    assert text.startswith("0 is the best of 3, 2, 0 by fresh samples")
    assert "answers alike each time" in text, "and a model of temperature 0 is told of"
    assert not baselines[1].scores(fresh=True)
    await made.drain()


async def test_finals_that_were_cut_off_go_on_and_end_alike(
    archive: Archive, tmp_path: Path
) -> None:
    watch = Watch()
    made = measurer(archive, watch)
    baselines, members = await lucky_field(made)
    watch.after = 9 * COUNT + 70
    watch.task = asyncio.create_task(Finals(made, 3, 1).play(members, baselines))
    with pytest.raises(asyncio.CancelledError):
        await watch.task
    assert winners(archive) == []
    await made.drain()

    calm = Watch()
    again = measurer(archive, calm)
    loaded = again.load()
    winner = await Finals(again, 3, 1).play(list(loaded.values())[1:], [loaded[0]])
    assert winner is not None
    decided = winners(archive)
    made_now = sum(isinstance(event, EvaluationDone) for event in calm.events)
    assert 0 < made_now < 4 * COUNT
    # A third start makes nothing and says nothing.
    silent = Watch()
    third = measurer(archive, silent)
    loaded = third.load()
    assert (await Finals(third, 3, 1).play(list(loaded.values())[1:], [loaded[0]])) is not None
    assert [event for event in silent.events if isinstance(event, EvaluationDone | Note)] == []
    assert winners(archive) == decided
    await again.drain()
    await third.drain()

    with Archive.open(tmp_path / "quiet.db") as other:
        other.create_search(
            id="s", domain="luck", strategy="evolve", config={}, seed=0, tasks=TASKS
        )
        quiet = measurer(other, Watch())
        old, new = await lucky_field(quiet)
        undisturbed = await Finals(quiet, 3, 1).play(new, old)
        assert undisturbed is not None
        assert undisturbed.number == winner.number
        assert winners(other) == decided
        await quiet.drain()


async def test_without_finals_the_leader_meets_the_test_and_nothing_is_evaluated(
    archive: Archive,
) -> None:
    watch = Watch()
    made = measurer(archive, watch)
    members = await raced(made, [STEADY.format(solved=20), STEADY.format(solved=25)])
    watch.events.clear()
    assert await Finals(made, 0, 1).play(members, []) is members[1]
    assert await Finals(made, 3, 1).play([], []) is None
    assert watch.events == []
    assert winners(archive) == []
    await made.drain()
