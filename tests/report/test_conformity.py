"""Conformity, consensus and cost, on the shipped society with an agent that goes with the most."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from metasearch.assets import asset
from metasearch.domains.starter import load as starter
from metasearch.report.conformity import columns, swayed
from metasearch.search.family import STRATEGIES, som
from metasearch.search.rescore import metrics_of
from metasearch.types import (
    Evaluation,
    Finish,
    Message,
    ModelCall,
    ModelReply,
    ModelRequest,
    Outcome,
    Split,
    Usage,
)
from tests.domains.societies.closed_som import checks


class Stub:
    """Adopts the majority of the round before when it is told what others say; else stays."""

    def __init__(self, first: list[str]) -> None:
        self.rounds: list[dict[str, str]] = [
            {f"member {seat}": answer for seat, answer in enumerate(first, 1)}
        ]
        self.said: Counter[str] = Counter()
        self.trace: list[ModelCall] = []

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        agent, number = body["agent"], self.said[body["agent"]]
        self.said[agent] += 1
        if number:
            if len(self.rounds) <= number:
                self.rounds.append({})
            self.rounds[number][agent] = self.answer(agent, number, body)
        text = json.dumps({"rationale": "-", "answer": self.rounds[number][agent]})
        self.trace.append(made(len(self.trace), agent, body["messages"], text))
        return {"text": text, "finish": "stop"}

    def answer(self, agent: str, number: int, body: dict[str, Any]) -> str:
        before = self.rounds[number - 1]
        value, count = Counter(before.values()).most_common(1)[0]
        debates = (
            "what the others say now" in body["messages"][1]["content"].rpartition("\n\n")[0][-200:]
        )
        return value if debates and count > 1 else before[agent]


def made(
    position: int, agent: str, messages: Any, text: str | None, field: str = "answer"
) -> ModelCall:
    said = tuple(Message(one["role"], one["content"]) for one in messages)
    schema = {"properties": {field: {}}}
    reply = ModelReply(text, Finish.STOP, Usage(7, 0, 3), 0.0, 0.0) if text is not None else None
    return ModelCall(position, agent, "", ModelRequest("m", said, 99, schema=schema), reply)


def asked(position: int, agent: str, question: str, answer: object, **said: object) -> ModelCall:
    text = json.dumps({**said, "answer": answer})
    return made(position, agent, [{"role": "user", "content": question}], text)


def run(monkeypatch: pytest.MonkeyPatch, strategy: str, first: list[str]) -> tuple[object, Stub]:
    """Run a member of the family with the stub for a model; return its answer, too."""
    monkeypatch.syspath_prepend(str(asset("sandbox") / "image"))
    from agentkit import Task, _link

    stub = Stub(first)
    monkeypatch.setattr(_link, "call", stub.call)
    names: dict[str, Any] = {"__name__": "design"}
    [design] = som(f"som:S2/{strategy}")
    exec(compile(design.source, "design", "exec"), names)
    return asyncio.run(names["solve"](Task("Which?", ("A", "B", "C", "D")))), stub


@pytest.mark.parametrize(("name", "found", "expected"), checks())
def test_known_answers(name: str, found: float, expected: float) -> None:
    assert found == expected


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_goes_with_the_most_agrees_after_the_first_debate(
    monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    steps = [strategy[place : place + 2] for place in (0, 2, 4)]
    for first in (["A", "A", "B"], ["B", "A", "B"], ["A", "B", "C"]):
        answer, stub = run(monkeypatch, strategy, first)
        assert stub.said == {"member 1": 4, "member 2": 4, "member 3": 4}
        found = swayed(stub.trace, lambda one: one == "A")
        agreed = len(set(first)) < 3
        expected = [len(set(first))]
        for step in steps:
            expected.append(1 if step == "p0" and agreed else expected[-1])
        assert found.distinct == tuple(expected)
        assert answer == (Counter(first).most_common(1)[0][0] if agreed else None)
        debates = steps.count("p0")
        assert found.chances == (3 * debates if agreed else 0)
        assert (found.tokens, found.calls) == (120, 12)
        shown = columns([found])
        if debates and agreed:
            assert shown["conformity"] == 1
            assert shown["benefit"] == float(answer == "A")
        else:
            assert "conformity" not in shown
        assert {f"distinct_{number}" for number in range(4)} <= shown.keys()


def test_moves_are_counted_by_what_was_right_before_and_after() -> None:
    def said(position: int, agent: str, answer: str, *heard: str) -> ModelCall:
        return asked(position, agent, "\n\n".join(f"[{name}]\nanswer: ?" for name in heard), answer)

    trace = [
        said(0, "x", "A"),
        said(1, "y", "A"),
        said(2, "z", "B"),
        said(3, "x", "A", "y", "z"),  # right and stays so
        said(4, "y", "B", "x", "z"),  # leaves the majority
        said(5, "z", "a ", "x", "y"),  # wrong to right
    ]
    found = swayed(trace, lambda one: str(one).strip().upper() == "A")
    assert found.distinct == (2, 2)
    assert found.chances == 3
    assert dict(found.moves) == {(True, True): 1, (False, True): 1}
    shown = columns([found])
    assert shown["conformity"] == pytest.approx(2 / 3)
    assert (shown["true_to_true"], shown["false_to_true"], shown["true_to_false"]) == (0.5, 0.5, 0)
    assert shown["benefit"] == 1
    wrong = swayed(trace, lambda one: one == "C")
    assert columns([wrong])["benefit"] == 0
    assert columns([wrong])["false_to_false"] == 1


def test_judges_do_not_count_and_quotations_are_heard_without_a_name() -> None:
    long = "because seven is a prime number"
    trace = [
        asked(0, "x", "Which?", "7", thinking=long),
        asked(1, "y", "Which?", "7", thinking=long + "!"),
        asked(2, "x", f"The other one thought {long}! Again?", "7"),
        asked(3, "judge", "[x]\nanswer: 7\n\n[y]\nanswer: 7", "8"),
    ]
    found = swayed(trace, lambda one: one == "7")
    assert found.distinct == (1, 1)
    assert found.chances == 1
    assert found.calls == 4


def test_a_reply_that_was_asked_for_again_is_one_answer() -> None:
    first = [{"role": "user", "content": "Which?"}]
    again = [*first, {"role": "assistant", "content": "?"}, {"role": "user", "content": "Again."}]
    trace = [
        made(0, "x", first, "no idea"),
        made(1, "x", again, '```json\n{"answer": 4}\n```'),
        made(2, "y", first, None),
        made(3, "z", first, "in another field", "x"),
    ]
    found = swayed(trace, bool)
    assert found.distinct == (1,)
    assert found.calls == 4
    assert found.agents == 2
    assert columns([swayed(trace[:2], bool)]) == {}
    assert columns([]) == {}


def test_rescore_and_show_have_the_columns_of_any_design_with_several_agents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    domain = starter(sizes=dict.fromkeys(Split, 10))
    task = domain.tasks(Split.VALIDATION)[0]
    _, stub = run(monkeypatch, "p0p1p0", ["A", "A", "B"])
    done = [
        Evaluation("d", task.id, split, 0, Outcome.ANSWERED, 0.0, "A", trace=tuple(stub.trace))
        for split in (Split.TRAIN, Split.VALIDATION)
    ]
    tasks = {task.id: task}
    shown = metrics_of(domain, tasks, done)["all"]
    assert shown["conformity"] == 1
    moved = sum(shown[name] for name in shown if "_to_" in name)
    assert moved == 1
    assert (shown["distinct_0"], shown["distinct_1"], shown["calls"]) == (2, 1, 12)
    alone = [replace(one, trace=one.trace[:1]) for one in done]
    assert metrics_of(domain, tasks, alone) == {}
