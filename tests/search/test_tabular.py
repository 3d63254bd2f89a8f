"""Searches on a table of real evaluations: what a table holds, and what a play may do with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from metasearch.archive import Archive
from metasearch.errors import ConfigError
from metasearch.search.config import SearchSection
from metasearch.search.selector import Candidate, Clades
from metasearch.search.strategies import STRATEGIES
from metasearch.testing.contest import CONTROL, on_table, rules_of
from metasearch.testing.simulator import Rules
from metasearch.testing.tabular import Row, Table, play, read_table, take, write_table
from tests.benchmarks.real_gain import _told
from tests.benchmarks.tabular import selection_on_table
from tests.cli.archives import build

FIXTURE = Path(__file__).parents[1] / "fixtures" / "tabular_starter.jsonl"


def row(number: int, parents: tuple[int, ...], solved: int, tasks: int = 20) -> Row:
    scores = np.array([[float(task < solved) for task in range(tasks)]])
    return Row(number, f"d{number}", "move" if parents else "", parents, 100.0, scores)


def ladder() -> Table:
    """Two seeds; one has a line of children that rises, the other many that are worth nothing."""
    good = [row(2 + step, (1 + step,), 6 + 2 * step) for step in range(6)]
    bad = [row(8 + place, (0,), 1) for place in range(6)]
    return Table("d", "m", [row(0, (), 4), row(1, (), 4), *good, *bad])


class Newest:
    """Starts from the newest design that is among the best."""

    def choose(self, candidates: list[Candidate], count: int, rng: object) -> list[int]:
        del rng
        best = sorted(candidates, key=lambda one: (-sum(one.scores.values()), -one.number))
        return [one.number for one in best][:count]


def rules(**changes: object) -> Rules:
    settings = SearchSection.model_validate({"designs": 6, "stages": ["all"]})
    return Rules(settings, **changes)  # type: ignore[arg-type]


def test_a_selector_gets_the_children_of_whom_it_chooses() -> None:
    found = play(ladder(), rules(selector=Newest()), seed=3)
    assert found.truth[-1] == max(found.truth) > found.truth[0]
    assert list(found.best) == sorted(found.best)
    assert found.evaluations == 8 * 10, "every design meets half of the tasks"


def test_independent_sampling_sees_children_of_seeds_alone() -> None:
    table = ladder()
    assert table.drafts == 7
    for seed in range(5):
        found = play(table, rules(), seed)
        assert len(found.truth) == 7
        true = {float(one.scores.mean()) for one in table.rows}
        assert found.best[-1] <= max(true)
        second = next(one for one in table.rows if one.parents == (2,))
        assert second.scores.mean() > 0.3, "a grandchild is better, and is not met"
    many = Rules(SearchSection(designs=40), None)
    ended = play(table, many, 0)
    assert len(ended.truth) == 41
    assert len(set(ended.truth[8:])) == 1, "it has no further children"


def test_the_same_seed_deals_the_same_tasks_to_every_strategy() -> None:
    table = read_table(FIXTURE)
    first = [play(table, rules_of(name, 4), 11).truth[0] for name in STRATEGIES]
    assert len(set(first)) == 1
    again = play(table, rules_of("evolve", 4), 11)
    assert again == play(table, rules_of("evolve", 4), 11)
    assert again.truth[0] != play(table, rules_of("evolve", 4), 12).truth[0]


def test_strategies_are_those_of_a_real_search() -> None:
    evolve, paper, control = (
        rules_of(name, 9) for name in ("evolve", "meta-agent-search", "independent")
    )
    assert isinstance(evolve.selector, Clades)
    assert (paper.crowd, paper.selector, paper.settings.stages) == (True, None, ("all",))
    assert (control.crowd, control.selector) == (False, None)
    standings = on_table(ladder(), 10, 3)
    assert [one.strategy for one in standings] == list(STRATEGIES)
    (own,) = (one for one in standings if one.strategy == CONTROL)
    assert (own.lead, own.low, own.high) == (0, 0, 0)


def test_a_table_survives_being_written(tmp_path: Path) -> None:
    table = ladder()
    graded = Row(14, "graded", "move", (0,), 50.0, np.full((1, 20), 0.25))
    write_table(Table("d", "m", [*table.rows, graded]), tmp_path / "t.jsonl")
    again = read_table(tmp_path / "t.jsonl")
    assert [(one.name, one.parents, one.tokens) for one in again.rows[:14]] == [
        (one.name, one.parents, one.tokens) for one in table.rows
    ]
    assert (again.rows[14].scores == 0.25).all()
    assert (again.rows[3].scores == table.rows[3].scores).all()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json\n",
        json.dumps({"format": 9}) + "\n",
        json.dumps({"format": 1, "domain": "d", "model": "m", "tasks": 2, "repeats": 1})
        + '\n{"name": "a", "operator": "", "parents": [], "tokens": 1, "scores": ["1"]}\n',
        json.dumps({"format": 1, "domain": "d", "model": "m", "tasks": 1, "repeats": 1})
        + '\n{"name": "a", "operator": "", "parents": [3], "tokens": 1, "scores": ["1"]}\n',
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.jsonl").write_text(text)
    with pytest.raises(ConfigError, match=r"t\.jsonl"):
        read_table(tmp_path / "t.jsonl")


def test_a_table_is_taken_from_an_archive_without_what_is_not_whole(tmp_path: Path) -> None:
    build(tmp_path / "archive.db")
    with Archive.open(tmp_path / "archive.db") as archive:
        table = take([(archive, "demo")])
    assert [(one.name, one.parents) for one in table.rows] == [
        ("direct", ()),
        ("chain_of_thought", ()),
        ("chain again", (1, 0)),
        ("route by kind", (1, 0)),
    ]
    assert table.rows[3].scores.shape == (1, 40)
    assert table.rows[3].scores.sum() == 30
    assert table.drafts == 2


def test_the_fixture_is_of_a_real_model_and_wide_enough_to_compare_on() -> None:
    table = read_table(FIXTURE)
    assert (table.domain, table.model) == ("starter", "local")
    assert len(table.seeds) == 5
    assert table.rows[0].scores.shape[1] == 30
    assert len(table.rows) > 40
    assert table.drafts >= 20
    assert all(set(one.parents) <= set(range(one.number)) for one in table.rows)


def test_the_figure_says_at_every_look_who_is_ahead() -> None:
    found = selection_on_table(quick=True)
    assert len(found["lead"]) == len(found["standard_error"]) == len(found["proposals"])
    assert found["value"] == min(found["lead"])
    assert found["designs"] == len(read_table(FIXTURE).rows)


def test_a_real_search_is_told_by_its_sealed_test(tmp_path: Path) -> None:
    build(tmp_path / "archive.db")
    with Archive.open(tmp_path / "archive.db") as archive:
        told = _told(archive, "demo", 3, 0)
    assert (told["seed"], told["status"], told["done"]) == (3, "finished", True)
    assert (told["winner"], told["baseline"]) == ("route by kind", "chain_of_thought")
    assert (told["tasks"], told["scores"], told["difference"]) == (20, [0.75, 0.5], 0.25)
    assert told["low"] == 0.0 < 0.25 < told["high"], "five tasks of twenty are not enough"
