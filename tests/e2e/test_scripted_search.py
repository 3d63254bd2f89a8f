"""A whole search over real HTTP, in a real sandbox, in a world whose truth is known."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.errors import ConfigError
from metasearch.search.config import SearchConfig, Sizes
from metasearch.search.events import EvaluationDone, Event
from metasearch.search.launch import create, launch
from metasearch.search.loop import Search
from metasearch.testing.endpoint import ScriptedEndpoint, ScriptedReply
from metasearch.types import Outcome, Owner, Split
from tests.e2e.scripted import GOOD, script, write_tasks

PROBES = 2  # one tiny question a model before a search begins


class Watching:
    """Keeps every event, and stops the search after so many evaluations."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[Event] = []
        self.search: Search | None = None
        self.stop_after = stop_after

    def show(self, event: Event) -> None:
        self.events.append(event)
        done = sum(isinstance(one, EvaluationDone) for one in self.events)
        if self.search and self.stop_after is not None and done >= self.stop_after:
            self.search.stop("enough")

    def running(self, search: Search) -> None:
        self.search = search


def config(tmp_path: Path, base_url: str, **search: object) -> SearchConfig:
    values = {
        "name": "sums",
        "domain": {
            "spec": str(write_tasks(tmp_path / "sums.jsonl")),
            "sizes": {"train": 6, "validation": 21, "test": 21},
        },
        "model": {"name": "scripted", "base_url": base_url},
        "sandbox": {"name": "wasm", "parallel": 2},
        "budget": {"allow_unpriced": True},
        "search": {
            "designs": 1,
            "proposers": {"meta-agent": 1},
            "seeds": ["direct", "chain_of_thought"],
            "stages": ["all"],
            "reflections": 0,
            **search,
        },
    }
    return SearchConfig.model_validate(values)


async def run(archive: Archive, settings: SearchConfig, display: Watching | None = None) -> str:
    display = display or Watching()
    return await launch(create(settings, archive), archive, display, running=display.running)


@pytest.mark.wasm
async def test_a_meta_agent_that_first_writes_broken_code_still_finds_the_better_design(
    tmp_path: Path,
) -> None:
    archive = Archive.open(tmp_path / "archive.db")
    with ScriptedEndpoint(script) as endpoint:
        assert await run(archive, config(tmp_path, endpoint.base_url)) == "finished"
        served = endpoint.served.requests
    direct, chain, made = archive.entries("sums")
    assert made.design is not None
    assert made.design.source == GOOD
    assert (made.status, made.proposer) == ("evaluated", "meta-agent")
    tasks = {split: archive.tasks("sums", split) for split in Split}
    golds = [task.gold for task in tasks[Split.VALIDATION]]
    assert len(golds) == 21
    means = [entry.summaries[Split.VALIDATION].mean for entry in (direct, chain, made)]
    a_of = [int(task.prompt.split()[2]) for task in tasks[Split.VALIDATION]]
    assert means == [
        pytest.approx(sum(a % 3 == 0 for a in a_of) / 21),
        pytest.approx(sum(a % 3 == 0 or a % 2 == 0 for a in a_of) / 21),
        1.0,
    ]
    # The sealed test is opened once: for the winner, the best baseline, and the best that is as
    # cheap as the winner, which the chain of thought is not.
    assert [Split.TEST in entry.summaries for entry in (direct, chain, made)] == [True] * 3
    opened = [event.text for event in archive.events("sums") if event.kind == "test-opened"]
    assert opened == ["for designs 2 and 1 and 0"]
    assert made.summaries[Split.TEST].mean == 1.0
    # Three meta calls: the draft and two repairs; each was paid once and written down.
    assert archive.spent("sums", Owner.PROPOSER).calls == 3
    assert archive.spent("sums", Owner.PROBE).calls == PROBES
    assert archive.spent("sums").calls == served
    archive.close()


@pytest.mark.wasm
async def test_a_stopped_search_goes_on_where_it_was_and_pays_nothing_twice(
    tmp_path: Path,
) -> None:
    archive = Archive.open(tmp_path / "archive.db")
    with ScriptedEndpoint(script) as endpoint:
        settings = config(tmp_path, endpoint.base_url)
        assert await run(archive, settings, Watching(stop_after=30)) == "paused"
        half = endpoint.served.requests
        assert 0 < half < 150
        assert await run(archive, settings) == "finished"
        total = endpoint.served.requests
    rows = archive.evaluations("sums")
    assert len({(row.design_id, row.task_id, row.repeat) for row in rows}) == len(rows)
    assert archive.spent("sums").calls == total
    with ScriptedEndpoint(script) as endpoint:
        undisturbed = config(tmp_path, endpoint.base_url).model_copy(update={"name": "again"})
        other = Archive.open(tmp_path / "other.db")
        assert await run(other, undisturbed) == "finished"
        assert endpoint.served.requests == total - PROBES

    def table(one: Archive, name: str) -> list[object]:
        return [
            (e.number, e.design and e.design.id, e.status, e.summaries[Split.VALIDATION].mean)
            for e in one.entries(name)
        ]

    assert table(archive, "sums") == table(other, "again")
    archive.close()
    other.close()


@pytest.mark.wasm
async def test_a_cap_of_calls_is_never_exceeded_and_what_is_done_is_kept(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "archive.db")
    with ScriptedEndpoint(script) as endpoint:
        settings = config(tmp_path, endpoint.base_url)
        small = settings.domain.model_copy(update={"sizes": Sizes(train=6, validation=21, test=4)})
        capped = settings.model_copy(
            update={
                "domain": small,
                "budget": settings.budget.model_copy(update={"calls": 120}),
            }
        )
        assert await run(archive, capped) == "stopped"
        assert endpoint.served.requests <= 120
    assert archive.spent("sums").calls <= 120
    assert len(archive.evaluations("sums")) >= 42
    assert all(row.outcome is Outcome.ANSWERED for row in archive.evaluations("sums"))
    archive.close()


@pytest.mark.wasm
async def test_the_same_name_with_other_settings_is_refused(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "archive.db")
    settings = config(tmp_path, "http://127.0.0.1:1/v1")
    create(settings, archive)
    with pytest.raises(ConfigError, match="another \\[search\\]"):
        create(config(tmp_path, "http://127.0.0.1:1/v1", designs=9), archive)
    archive.close()


@pytest.mark.wasm
async def test_the_order_in_which_replies_come_does_not_change_what_is_found(
    tmp_path: Path,
) -> None:
    found = []
    for run_number in (1, 2):
        rng = random.Random(run_number)
        archive = Archive.open(tmp_path / f"archive{run_number}.db")
        late = partial(_late, rng)
        with ScriptedEndpoint(late) as endpoint:
            settings = config(
                tmp_path,
                endpoint.base_url,
                designs=4,
                in_flight=3,
                stages=[4, "all"],
                proposers={"recombine": 1},
            )
            sizes = settings.domain.sizes.model_copy(update={"validation": 8, "test": 4})
            domain = settings.domain.model_copy(update={"sizes": sizes})
            assert await run(archive, settings.model_copy(update={"domain": domain})) == "finished"
        found.append(
            [
                (entry.number, entry.design and entry.design.id, entry.status, entry.parents)
                for entry in archive.entries("sums")
            ]
        )
        archive.close()
    assert found[0] == found[1]
    assert sum(status in ("evaluated", "stopped") for _, _, status, _ in found[0]) == 6


def _late(rng: random.Random, request: dict[str, object]) -> ScriptedReply:
    return ScriptedReply(script(request), latency=rng.uniform(0.0, 0.1))


@pytest.mark.wasm
async def test_a_cultural_search_passes_on_words_and_keeps_whom_they_are_of(tmp_path: Path) -> None:
    told: list[str] = []

    def listening(request: dict[str, Any]) -> str:
        text = "\n".join(message["content"] for message in request["messages"])
        told.extend([text] if "You design agentic systems" in text else [])
        return script(request)

    archive = Archive.open(tmp_path / "archive.db")
    with ScriptedEndpoint(listening) as endpoint:
        settings = config(tmp_path, endpoint.base_url, strategy="cultural")
        assert await run(archive, settings) == "finished"
    direct, chain, made = archive.entries("sums")
    assert made.status == "evaluated"
    assert made.parents == (chain.number,), "the better half of two"
    assert direct.design is not None
    assert chain.design is not None
    assert chain.design.idea in told[0]
    assert direct.design.idea not in told[0]
    assert chain.design.source.splitlines()[-1].strip() not in told[0]
    smoke = len(archive.evaluations("sums", entry_id=made.id, split=Split.TRAIN))
    trained = [
        archive.evaluations("sums", entry_id=one.id, split=Split.TRAIN) for one in (direct, chain)
    ]
    assert smoke > 0
    assert trained == [[], []], "no trace is shown, so none is paid for"
