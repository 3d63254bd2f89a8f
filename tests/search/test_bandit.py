"""Several meta models: who improves most per dollar proposes most, and the rows alone decide."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from metasearch.archive import Archive
from metasearch.search.bandit import arms, choose
from metasearch.search.config import MetaSection, SearchConfig, Sizes
from metasearch.search.member import Member
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.types import Design, Evaluation, Outcome, Split, Usage
from tests.e2e.scripted import GOOD, script
from tests.e2e.test_scripted_search import Watching, config, run

NAMES = ("meta-agent:dear", "meta-agent:cheap")


def member(
    number: int, proposer: str, solved: int, *, parents: tuple[int, ...] = (), dollars: float = 0.0
) -> Member:
    design = Design(f"d{number}")
    made = Member(number, number, design, "evaluated", proposer, parents=parents, dollars=dollars)
    made.spent = Usage(1000, 0, 100)
    for task in range(20):
        score = float(task < solved)
        made.add(Evaluation(design.id, f"t{task:02}", Split.VALIDATION, 0, Outcome.ANSWERED, score))
    return made


def history(wins: dict[str, float], cost: dict[str, float], count: int) -> list[Member]:
    """A seed and `count` children of it by each, of which a share improves."""
    members = [member(0, "seed", 10)]
    for name in NAMES:
        for place in range(count):
            solved = 14 if place < wins[name] * count else 8
            number = len(members)
            members.append(member(number, name, solved, parents=(0,), dollars=cost[name]))
    return members


def shares(members: list[Member], draws: int = 400) -> Counter[str]:
    return Counter(choose(members, NAMES, random.Random(seed)) for seed in range(draws))


def test_everybody_is_tried_first() -> None:
    assert set(shares([member(0, "seed", 10)])) == set(NAMES)
    once = [member(0, "seed", 10), member(1, NAMES[0], 20, parents=(0,))]
    assert set(shares(once)) == {NAMES[1]}


def test_at_equal_price_the_better_one_proposes_most_and_the_other_now_and_then() -> None:
    found = shares(history({NAMES[0]: 0.6, NAMES[1]: 0.2}, dict.fromkeys(NAMES, 0.01), 10))
    assert found[NAMES[0]] > 0.8 * 400
    assert found[NAMES[1]] > 0


def test_a_price_ten_times_as_high_has_to_be_worth_it() -> None:
    cost = {NAMES[0]: 0.10, NAMES[1]: 0.01}
    found = shares(history({NAMES[0]: 0.6, NAMES[1]: 0.3}, cost, 20))
    assert found[NAMES[1]] > 0.95 * 400


def test_proposals_that_came_to_nothing_cost_and_win_nothing() -> None:
    members = history({NAMES[0]: 0.5, NAMES[1]: 0.5}, dict.fromkeys(NAMES, 0.01), 4)
    broken = Member(99, 99, None, "failed", NAMES[0], dollars=0.5)
    racing = Member(100, 100, Design("x"), "pending", NAMES[0], dollars=9.0)
    known = arms([*members, broken, racing], NAMES)
    assert (known[NAMES[0]].pulls, known[NAMES[0]].wins) == (5, 2)
    assert known[NAMES[0]].cost == 0.54
    assert known[NAMES[0]].gain == 0.4


def test_models_without_a_price_are_weighed_by_tokens_and_drafts_by_the_best_seed() -> None:
    members = [member(0, "seed", 10), member(1, "seed", 12), member(2, NAMES[0], 13)]
    known = arms(members, NAMES)
    assert (known[NAMES[0]].wins, known[NAMES[0]].cost) == (1, 1100)
    assert round(known[NAMES[0]].gain, 9) == 0.05


def test_several_meta_models_share_all_but_their_names() -> None:
    several = SearchConfig.model_validate(
        {
            "model": {"name": "small", "base_url": "http://localhost:1/v1"},
            "meta_model": {"name": "wise", "temperature": 1.0, "others": ["cheap", "old"]},
        }
    )
    assert [one.name for one in several.designers()] == ["wise", "cheap", "old"]
    assert {one.temperature for one in several.designers()} == {1.0}
    assert {one.base_url for one in several.designers()} == {"http://localhost:1/v1"}
    assert SearchConfig.model_validate(several.to_json()) == several
    alone = SearchConfig.model_validate({"model": {"name": "small"}})
    assert [one.name for one in alone.designers()] == ["small"]
    with pytest.raises(ValidationError, match="'wise' is there twice"):
        SearchConfig.model_validate({"meta_model": {"name": "wise", "others": ["wise"]}})


def panel(number: int, model: str) -> str:
    """The wise model's designs improve on chains of thought, the other's do not."""
    told = f"CHECK {'it ' * number}" if model == "wise" else f"guess {'it ' * number}"
    code = GOOD.replace("CHECK the sum.", told)
    return json.dumps({"idea": "One agent.", "name": f"{model} {number}", "code": code})


async def test_the_model_whose_designs_improve_writes_more_of_them_also_after_a_stop(
    tmp_path: Path, unprotected: None
) -> None:
    del unprotected
    texts: list[str] = []

    def answer(request: dict[str, Any]) -> str:
        text = "".join(message["content"] for message in request["messages"])
        if not text.startswith("You design agentic systems"):
            return script(request)
        if text not in texts:
            texts.append(text)
        return panel(texts.index(text), request["model"])

    few = {"train": 2, "validation": 6, "test": 3}
    with ScriptedEndpoint(answer) as endpoint, Archive.open(tmp_path / "archive.db") as archive:
        base = config(
            tmp_path,
            endpoint.base_url,
            designs=7,
            strategy="meta-agent-search",  # no parents: every design is held against the seed
            smoke=0,
            finalists=0,
            seeds=["direct"],
        )
        settings = base.model_copy(
            update={
                "domain": base.domain.model_copy(update={"sizes": Sizes.model_validate(few)}),
                "meta_model": MetaSection(name="wise", others=("idle",)),
            }
        )
        assert await run(archive, settings, Watching(stop_after=20)) == "paused"
        assert await run(archive, settings) == "finished"
        made = [one for one in archive.entries("sums") if one.proposer.startswith("meta-agent")]
    names = [one.proposer for one in made]
    assert set(names[:2]) == {"meta-agent:wise", "meta-agent:idle"}, "both are tried"
    assert names.count("meta-agent:wise") > names.count("meta-agent:idle")
    for one in made:
        assert one.proposer.endswith(one.name.split()[0]), "the row says who wrote it"
