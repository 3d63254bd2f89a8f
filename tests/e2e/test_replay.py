"""What was paid for once is never asked again, and a search that was stopped goes the same way."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.gateway.base import NotRecorded
from metasearch.search.config import SearchConfig
from metasearch.search.launch import create, launch
from metasearch.search.replay import replay
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.types import Evaluation, Owner
from tests.e2e.scripted import GOOD, reply, write_tasks
from tests.e2e.test_scripted_search import PROBES, Watching

pytestmark = pytest.mark.wasm

ADVICE = "Think of {word}, then CHECK the sum."
CONFIG: dict[str, Any] = {
    "name": "sums",
    "model": {"name": "scripted"},
    "sandbox": {"name": "wasm", "parallel": 2},
    "budget": {"allow_unpriced": True},
    "search": {
        "designs": 4,
        "in_flight": 2,
        "proposers": {"meta-agent": 1},
        "seeds": ["direct", "chain_of_thought"],
        "stages": [4, "all"],
        "reflections": 0,
    },
}


def touchy(request: dict[str, Any]) -> str:
    """Answer by the last bit of what was asked: another prompt is another design or answer."""
    text = "\n".join(message["content"] for message in request["messages"])
    word = hashlib.sha256(text.encode()).hexdigest()[:8]
    if text.startswith("You design agentic systems"):
        code = GOOD.replace("CHECK the sum.", ADVICE.format(word=word))
        return json.dumps({"idea": f"Think of {word}.", "name": f"d{word}", "code": code})
    asked = re.search(r"What is (\d+) \+ (\d+)\?", text)
    if asked is None:
        return "ok"
    right = int(asked[1]) + int(asked[2])
    return reply(request, right + (int(word, 16) % 3 == 0))


def config(folder: Path, base_url: str, **changes: Any) -> SearchConfig:
    values = json.loads(json.dumps(CONFIG))
    tasks = write_tasks(folder / "sums.jsonl")
    sizes = {"train": 6, "validation": 12, "test": 6}
    values["domain"] = {"spec": str(tasks), "sizes": sizes}
    values["model"]["base_url"] = base_url
    # One stage: a race would stop who misses one task, as the first child solves them all.
    values["search"] = {**values["search"], "stages": ["all"]}
    for section, change in changes.items():
        values[section] = {**values[section], **change} if isinstance(change, dict) else change
    return SearchConfig.model_validate(values)


async def run(archive: Archive, settings: SearchConfig, stop_after: int | None = None) -> str:
    display = Watching(stop_after)
    return await launch(create(settings, archive), archive, display, running=display.running)


def rows(archive: Archive, name: str = "sums") -> list[object]:
    """Everything that a search has found, but how long it took."""
    found: list[object] = []
    for entry in archive.entries(name):
        measured = archive.evaluations(name, entry_id=entry.id, with_trace=True)
        design = entry.design and entry.design.id
        found.append((entry.number, design, entry.status, entry.parents, entry.usage))
        found += sorted((evaluation_row(one) for one in measured), key=repr)
    return found


def evaluation_row(one: Evaluation) -> tuple[object, ...]:
    calls = [(call.position, call.key, call.reply and call.reply.text) for call in one.trace]
    return (one.task_id, one.repeat, one.outcome, one.score, one.answer, one.usage, *calls)


def paid(archive: Archive) -> list[object]:
    return [archive.spent("sums", owner) for owner in (Owner.PROPOSER, Owner.EVALUATION)]


def asked(endpoint: ScriptedEndpoint) -> Counter[str]:
    return Counter(json.dumps(body, sort_keys=True) for body in endpoint.requests)


@pytest.mark.parametrize("stops", [(9,), (20, 25)])
async def test_a_stopped_search_asks_what_the_undisturbed_one_asks_and_nothing_twice(
    tmp_path: Path, stops: tuple[int, ...]
) -> None:
    with ScriptedEndpoint(touchy) as endpoint:
        with Archive.open(tmp_path / "undisturbed.db") as archive:
            assert await run(archive, config(tmp_path, endpoint.base_url)) == "finished"
            truth, spent = rows(archive), paid(archive)
            assert len([one for one in archive.entries("sums") if one.status == "evaluated"]) >= 3
        once = asked(endpoint)
    with ScriptedEndpoint(touchy) as endpoint:
        settings = config(tmp_path, endpoint.base_url)
        for stop in stops:
            with Archive.open(tmp_path / "stopped.db") as archive:
                assert await run(archive, settings, stop) == "paused"
        with Archive.open(tmp_path / "stopped.db") as archive:
            assert await run(archive, settings) == "finished"
            assert rows(archive) == truth
            assert paid(archive) == spent
        again = asked(endpoint)
    probes = {body: n for body, n in again.items() if n != once.get(body)}
    assert sum(probes.values()) == PROBES * (len(stops) + 1), "only the check of the endpoint"
    assert set(again) == set(once)


ASKING = '''"""{idea}"""
from agentkit import Agent, Task


async def solve(task: Task) -> int:
    reply = await Agent("one").ask(task.prompt, fields={{"answer": task.answer_type}})
    return reply.answer {change}
'''


def two_alike(folder: Path) -> str:
    """Write two designs that ask the same and make something else of it."""
    designs = folder / "designs"
    designs.mkdir(exist_ok=True)
    for name, change in (("plain", "+ 0"), ("off_by_one", "+ 1")):
        source = ASKING.format(idea=name, change=change)
        (designs / f"{name}.py").write_text(source, encoding="utf-8")
    return str(designs)


def priced(folder: Path, base_url: str, name: str = "sums", **changes: Any) -> SearchConfig:
    table = {"models": {"scripted": {"prompt": 1.0, "completion": 10.0}}}
    (folder / "prices.json").write_text(json.dumps(table))
    budget = {"allow_unpriced": False, "usd": 1.0, "prices": str(folder / "prices.json")}
    search = {"seeds": two_alike(folder), "designs": 0, "stages": ["all"]}
    return config(folder, base_url, name=name, budget=budget, search=search, **changes)


async def test_designs_that_ask_the_same_share_the_answer_and_the_budget_pays_once(
    tmp_path: Path,
) -> None:
    with ScriptedEndpoint(touchy) as endpoint, Archive.open(tmp_path / "archive.db") as archive:
        assert await run(archive, priced(tmp_path, endpoint.base_url)) == "finished"
        assert endpoint.served.requests == 12 + PROBES
        assert archive.spent("sums", Owner.EVALUATION).calls == 12
        off, plain = (archive.evaluations("sums", entry_id=entry.id, with_trace=True)
                      for entry in archive.entries("sums"))  # fmt: skip
        assert len(plain) == len(off) == 12
        mine, others = ({one.task_id: one for one in each} for each in (plain, off))
        for task, one in mine.items():
            other = others[task]
            assert one.answer + 1 == other.answer
            assert one.dollars == other.dollars > 0, "each counts the call as if it had paid"
            assert one.usage == other.usage
            (call,), (same,) = one.trace, other.trace
            assert call.reply
            assert same.reply
            assert (call.key, call.reply.text) == (same.key, same.reply.text)
            assert call.reply.recorded != same.reply.recorded, "one of the two has paid"
        spent = archive.spent("sums", Owner.EVALUATION).dollars
        assert spent == pytest.approx(sum(one.dollars for one in plain), rel=1e-12)
        # Another search of this archive asks the same: nothing is paid but the probes.
        again = priced(tmp_path, endpoint.base_url, "again")
        assert await run(archive, again) == "finished"
        assert endpoint.served.requests == 12 + 2 * PROBES
        assert archive.spent("again", Owner.EVALUATION).calls == 0
        assert [one.validation and one.validation.dollars_per_task for one in
                archive.entries("again")] == [one.validation and one.validation.dollars_per_task
                                              for one in archive.entries("sums")]  # fmt: skip


async def test_a_whole_search_runs_again_from_the_record_alone(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        with ScriptedEndpoint(touchy) as endpoint:
            assert await run(archive, config(tmp_path, endpoint.base_url)) == "finished"
        nowhere = {"base_url": "https://models.example/v1", "key_env": "NOT_SET"}
        budget = {"allow_unpriced": False}
        again = config(
            tmp_path, "", name="again", model=nowhere, budget=budget, record="replay-only"
        )
        assert await run(archive, again) == "finished"
        assert rows(archive, "again") == rows(archive)
        assert archive.spent("again").calls == 0
        other = config(
            tmp_path, "", name="other", model=nowhere, record="replay-only", search={"seed": 1}
        )
        with pytest.raises(NotRecorded, match="the record holds no reply to call"):
            await run(archive, other)
        assert archive.search("other").status == "paused"


class Fickle:
    """Answers every question otherwise each time."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: dict[str, Any]) -> str:
        self.asked += 1
        return reply(request, self.asked)


@pytest.mark.parametrize("mode", ["record-only", "off"])
async def test_calls_made_anew_stay_with_those_who_made_them(tmp_path: Path, mode: str) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        with ScriptedEndpoint(Fickle()) as endpoint:
            for name, record in (("sums", "normal"), ("anew", mode), ("later", "normal")):
                settings = priced(tmp_path, endpoint.base_url, name, record=record)
                assert await run(archive, settings) == "finished"
        paid_for = {name: archive.spent(name, Owner.EVALUATION).calls
                    for name in ("sums", "anew", "later")}  # fmt: skip
        assert paid_for["sums"] == 12
        assert 12 <= paid_for["anew"] <= 24, "only calls at the same moment are one"
        assert paid_for["later"] == 0
        said = {name: [call.reply and call.reply.text for one in
                       archive.evaluations(name, with_trace=True) for call in one.trace]
                for name in paid_for}  # fmt: skip
        assert sorted(map(str, said["later"])) == sorted(map(str, said["sums"]))
        assert not set(said["anew"]) & set(said["sums"])
        assert archive.check() == []
        for name in paid_for:
            found = await replay(archive, archive.search(name))
            assert (found.differences, found.evaluations) == ((), 24)


async def test_what_is_not_recorded_is_not_left_for_another(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        with ScriptedEndpoint(Fickle()) as endpoint:
            alone = priced(tmp_path, endpoint.base_url, "alone", record="off")
            assert await run(archive, alone) == "finished"
            assert await run(archive, priced(tmp_path, endpoint.base_url)) == "finished"
        assert archive.spent("sums", Owner.EVALUATION).calls == 12
        assert archive.spent("alone", Owner.EVALUATION).calls >= 12
