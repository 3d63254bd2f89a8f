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
from metasearch.search.config import SearchConfig
from metasearch.search.launch import create, launch
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
