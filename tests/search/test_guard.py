"""What is kept back, warned of, and complained about; how long a search has worked."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.archive.records import EventInfo, Lease
from metasearch.archive.worktime import last_caps, worked_seconds
from metasearch.errors import ConfigError
from metasearch.gateway.base import Caps, Spent
from metasearch.gateway.budget import PICO, Amount, Budget
from metasearch.gateway.prices import Price
from metasearch.search.alarms import complaints, kinds_met
from metasearch.search.config import SearchConfig
from metasearch.search.events import Alarm, BudgetUsed, Event
from metasearch.search.guard import Guard
from metasearch.search.member import Member
from metasearch.search.reserve import Reserve, least_test, refuse_too_small
from metasearch.search.worktime import Worktime, timed
from metasearch.types import (
    Design,
    Evaluation,
    Finish,
    Message,
    ModelCall,
    ModelReply,
    ModelRequest,
    Outcome,
    Owner,
    Split,
    Task,
    Usage,
)

TASKS = tuple(Task(f"t{n}", "x" * 39, 1) for n in range(10))


def member(number: int, status: str = "pending", proposer: str = "seed") -> Member:
    return Member(number, number, Design(f"# {number}"), status, proposer)


def evaluation(
    task: int,
    *,
    score: float = 1.0,
    tokens: int = 100,
    calls: int = 1,
    outcome: Outcome = Outcome.ANSWERED,
    trace: tuple[ModelCall, ...] = (),
) -> Evaluation:
    return Evaluation(
        "d",
        f"t{task}",
        Split.VALIDATION,
        0,
        outcome,
        score,
        usage=Usage(tokens, 0, 0),
        dollars=tokens / PICO,
        calls=calls,
        trace=trace,
    )


def measured(one: Member, reserve: Reserve, tokens: int, score: float = 1.0) -> Member:
    for task in range(4):
        done = evaluation(task, tokens=tokens, score=score)
        one.add(done)
        reserve.observe(one, done)
    return one


def kept(budget: Budget) -> Amount:
    return budget._aside


def reserve() -> Reserve:
    return Reserve(Budget(Caps()), tests=10, least=Amount(5, 5, 10), call=Amount(7, 7, 1))


def test_before_anything_is_measured_the_least_is_kept_for_both_finalists() -> None:
    one = reserve()
    one.follow([member(0)])
    assert kept(one.budget) == Amount(5 + 5 + 7, 5 + 5 + 7, 10 + 10 + 1)


def test_the_dearest_that_may_still_be_a_finalist_counts() -> None:
    one = reserve()
    cheap, dear = member(0), member(1)
    one.follow([cheap, dear])
    measured(cheap, one, 100)
    measured(dear, one, 400, score=0.0)
    # Ten tests with a quarter more for chance, once for each finalist, and one call's worst case.
    assert kept(one.budget).tokens == 2 * (400 * 10 * 1.25 + 1) + 7
    cheap.status = dear.status = "evaluated"
    one.follow([cheap, dear])  # the dear one did not win
    assert kept(one.budget).tokens == 2 * (100 * 10 * 1.25 + 1) + 7
    new = measured(member(2, proposer="recombine"), one, 300)
    one.follow([cheap, dear, new])
    assert kept(one.budget).tokens == (100 + 300) * 12.5 + 2 + 7
    new.status = "stopped"
    one.follow([cheap, dear, new])
    assert kept(one.budget).tokens == 2 * (100 * 12.5 + 1) + 7
    one.release()
    one.observe(new, evaluation(9))
    assert kept(one.budget) == Amount()


def test_what_was_measured_before_a_restart_is_read_from_the_members() -> None:
    first = reserve()
    old = member(0)
    first.follow([old])
    measured(old, first, 250)
    again = reserve()
    again.follow([old])
    assert kept(again.budget) == kept(first.budget)


def test_a_cap_that_cannot_hold_the_test_is_refused_with_what_would_do() -> None:
    price = Price(prompt=1000, cached=500, completion=2000)
    test = least_test(TASKS, 2, price)
    assert test == Amount(20 * 10 * 500 + 20 * 8 * 2000, 20 * 10 + 20 * 8, 20)
    for caps in (Caps(calls=40), Caps(tokens=720), Caps(dollars=2 * test.picodollars / PICO)):
        refuse_too_small(caps, test, 10)
    for caps, words in (
        (Caps(calls=39), "39 calls .* at least 40, .* raise --calls"),
        (Caps(tokens=719), "719 tokens .* at least 720, .* raise --tokens"),
        (Caps(dollars=1e-7), "1e-07 dollars .* at least 8.4e-07, .* raise --usd"),
    ):
        with pytest.raises(ConfigError, match=words):
            refuse_too_small(caps, test, 10)


class Screen:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    one = Archive.open(tmp_path / "a.db")
    one.create_search(
        id="s",
        domain="d",
        strategy="evolve",
        config=SearchConfig.model_validate({"budget": {"usd": 2}}).to_json(),
        seed=0,
        tasks={split: (Task(f"{split}", f"{split}", 1),) for split in Split},
    )
    yield one
    one.close()


def guard(archive: Archive, budget: Budget, worked: float = 0.0) -> tuple[Guard, Screen]:
    screen = Screen()
    worktime = Worktime(worked, lambda: 0.0, 0.0)
    nothing = Reserve(budget, 0, Amount(), Amount())
    return Guard("s", archive, screen, budget, nothing, worktime, minutes=10), screen


def test_half_and_most_of_each_cap_are_told_once_in_a_searchs_life(archive: Archive) -> None:
    before = {Owner.EVALUATION: Spent(1.7, Usage(30, 0, 30), 4)}
    budget = Budget(Caps(dollars=2, tokens=100), before)
    one, screen = guard(archive, budget, worked=301)
    one.begin({})
    for _ in range(3):
        one.evaluated(member(0), evaluation(0))
    used = [(event.share, event.text) for event in screen.events if isinstance(event, BudgetUsed)]
    assert used == [
        (0.5, "50 % of the budget of 2 dollars is used"),
        (0.8, "80 % of the budget of 2 dollars is used"),
        (0.5, "50 % of the budget of 100 tokens is used"),
        (0.5, "50 % of the budget of 10 minutes is used"),
    ]
    one.exhausted("the budget of 2 dollars is used up")
    again, silent = guard(archive, budget, worked=301)
    again.begin({})
    again.evaluated(member(0), evaluation(0))
    again.exhausted("the budget of 2 dollars is used up")
    assert silent.events == []
    raised, screen = guard(archive, Budget(Caps(dollars=3), before))  # a new cap, a new warning
    raised.begin({})
    raised.proposed()
    assert [event.text for event in screen.events if isinstance(event, BudgetUsed)] == [
        "50 % of the budget of 3 dollars is used"
    ]


def test_an_alarm_is_raised_once_and_counts_what_was_before(archive: Archive) -> None:
    one, screen = guard(archive, Budget(Caps()))
    old = member(0)
    for task in range(18):
        old.add(evaluation(task))
    one.begin({0: old})
    cut = evaluation(18, outcome=Outcome.TRUNCATED)
    one.evaluated(old, cut)
    assert screen.events == []  # 1 of 19 are too few to tell
    one.evaluated(old, cut)
    one.evaluated(old, cut)
    (alarm,) = [event for event in screen.events if isinstance(event, Alarm)]
    assert (alarm.kind, alarm.count, alarm.of) == ("truncated", 2, 20)
    assert alarm.text.startswith("2 of 20 evaluations met a reply that was cut off at max_tokens:")
    assert [event.kind for event in archive.events("s")] == ["alarm-truncated"]


def test_repeats_and_replies_without_usage_are_complained_of_as_well(archive: Archive) -> None:
    one, screen = guard(archive, Budget(Caps()))
    one.faults, one.unmetered = Counter(infrastructure=3), lambda: 1
    one.begin({})
    for task in range(20):
        one.evaluated(member(0), evaluation(task))
    kinds = [event.kind for event in screen.events if isinstance(event, Alarm)]
    assert kinds == ["no_usage", "infrastructure"]


@pytest.mark.parametrize(
    ("text", "finish", "kind"),
    [
        ("cut", Finish.LENGTH, "truncated"),
        ("", Finish.FILTER, "refused"),
        (" \n", Finish.STOP, "blank"),
    ],
)
def test_a_bad_reply_counts_though_its_design_coped(text: str, finish: Finish, kind: str) -> None:
    request = ModelRequest("m", (Message("user", "?"),), 5)
    bad = ModelCall(0, "a", "k", request, ModelReply(text, finish, Usage(), 0.0, 0.0))
    fine = ModelCall(1, "a", "k", request, ModelReply("yes", Finish.STOP, Usage(), 0.0, 0.0))
    assert kinds_met(evaluation(0, trace=(bad, fine))) == {kind}
    assert kinds_met(evaluation(0, trace=(fine,))) == set()
    assert kinds_met(evaluation(0, outcome=Outcome.WRONG_FORMAT)) == {"wrong_format"}


def test_a_twentieth_is_not_yet_too_often() -> None:
    assert complaints({"blank": 2}, 40) == []
    (one,) = complaints({"blank": 3, "crashed": 40}, 40)
    assert (one.kind, one.count, one.of) == ("blank", 3, 40)
    assert complaints({"blank": 9}, 19) == []


def test_work_is_timed_and_a_killed_run_lasted_until_its_last_heartbeat(archive: Archive) -> None:
    info = archive.search("s")
    clock = iter([0.0, 90.0, 90.0]).__next__
    with timed(archive, info, clock) as worktime:
        assert worktime.seconds() == 90.0
    assert worked_seconds(archive.events("s"), None) == 90.0
    assert last_caps(archive.events("s"))["usd"] == 2
    # Killed: it began, and there is no end but a heartbeat 20 seconds later.
    archive.add_event("s", "run-began", "{}")
    began = archive.events("s")[-1].at
    lease = Lease(1, "host", began + datetime.timedelta(seconds=20))
    assert worked_seconds(archive.events("s"), lease) == 110.0
    with timed(archive, replace(info, lease=lease), time.monotonic) as worktime:
        assert worktime.before == 110.0
    texts = [event.text for event in archive.events("s") if event.kind == "run-ended"]
    assert texts[1] == "20.000 s, then it was killed"
    assert 110.0 <= worked_seconds(archive.events("s"), None) < 112.0


def test_a_clock_that_was_set_back_takes_no_time_away() -> None:
    noon = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    early = noon - datetime.timedelta(hours=3)
    events = [EventInfo(1, noon, "run-began", "{}"), EventInfo(2, early, "sandbox", "")]
    assert worked_seconds(events, Lease(1, "host", early)) == 0.0
    assert worked_seconds([], None) == 0.0
