"""The figures of a report, held against sums over the rows that are worked out here, or in SQL."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.report.facts import Scored
from metasearch.report.generalisation import lost
from metasearch.report.markdown import markdown
from metasearch.report.pages import pages
from metasearch.report.reckon import reckon
from metasearch.search.steer import Action, ask
from metasearch.stats import wilson
from metasearch.types import Outcome, Split
from tests.cli.archives import build
from tests.report.rows import TASKS, Written
from tests.report.rows import archive as new_archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with new_archive(tmp_path) as made:
        yield made


def test_figures_equal_those_of_plain_sql(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    build(path)
    with Archive.open(path, read_only=True) as archive:
        found = reckon(archive, "demo").to_json()
    rows = sqlite3.connect(path)

    def one(query: str) -> tuple[float, ...]:
        (row,) = rows.execute(query).fetchall()
        return tuple(row)

    for line in found["designs"]:
        mean, dollars, tokens, seconds, tasks = one(
            "SELECT avg(score), sum(v.picodollars) / 1e12 / count(*),"
            " avg(v.prompt_tokens + v.completion_tokens), avg(v.seconds), count(DISTINCT task_id)"
            " FROM evaluation v JOIN entry e ON e.id = v.entry_id"
            f" WHERE e.number = {line['number']} AND v.split = 'validation'"
        )
        assert line["score"]["mean"] == pytest.approx(mean)
        assert line["score"]["tasks"] == tasks
        assert [line[name] for name in ("dollars", "tokens", "seconds")] == pytest.approx(
            [dollars, tokens, seconds]
        )
    paid, calls, tokens = one(
        "SELECT sum(picodollars) / 1e12, count(*), sum(prompt_tokens + completion_tokens)"
        " FROM reply WHERE search_id = 'demo'"
    )
    spent = found["spent"]
    assert (spent["calls"], spent["tokens"]) == (calls, tokens)
    assert spent["dollars"] == pytest.approx(paid)
    outcomes = dict(rows.execute("SELECT outcome, count(*) FROM evaluation GROUP BY outcome"))
    assert found["failures"]["outcomes"] == outcomes
    statuses = dict(rows.execute("SELECT status, count(*) FROM entry GROUP BY status"))
    assert found["failures"]["proposals"] == statuses
    wins, losses, mean = one(
        "SELECT sum(a.score > b.score), sum(a.score < b.score), avg(a.score - b.score)"
        " FROM evaluation a JOIN evaluation b ON a.task_id = b.task_id"
        " JOIN entry x ON x.id = a.entry_id JOIN entry y ON y.id = b.entry_id"
        " WHERE x.number = 4 AND y.number = 1 AND a.split = 'validation'"
    )
    contest = found["validation"]
    assert (len(contest["won"]), len(contest["lost"])) == (wins, losses) == (10, 0)
    assert contest["difference"]["mean"] == pytest.approx(mean)
    assert contest["p"] == pytest.approx(2 / 2**10)
    assert contest["corrected_p"] == pytest.approx(2 * 2 / 2**10, abs=0.001), "a copy is no try"
    assert found["test"]["difference"]["mean"] == pytest.approx(0.25)
    assert found["test"]["corrected_p"] is None
    assert (found["winner"]["number"], found["runner_up"]["number"]) == (4, 2)
    assert (found["opponent"], found["test_looks"], found["tried"]) == (1, 1, 3)


def test_the_winner_is_who_is_best_on_fresh_samples(archive: Archive) -> None:
    search = Written(archive)
    base = search.entry("direct", 20, proposer="seed")
    lucky, solid = search.entry("lucky", 36), search.entry("solid", 32)
    search.entry("third", 30)
    for number, right in ((base, 21), (lucky, 25), (solid, 31)):
        search.again(number, right)
    found = reckon(archive, "s")
    assert found.is_fresh
    assert found.winner is not None
    assert found.winner_score is not None
    assert found.winner.number == solid
    assert 31 / TASKS - 0.02 < found.winner_score.mean <= 31 / TASKS, "being chosen is taken off"
    assert found.winner.score.mean == 32 / TASKS
    assert found.runner_up is not None
    assert found.runner_score is not None
    assert (found.runner_up.number, found.runner_score.mean) == (lucky, 25 / TASKS)
    assert found.contest is not None
    assert found.contest.pair.mean_b == 21 / TASKS, "both by samples of the same streams"
    assert found.contest.pair.difference.mean == pytest.approx(10 / TASKS)
    # 10 wins and no loss, with one of each known beforehand: a Beta(11, 1) above a half.
    assert found.contest.better == pytest.approx(1 - 0.5**11)
    assert found.contest.believed is None


def test_without_fresh_samples_the_best_of_many_is_drawn_towards_the_others(
    archive: Archive,
) -> None:
    search = Written(archive)
    search.entry("direct", 20, proposer="seed")
    for i, right in enumerate((18, 19, 20, 20, 21, 22, 25)):
        search.entry(f"d{i}", right)
    found = reckon(archive, "s")
    assert not found.is_fresh
    assert found.winner is not None
    assert found.winner_score is not None
    assert found.winner_score.kind == "shrunk"
    middle = (18 + 19 + 20 + 20 + 21 + 22 + 25) / 7 / TASKS
    assert middle < found.winner_score.mean < found.winner.score.mean == 25 / TASKS
    assert found.contest is not None
    assert found.contest.believed is not None
    assert found.contest.better is not None
    assert 0 < found.contest.believed.mean < found.contest.pair.difference.mean == 5 / TASKS
    assert 0.9 < found.contest.better < 0.99, "5 wins, no loss, the best of 7"


def test_a_second_look_that_says_the_same_is_no_fresh_one(archive: Archive) -> None:
    search = Written(archive)
    base, best = search.entry("direct", 20, proposer="seed"), search.entry("best", 30)
    search.again(base, 20)
    search.again(best, 30)
    found = reckon(archive, "s")
    assert found.is_alike
    assert not found.is_fresh


def test_a_second_look_that_is_not_complete_chooses_nobody(archive: Archive) -> None:
    search = Written(archive)
    search.entry("direct", 20, proposer="seed")
    best, other = search.entry("best", 36), search.entry("other", 30)
    search.again(best, [1.0] * 10)
    search.again(other, 29)
    found = reckon(archive, "s")
    assert found.is_between
    assert found.winner is not None
    assert found.winner.number == other
    assert found.winner_score is not None
    assert found.winner_score.kind == "fresh"


def test_the_opponent_is_the_best_baseline_of_its_price(archive: Archive) -> None:
    search = Written(archive)
    cheap = search.entry("cheap", 20, proposer="seed", dollars=0.001)
    dear = search.entry("dear", 30, proposer="seed", dollars=0.009)
    search.entry("new", 28, dollars=0.002)
    found = reckon(archive, "s")
    assert found.opponent is not None
    assert (found.opponent.number, found.is_fair) == (cheap, True)
    search.entry("newer", 29, dollars=0.0001)
    found = reckon(archive, "s")
    assert found.opponent is not None
    assert (found.opponent.number, found.is_fair) == (dear, False)


def test_a_free_model_is_paid_in_tokens(archive: Archive) -> None:
    search = Written(archive)
    base = search.entry("long", 20, proposer="seed", dollars=0, tokens=500)
    search.entry("short", 25, dollars=0, tokens=300)
    found = reckon(archive, "s")
    assert found.unit == "tokens"
    assert (found.opponent and found.opponent.number, found.is_fair) == (base, False)
    assert found.break_even is not None
    assert found.break_even.saving == 200
    assert found.break_even.uses == 0, "nothing was paid, as these rows hold no call"


@pytest.mark.parametrize(("winner", "base", "saves"), [(0.001, 0.003, True), (0.003, 0.001, False)])
def test_break_even_is_spent_over_saved(
    archive: Archive, winner: float, base: float, saves: bool
) -> None:
    search = Written(archive)
    search.entry("direct", 20, proposer="seed", dollars=base)
    search.entry("new", 30, dollars=winner)
    found = reckon(archive, "s").break_even
    assert found is not None
    assert found.saving == pytest.approx(base - winner)
    if saves:
        assert found.uses is not None
        assert found.uses == pytest.approx(found.spent / (base - winner))
        return
    assert found.uses is None
    assert found.extra_per_answer == pytest.approx((winner - base) / (10 / TASKS))


def test_a_dearer_baseline_that_is_as_good_is_what_one_would_use(archive: Archive) -> None:
    search = Written(archive)
    search.entry("direct", 20, proposer="seed", dollars=0.001)
    debate = search.entry("debate", 30, proposer="seed", dollars=0.008)
    search.entry("new", 30, dollars=0.002)
    found = reckon(archive, "s").break_even
    assert found is not None
    assert (found.alternative, found.is_as_good) == (debate, True)
    assert found.saving == pytest.approx(0.006)


def test_what_a_search_buys_is_told_by_the_sealed_test_once_it_was_opened(archive: Archive) -> None:
    search = Written(archive)
    base = search.entry("direct", 20, proposer="seed", dollars=0.001)
    lucky = search.entry("lucky", 30, dollars=0.002)
    before = reckon(archive, "s").break_even
    assert before is not None
    assert before.gain == pytest.approx(10 / TASKS)
    search.evaluate(base, 12, split=Split.TEST)
    search.evaluate(lucky, 11, split=Split.TEST)
    after = reckon(archive, "s").break_even
    assert after is not None
    assert (after.alternative, after.is_as_good, after.uses) == (base, True, None)
    assert after.gain == pytest.approx(-1 / 20)
    assert after.extra_per_answer is None


def test_each_step_of_the_lineage_has_its_gain_over_its_main_parent(archive: Archive) -> None:
    search = Written(archive)
    root = search.entry("direct", 20, proposer="seed")
    worse = search.entry("worse", 17, parents=(root,), idea="Less of it.")
    best = search.entry("best", 31, parents=(worse, root), idea="More of it.")
    steps = reckon(archive, "s").lineage
    assert [(step.number, step.others) for step in steps] == [
        (root, ()),
        (worse, ()),
        (best, (root,)),
    ]
    assert [step.gain and step.gain.mean for step in steps] == [
        None,
        pytest.approx(-3 / TASKS),
        pytest.approx(14 / TASKS),
    ]
    assert steps[-1].idea == "More of it."


def test_a_front_holds_whom_nobody_beats_at_less_cost(archive: Archive) -> None:
    search = Written(archive)
    figures = {  # right, dollars, seconds
        "a": (20, 0.001, 5.0),
        "b": (30, 0.002, 4.0),
        "c": (30, 0.003, 1.0),
        "d": (25, 0.004, 0.5),
        "e": (19, 0.004, 6.0),
    }
    for name, (right, dollars, seconds) in figures.items():
        search.entry(name, right, dollars=dollars, seconds=seconds)
    lines = reckon(archive, "s").lines

    def beaten(one: str, cost: int) -> bool:
        own = figures[one]
        return any(
            other[0] >= own[0] and other[cost] <= own[cost] and other != own
            for other in figures.values()
        )

    assert {one.name for one in lines if one.on_cost_front} == {
        n for n in figures if not beaten(n, 1)
    }
    assert {one.name for one in lines if one.on_time_front} == {
        n for n in figures if not beaten(n, 2)
    }


def test_reasons_that_differ_in_names_and_numbers_are_one(archive: Archive) -> None:
    search = Written(archive)
    for i in range(3):
        search.entry(f"bad{i}", status="invalid", reason=f"line {i}: name 'x{i}' is not defined")
    search.entry("none", status="failed", reason="the reply holds no code")
    groups = reckon(archive, "s").failures.groups
    assert [(group.status, group.numbers) for group in groups] == [
        ("invalid", (0, 1, 2)),
        ("failed", (3,)),
    ]
    assert groups[0].reason == "line 0: name 'x0' is not defined"


def test_infrastructure_is_counted_and_is_no_score(archive: Archive) -> None:
    search = Written(archive)
    number = search.entry("direct", 20, proposer="seed")
    search.evaluate(number, 0, split=Split.TRAIN, outcome=Outcome.INFRASTRUCTURE)
    found = reckon(archive, "s")
    assert found.failures.outcomes == {"answered": TASKS, "infrastructure": 2}
    assert found.lines[0].score.mean == 0.5


@pytest.mark.parametrize("finalists", [0, 3])
def test_money_is_kept_back_until_the_test_is_opened(archive: Archive, finalists: int) -> None:
    search = Written(archive, budget={"usd": 5.0}, search={"finalists": finalists})
    base = search.entry("direct", 20, proposer="seed", dollars=0.001)
    new = search.entry("new", 30, dollars=0.002)
    evaluations = 2 * 20 + (TASKS * (3 + 1) if finalists else 0)
    assert reckon(archive, "s").kept_back == pytest.approx(evaluations * 1.25 * 0.002)
    for number in (base, new):
        search.evaluate(number, 12, split=Split.TEST)
    archive.add_event("s", "test-opened", "for 0 and 1")
    found = reckon(archive, "s")
    assert (found.kept_back, found.looks) == (0, 1)
    assert found.test is not None
    assert found.test.pair.difference.mean == 0


def test_every_figure_is_finite(archive: Archive) -> None:
    search = Written(archive)
    search.entry("direct", 0, proposer="seed", dollars=0, tokens=20)
    search.entry("new", TASKS, dollars=0, tokens=20, seconds=0)

    def finite(value: object) -> bool:
        if isinstance(value, dict):
            return all(map(finite, value.values()))
        if isinstance(value, list | tuple):
            return all(map(finite, value))
        return not isinstance(value, float) or math.isfinite(value)

    assert finite(reckon(archive, "s").to_json())


def test_a_search_that_a_person_has_steered_says_so(archive: Archive) -> None:
    search = Written(archive)
    search.entry("direct", 20, proposer="seed")
    search.entry("best", 30)
    assert "steered it" not in markdown(pages(reckon(archive, "s")))
    ask(archive, "s", Action.IDEA, text="Ask twice.")
    ask(archive, "s", Action.PIN, number=1)
    ask(archive, "s", Action.PIN, number=0)
    report = reckon(archive, "s")
    assert report.to_json()["steered"] == {"idea": 1, "pin": 2}
    assert "A person has steered it: idea 1, pin 2" in markdown(pages(report))


def test_what_is_lost_on_the_test_is_told_in_all_and_by_kind(archive: Archive) -> None:
    search = Written(archive, kinds=("easy", "hard"))
    base, best = search.entry("direct", 20, proposer="seed"), search.entry("best", 30)
    search.evaluate(base, [1.0, 0.0] * 10, split=Split.TEST)
    search.evaluate(best, [1.0, 0.5] * 10, split=Split.TEST)
    gap = reckon(archive, "s").gaps[best]
    assert gap.validation.mean == 30 / TASKS
    assert gap.kinds == {"easy": (0.75, 1.0), "hard": (0.75, 0.5)}
    assert gap.lost.mean == 0
    assert gap.lost.low < -0.1 < 0.1 < gap.lost.high
    told = markdown(pages(reckon(archive, "s"))).split("By kind of task")[1]
    assert "| easy | 1.00 (.50) | 1.00 (.75) |" in told
    assert "| hard | .00 (.50) | .50 (.75) |" in told


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe 1998, table II, method 10: examples (a) 56/70 - 48/80 and (h) 10/10 - 0/10.
    [((56, 70), (48, 80), 0.0524, 0.3339), ((10, 10), (0, 10), 0.6075, 1.0)],
)
def test_the_gap_is_as_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    a, b = (Scored(*wilson(*one), one[1], "test") for one in (first, second))
    assert lost(a, b).low == pytest.approx(low, abs=1e-4)
    assert lost(a, b).high == pytest.approx(high, abs=1e-4)
