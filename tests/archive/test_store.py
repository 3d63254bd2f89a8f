"""What goes into an archive comes out as it was, from another opening too."""

from __future__ import annotations

import datetime
import re

import pytest
from sqlalchemy.exc import IntegrityError

from metasearch.archive import Archive, EntryStatus, SearchStatus
from metasearch.archive.evaluations import Measured
from metasearch.archive.records import Counts, SpentRow
from metasearch.errors import ArchiveUnavailable, ConfigError
from metasearch.types import FRESH, Design, Outcome, Owner, Split, Task, Usage
from tests.archive.conftest import TASKS, VALIDATION, Desk, HandClock, call, evaluation

WILD = 'NUL \x00, half a pair \ud83d, escape \U0010d7ff0041, "quotes", \u2028, 鹿, 😀'


def make(archive: Archive, **changes: object):
    settings = {"id": None, "domain": "d", "strategy": "s", "config": {}, "seed": 1, "tasks": TASKS}
    return archive.create_search(**{**settings, **changes})


def test_a_search_comes_back_from_another_opening(archive: Archive, place: str, clock: HandClock):
    made = make(archive, id="mine", config={"a": [1, None, {"b": WILD}]}, seed=-(2**62))
    with Archive.open(place, read_only=True) as again:
        found = again.search("mine")
    assert found == made
    assert found.config == {"a": [1, None, {"b": WILD}]}
    assert found.seed == -(2**62)
    assert found.status is SearchStatus.RUNNING
    assert found.created_at == clock.now
    assert found.created_at.tzinfo == datetime.UTC
    assert found.sizes == {Split.TRAIN: 1, Split.VALIDATION: 6, Split.TEST: 1}


def test_tasks_keep_their_order_and_every_field(archive: Archive):
    wild = [
        Task("t5", WILD, gold={"x": [1.5, None]}, answer_type=("a", "b"), kind=WILD, extra=[WILD]),
        Task("t4", "plain", gold=None, answer_type="float"),
        Task("t9", "", gold=WILD),
    ]
    search = make(archive, tasks={Split.TRAIN: wild})
    assert archive.tasks(search.id, Split.TRAIN) == wild
    assert archive.tasks(search.id, Split.TEST) == []
    assert search.sizes[Split.TEST] == 0


def test_a_corrected_gold_answer_leaves_the_older_search_as_it_was(archive: Archive):
    old = make(archive, tasks={Split.TRAIN: [Task("t1", "2 + 2?", gold=5)]})
    new = make(archive, tasks={Split.TRAIN: [Task("t1", "2 + 2?", gold=4)]})
    assert archive.tasks(old.id, Split.TRAIN)[0].gold == 5
    assert archive.tasks(new.id, Split.TRAIN)[0].gold == 4


def test_a_task_in_two_splits_is_refused_and_nothing_is_written(archive: Archive):
    with pytest.raises(ConfigError, match="t0 is in train and again in test"):
        make(archive, tasks={Split.TRAIN: VALIDATION, Split.TEST: VALIDATION[:1]})
    assert archive.searches() == []


def test_a_search_is_found_by_the_start_of_its_name_and_the_newest_by_none(
    archive: Archive, clock: HandClock
):
    for name in ("alpha-1", "alpha-2", "beta"):
        make(archive, id=name)
        clock.pass_seconds(1)
    assert archive.search("be").id == "beta"
    assert archive.search("alpha-1").id == "alpha-1"
    assert archive.search().id == "beta"
    assert [info.id for info in archive.searches()] == ["beta", "alpha-2", "alpha-1"]
    with pytest.raises(ConfigError, match=r"beginning of several .* alpha-2, alpha-1"):
        archive.search("alpha")
    with pytest.raises(ConfigError, match=r"'gamma' is no search in .*beta, alpha-2, alpha-1"):
        archive.search("gamma")
    with pytest.raises(ConfigError, match="'' is no search"):
        archive.search("")


def test_an_empty_archive_says_how_to_start(archive: Archive):
    with pytest.raises(ConfigError, match="holds no search; `metasearch run` starts one"):
        archive.search()


def test_the_same_name_twice_is_refused(desk: Desk):
    with pytest.raises(ConfigError, match="`metasearch resume s1` continues it"):
        make(desk.archive, id="s1")


def test_made_names_carry_the_date(archive: Archive):
    assert re.fullmatch(r"20261122-[0-9a-f]{6}", make(archive).id)


def test_status_is_written_with_its_reason_and_time(desk: Desk, clock: HandClock):
    clock.pass_seconds(90)
    desk.archive.set_status("s1", "stopped", "the dollars ran out")
    found = desk.archive.search("s1")
    assert (found.status, found.reason) == (SearchStatus.STOPPED, "the dollars ran out")
    assert (found.updated_at - found.created_at).total_seconds() == 90
    with pytest.raises(ConfigError, match="'s2' is no search"):
        desk.archive.set_status("s2", "stopped")
    with pytest.raises(ValueError, match="asleep"):
        desk.archive.set_status("s1", "asleep")


def test_events_come_in_order_and_can_be_followed(desk: Desk):
    for number in range(3):
        desk.archive.add_event("s1", "best", f"{number} {WILD}")
    events = desk.archive.events("s1")
    assert [event.text for event in events] == [f"{number} {WILD}" for number in range(3)]
    assert desk.archive.events("s1", after=events[1].id) == events[2:]


def test_an_entry_comes_back_with_all_it_was_given(desk: Desk):
    first = desk.entry("first")
    made = desk.archive.add_entry(
        "s1",
        design=Design(f"x = {WILD!r}\n# {WILD}", WILD, WILD),
        status="pending",
        proposer="meta-agent",
        operator="improve",
        parents=[first.number],
        reason=WILD,
        spent=Usage(1000, 200, 300),
        dollars=0.0123456789,
        raw=WILD,
        trace=[call(0), call(1, reply=None, error="429")],
    )
    assert made.number == 1
    assert desk.archive.entries("s1")[1] == made
    assert desk.archive.entry_raw(made.id) == WILD
    assert desk.archive.entry_raw(first.id) == ""
    assert desk.archive.entry_trace(made.id) == (call(0), call(1, reply=None, error="429"))
    assert desk.archive.entry_trace(first.id) == ()


def test_an_entry_without_a_design_is_kept_too(desk: Desk):
    made = desk.archive.add_entry(
        "s1", design=None, status="failed", proposer="meta-agent", reason="no code came"
    )
    assert desk.archive.entries("s1") == [made]
    assert made.design is None
    assert desk.archive.entries("s1", statuses=[EntryStatus.EVALUATED]) == []


def test_names_and_ideas_belong_to_the_entry_not_to_the_source(desk: Desk):
    source = "async def solve(task): return 1"
    for name in ("one", "two"):
        desk.entry(design=Design(source, name, f"idea {name}"))
    assert [entry.design for entry in desk.archive.entries("s1")] == [
        Design(source, "one", "idea one"),
        Design(source, "two", "idea two"),
    ]


def test_entries_may_be_written_out_of_order_but_not_twice(desk: Desk):
    desk.entry("late", number=4)
    desk.entry("early", number=2)
    desk.entry("next")
    assert [entry.number for entry in desk.archive.entries("s1")] == [2, 4, 5]
    with pytest.raises(IntegrityError):
        desk.entry("again", number=4)
    assert [entry.number for entry in desk.archive.entries("s1")] == [2, 4, 5]


def test_parents_keep_their_order_and_must_be_there(desk: Desk):
    for _ in range(3):
        desk.entry()
    child = desk.entry(parents=[2, 0])
    assert child.parents == (2, 0)
    assert desk.archive.entries("s1")[3].parents == (2, 0)
    with pytest.raises(KeyError):
        desk.entry(parents=[99])
    assert len(desk.archive.entries("s1")) == 4


def test_a_settled_entry_keeps_its_reason_unless_given_another(desk: Desk):
    entry = desk.entry(status="pending", reason="first")
    desk.archive.set_entry(entry.id, status="stopped")
    assert desk.archive.entry("s1", "0").reason == "first"
    desk.archive.set_entry(entry.id, status="evaluated", reason="")
    found = desk.archive.entry("s1", "0")
    assert (found.status, found.reason) == (EntryStatus.EVALUATED, "")


def test_an_evaluation_comes_back_with_its_trace(desk: Desk):
    entry = desk.entry()
    made = evaluation(
        entry,
        outcome=Outcome.CRASHED,
        score=0.0,
        answer={"deep": [1, 2.5, None, True, WILD]},
        error=WILD,
        stdout=WILD * 100,
        calls=3,
        trace=(
            call(0, said=WILD),
            call(1, agent=WILD, reply=None, error=WILD),
            call(2, said=""),
        ),
    )
    desk.archive.add_evaluation("s1", entry.id, made)
    assert desk.archive.evaluations("s1", with_trace=True) == [made]
    (without,) = desk.archive.evaluations("s1", entry_id=entry.id, split=Split.VALIDATION)
    assert without.trace == ()
    assert without.stdout == made.stdout
    assert desk.archive.evaluations("s1", split=Split.TEST) == []


def test_figures_are_those_of_the_whole_evaluations(desk: Desk):
    first, second = desk.entry(), desk.entry()
    desk.evaluate(second, [0.25, 1.0], usage=Usage(10, 4, 3), dollars=0.1 + 0.2, calls=2)
    desk.evaluate(first, [0.5], outcome=Outcome.TRUNCATED, answer="x" * 1000, repeat=FRESH)
    desk.archive.add_evaluation("s1", first.id, evaluation(first, task_id="t90", split=Split.TRAIN))
    whole = {
        entry.id: desk.archive.evaluations("s1", entry_id=entry.id) for entry in (first, second)
    }
    assert desk.archive.measured("s1") == {
        id: [Measured.of(one) for one in made] for id, made in whole.items()
    }
    assert desk.archive.evaluations_by_entry("s1", Split.TRAIN) == {first.id: [whole[first.id][1]]}


def test_the_same_evaluation_again_changes_nothing(desk: Desk):
    entry = desk.entry()
    first = desk.archive.add_evaluation("s1", entry.id, evaluation(entry, score=1.0))
    again = desk.archive.add_evaluation("s1", entry.id, evaluation(entry, score=0.0))
    other = desk.archive.add_evaluation("s1", entry.id, evaluation(entry, score=0.0, repeat=1))
    assert again == first
    assert other != first
    assert [one.score for one in desk.archive.evaluations("s1")] == [1.0, 0.0]


def test_an_infrastructure_fault_is_no_score_and_gives_way_to_the_next_try(desk: Desk):
    entry = desk.entry()
    spoilt = evaluation(entry, outcome=Outcome.INFRASTRUCTURE, score=0.0, trace=(call(0), call(1)))
    id = desk.archive.add_evaluation("s1", entry.id, spoilt)
    summary = desk.archive.entries("s1")[0].validation
    assert summary is not None
    assert (summary.n, summary.mean, summary.outcomes) == (0, 0.0, {Outcome.INFRASTRUCTURE: 1})
    good = evaluation(entry, trace=(call(2),))
    assert desk.archive.add_evaluation("s1", entry.id, good) == id
    assert desk.archive.evaluations("s1", with_trace=True) == [good]


def test_an_evaluation_on_a_task_of_another_split_is_refused(desk: Desk):
    entry = desk.entry()
    with pytest.raises(IntegrityError):
        desk.archive.add_evaluation("s1", entry.id, evaluation(entry, split=Split.TEST))
    assert desk.archive.evaluations("s1") == []


def test_only_replies_count_as_spent_and_only_once(desk: Desk):
    entry = desk.entry(trace=[call(7)])
    shared = (call(0), call(1))
    for task in ("t0", "t1"):
        made = evaluation(entry, task_id=task, dollars=5.0, trace=shared)
        desk.archive.add_evaluation("s1", entry.id, made)
    one = SpentRow(0.00021, Usage(10, 4, 3), 1)
    assert desk.archive.spent("s1", Owner.PROPOSER) == one
    assert desk.archive.spent("s1", Owner.EVALUATION) == SpentRow(0.00042, Usage(20, 8, 6), 2)
    assert desk.archive.spent("s1").calls == 3
    assert desk.archive.spent("elsewhere") == SpentRow()


def test_counts_need_no_reading_of_entries(desk: Desk):
    desk.evaluate(desk.entry(), [1, 0, 1])
    desk.entry(status="failed", design=None)
    assert desk.archive.counts("s1") == Counts(
        entries={EntryStatus.EVALUATED: 1, EntryStatus.FAILED: 1},
        evaluations={Split.VALIDATION: 3},
    )


def test_one_evaluation_is_found_by_task(desk: Desk):
    entry = desk.entry()
    desk.archive.add_evaluation("s1", entry.id, evaluation(entry, task_id="t3", trace=(call(0),)))
    found = desk.archive.trace("s1", entry.id, "t3")
    assert [one.agent for one in found.trace] == ["solver"]
    with pytest.raises(ConfigError, match=r"'t9' is no task .* it was on 1: t3"):
        desk.archive.trace("s1", entry.id, "t9")
    with pytest.raises(ConfigError, match="repeat 1"):
        desk.archive.trace("s1", entry.id, "t3", repeat=1)


def test_a_read_only_archive_refuses_to_write(desk: Desk, place: str):
    with Archive.open(place, read_only=True) as reader:
        with pytest.raises(ArchiveUnavailable, match="opened for reading only"):
            reader.add_event("s1", "kind", "text")
        assert reader.events("s1") == []
