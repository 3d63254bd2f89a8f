from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from metasearch.search.proposer import Parent
from metasearch.search.recombine.scene import Scene, Sketch
from metasearch.search.recombine.text import Unsuitable
from metasearch.search.recombine.thinking import think_first
from metasearch.types import Design
from tests.search.stage import TASKS, archive, brief, kit, run

SEEDS = {one.design.name: one for one in archive()}


def made(start: Parent) -> Sketch:
    return think_first(Scene(brief([start], 0, parents=[start]), start, random.Random(0)))


class Model:
    """Thinks in plain text, answers 7 in a field; cuts the thinking off when told to."""

    def __init__(self, finish: str = "stop") -> None:
        self.finish = finish
        self.calls: list[dict[str, Any]] = []

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        assert op == "ask"
        self.calls.append(body)
        if body.get("schema"):
            return {"text": '{"answer": 7}', "finish": "stop"}
        return {"text": "First 3, then 4 more", "finish": self.finish}


def play(sketch: Sketch, model: Model) -> Any:
    with kit() as module:
        return asyncio.run(run(module, sketch.source, TASKS[0], model))  # type: ignore[arg-type]


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_the_agent_thinks_without_a_schema_and_answers_from_its_thoughts(finish: str) -> None:
    model = Model(finish)
    assert play(made(SEEDS["chain_of_thought"]), model) == 7
    thinking, answering = model.calls
    assert "schema" not in thinking
    assert "step by step" in thinking["messages"][1]["content"]
    assert list(answering["schema"]["properties"]) == ["answer"]
    assert "First 3, then 4 more" in answering["messages"][1]["content"]


def test_voters_keep_their_temperatures() -> None:
    model = Model()
    assert play(made(SEEDS["self_consistency"]), model) == 7
    assert len(model.calls) == 10
    assert {call["temperature"] for call in model.calls} == {0.8}


@pytest.mark.parametrize("name", ["direct", "debate"])
def test_a_design_that_does_not_think_or_shows_its_thinking_is_left_alone(name: str) -> None:
    with pytest.raises(Unsuitable):
        made(SEEDS[name])


def test_it_is_not_done_twice() -> None:
    once = made(SEEDS["chain_of_thought"])
    with pytest.raises(Unsuitable, match="already"):
        made(Parent(9, Design(once.source, once.name), 0.5, 10, 100.0))
