"""Ranks, fronts, families and sums are right, and no question reads a whole table."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import event

from metasearch.archive import SOLVED, Archive, EntryInfo, EntryStatus
from metasearch.archive.records import Sample
from metasearch.types import Outcome, Split
from tests.archive.conftest import VALIDATION, Desk, evaluation


def numbers(entries: Sequence[EntryInfo]) -> list[int]:
    return [entry.number for entry in entries]


def test_the_leaderboard_ranks_by_mean_then_price_then_age(desk: Desk):
    desk.evaluate(desk.entry(), [1, 0, 0, 0], dollars=0.1)
    desk.evaluate(desk.entry(), [1, 1, 0, 0], dollars=0.3)
    desk.evaluate(desk.entry(), [1, 1, 0, 0], dollars=0.2)
    desk.evaluate(desk.entry(), [0, 1, 1, 0], dollars=0.2)
    desk.evaluate(desk.entry(status="stopped"), [1, 1, 1, 1], dollars=0.1)
    desk.entry(status="pending")
    assert numbers(desk.archive.leaderboard("s1")) == [2, 3, 1, 0]
    assert numbers(desk.archive.leaderboard("s1", limit=2)) == [2, 3]
    assert desk.archive.entry("s1", "best").number == 2
    assert desk.archive.leaderboard("elsewhere") == []


def test_the_order_in_which_scores_arrived_decides_nothing(desk: Desk):
    scores = [0.1, 0.2, 0.3, 0.0]
    shuffled = [0.0, 0.3, 0.2, 0.1]
    assert sum(scores) != sum(shuffled)
    desk.evaluate(desk.entry(), scores)
    desk.evaluate(desk.entry(), shuffled)
    assert numbers(desk.archive.leaderboard("s1")) == [0, 1]
    assert numbers(desk.archive.pareto("s1")) == [0]


@pytest.mark.parametrize("seed", range(3))
def test_the_front_is_what_comparing_all_pairs_gives(desk: Desk, seed: int):
    rng = random.Random(seed)
    for _ in range(25):
        scores = [rng.choice((0.0, 1.0)) for _ in VALIDATION]
        desk.evaluate(desk.entry(), scores, dollars=rng.choice((0.0, 0.001, 0.002)))
    board = desk.archive.leaderboard("s1")

    def price(entry: EntryInfo) -> tuple[float, float]:
        assert entry.validation is not None
        return entry.validation.dollars_per_task, entry.validation.tokens_per_task

    def beats(a: EntryInfo, b: EntryInfo) -> bool:
        assert a.validation is not None
        assert b.validation is not None
        if (a.validation.mean, price(a)) == (b.validation.mean, price(b)):
            return a.number < b.number
        return a.validation.mean >= b.validation.mean and price(a) <= price(b)

    front = [b for b in board if not any(beats(a, b) for a in board if a is not b)]
    assert numbers(desk.archive.pareto("s1")) == numbers(front)
    assert 1 <= len(front) <= 3


def test_a_summary_is_what_adding_up_gives(desk: Desk):
    rng = random.Random(5)
    entry = desk.entry()
    kinds = [Outcome.ANSWERED, Outcome.CRASHED, Outcome.INFRASTRUCTURE]
    for repeat in range(3):
        for task in VALIDATION:
            outcome = rng.choice(kinds)
            made = evaluation(
                entry,
                task_id=task.id,
                repeat=repeat,
                outcome=outcome,
                score=rng.random() if outcome is Outcome.ANSWERED else 0.0,
                dollars=rng.random(),
                seconds=rng.random(),
            )
            desk.archive.add_evaluation("s1", entry.id, made)
    test = evaluation(entry, task_id="t70", split=Split.TEST, score=0.25)
    desk.archive.add_evaluation("s1", entry.id, test)
    everything = desk.archive.evaluations("s1", split=Split.VALIDATION)
    scored = [one for one in everything if one.outcome is not Outcome.INFRASTRUCTURE]
    found = desk.archive.entry("s1", "0").summaries
    summary = found[Split.VALIDATION]
    assert summary.n == len(scored)
    assert summary.mean == pytest.approx(statistics.mean(one.score for one in scored))
    assert summary.solved == sum(one.score >= SOLVED for one in scored)
    assert summary.dollars_per_task == pytest.approx(statistics.mean(o.dollars for o in scored))
    assert summary.seconds_per_task == pytest.approx(statistics.mean(o.seconds for o in scored))
    assert summary.tokens_per_task == 130
    assert sum(summary.outcomes.values()) == len(everything)
    assert found[Split.TEST].mean == 0.25
    assert set(found) == {Split.VALIDATION, Split.TEST}


def test_scores_are_paired_by_task_and_repeat(desk: Desk):
    desk.evaluate(desk.entry(), [1, 0])
    desk.evaluate(desk.entry(), [0], repeat=1)
    desk.evaluate(desk.entry(), [0], outcome=Outcome.INFRASTRUCTURE)
    desk.entry()
    assert desk.archive.scores("s1", Split.VALIDATION) == {
        0: {Sample("t0", 0): 1.0, Sample("t1", 0): 0.0},
        1: {Sample("t0", 1): 0.0},
    }
    assert list(desk.archive.scores("s1", Split.VALIDATION, [1, 3])) == [1]
    assert desk.archive.scores("s1", Split.VALIDATION, []) == {}
    assert desk.archive.scores("s1", Split.TEST) == {}


def test_a_family_is_told_by_the_shortest_way(desk: Desk):
    parents = [(), (), (0,), (2, 1), (3, 0), (4, 3), (1,)]
    for some in parents:
        desk.entry(parents=some)
    desk.evaluate(desk.archive.entries("s1")[0], [1, 1])
    steps = desk.archive.lineage("s1", 5)
    assert [(step.depth, step.number) for step in steps] == [
        (0, 5),
        (1, 3),
        (1, 4),
        (2, 0),
        (2, 1),
        (2, 2),
    ]
    assert [step.parents for step in steps] == [(4, 3), (2, 1), (3, 0), (), (), (0,)]
    assert steps[3].validation is not None
    assert steps[3].validation.mean == 1.0
    assert steps[1].validation is None
    assert steps[0].status is EntryStatus.EVALUATED
    down = desk.archive.lineage("s1", 1, "children")
    assert [(step.depth, step.number) for step in down] == [(0, 1), (1, 3), (1, 6), (2, 4), (2, 5)]
    alone = desk.archive.lineage("s1", 6)
    assert [step.number for step in alone] == [6, 1]


def test_a_tree_in_which_everything_is_cross_linked_is_read_once(desk: Desk):
    for number in range(120):  # the number of paths through it has 25 digits
        desk.entry(parents=[number - 1, number - 2] if number > 1 else [])
    steps = desk.archive.lineage("s1", 119)
    assert len(steps) == 120
    assert max(step.depth for step in steps) == 60


def test_the_lineage_view_names_the_way_from_the_seed(desk: Desk):
    for some in ((), (0,), (1, 0), ()):
        desk.entry(parents=some)
    rows = desk.archive.sql(
        "SELECT number, parent_number, seed_number, depth, path FROM lineage ORDER BY number"
    ).rows
    assert rows == [
        (0, None, 0, 0, "0"),
        (1, 0, 0, 1, "0 > 1"),
        (2, 1, 0, 2, "0 > 1 > 2"),
        (3, None, 3, 0, "3"),
    ]


def test_the_views_say_what_the_methods_say(desk: Desk):
    for scores in ([1, 1], [1, 0], [0, 1]):
        desk.evaluate(desk.entry(), scores, outcome=Outcome.ANSWERED)
    spoilt = evaluation(desk.archive.entries("s1")[0], task_id="t5", outcome=Outcome.BLANK, score=0)
    desk.archive.add_evaluation("s1", 1, spoilt)
    board = desk.archive.leaderboard("s1")
    rows = desk.archive.sql(
        "SELECT number, n, mean, solved, dollars_per_task, tokens_per_task, seconds_per_task "
        "FROM leaderboard ORDER BY place"
    ).rows
    told = []
    for entry in board:
        seen = entry.validation
        assert seen is not None
        cost = (seen.dollars_per_task, seen.tokens_per_task, seen.seconds_per_task)
        told.append((entry.number, seen.n, seen.mean, seen.solved, *cost))
    assert [pytest.approx(row) for row in rows] == told
    outcomes = desk.archive.sql("SELECT number, outcome, n FROM outcomes ORDER BY 1, 2").rows
    assert outcomes == [
        (0, "answered", 2),
        (0, "blank", 1),
        (1, "answered", 2),
        (2, "answered", 2),
    ]


@pytest.fixture
def plans(desk: Desk) -> tuple[Archive, list[str]]:
    """The archive, and how the database went about each query since.

    A server reads a small table whole, whatever the index: it is told how it would go about a big
    one.
    """
    desk.evaluate(desk.entry("a"), [1, 0, 1])
    desk.evaluate(desk.entry("b", parents=[0]), [1, 1, 1])
    seen: list[str] = []
    on_file = desk.archive._database.file is not None
    explain, column = ("EXPLAIN QUERY PLAN", 3) if on_file else ("EXPLAIN", 0)

    @event.listens_for(desk.archive._database._read, "after_cursor_execute")
    def explained(connection, cursor, statement, parameters, context, many) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            aside = connection.connection.cursor()
            if not on_file:
                aside.execute("SET LOCAL enable_seqscan = off")
            plan = aside.execute(f"{explain} {statement}", parameters).fetchall()
            seen.extend(row[column].strip(" ->") for row in plan)

    return desk.archive, seen


BIG = ("evaluation", "call", "reply", "text")


@pytest.mark.parametrize(
    "question",
    [
        lambda archive: archive.leaderboard("s1"),
        lambda archive: archive.pareto("s1"),
        lambda archive: archive.entry("s1", "best"),
        lambda archive: archive.entries("s1"),
        lambda archive: archive.lineage("s1", 1),
        lambda archive: archive.lineage("s1", 0, "children"),
        lambda archive: archive.evaluations("s1", entry_id=1, with_trace=True),
        lambda archive: archive.scores("s1", Split.VALIDATION),
        lambda archive: archive.counts("s1"),
        lambda archive: archive.trace("s1", 1, "t0"),
        lambda archive: archive.events("s1", after=3),
        lambda archive: [archive.spent("s1")],
        lambda archive: archive.tasks("s1", Split.TRAIN),
    ],
)
def test_questions_use_an_index(plans: tuple[Archive, list[str]], question):
    archive, seen = plans
    assert question(archive) is not None
    assert seen
    scans = [line.split()[1] for line in seen if line.startswith("SCAN ") and "USING" not in line]
    scans += [line.split()[3] for line in seen if line.startswith("Seq Scan on ")]
    assert {*scans} & {*BIG, "v", "entry", "parent", "event"} == set()


def test_the_leaderboard_reads_the_covering_index_of_its_search_only(
    plans: tuple[Archive, list[str]],
    file: Path,
):
    archive, seen = plans
    archive.leaderboard("s1")
    covering = "USING COVERING INDEX ix_evaluation_summary (search_id=?"
    assert any(covering in line for line in seen)
    archive.spent("s1")
    assert any("USING COVERING INDEX ix_reply_spent (search_id=?" in line for line in seen)


def test_the_benchmark_fills_an_archive_that_is_sound(tmp_path: Path):
    from tests.benchmarks.archive_queries import fill, questions

    file = tmp_path / "big.db"
    search_id = fill(file, designs=12, evaluations=60)
    with Archive.open(file, read_only=True) as archive:
        assert archive.check() == []
        assert archive.counts(search_id).evaluations == {Split.VALIDATION: 60}
        assert all(ask(archive) for ask in questions(search_id, 12).values())
