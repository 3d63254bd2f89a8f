"""What the archive says of an entry becomes its card and its recorded tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metasearch import __version__
from metasearch.archive import Archive, EntryInfo
from metasearch.errors import ConfigError
from metasearch.export.provenance import bundle, from_archive
from metasearch.gateway.prices import load_prices
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.types import Design, Split, Stream, Task
from tests.export.stage import SEEDS, evaluated, gateway_script

MADE = "2026-11-22"
TRAIN = [Task("t1", "What is 2 + 3?", 5, "int"), Task("t2", "What is 1 + 4?", 5, "int")]
VALIDATION = [Task(f"v{n}", f"What is {n} + 1?", n + 1, "int") for n in range(6)]
TEST = [Task("x1", "A sealed question?", 5, "int")]
CONFIG: dict[str, Any] = {
    "model": {"name": "gpt-4o-mini", "max_tokens": 200, "temperature": 0.7, "max_field_chars": 90},
    "search": {"calls_per_task": 40},
    "sandbox": {"name": "wasm", "memory_mib": 256},
    "budget": {},
}


class Desk:
    """A search in an archive, filled as a search fills it."""

    def __init__(self, archive: Archive, config: dict[str, Any] = CONFIG) -> None:
        self.archive = archive
        tasks = {Split.TRAIN: TRAIN, Split.VALIDATION: VALIDATION, Split.TEST: TEST}
        self.id = archive.create_search(
            id="s1", domain="sums", strategy="evolve", config=config, seed=7, tasks=tasks
        ).id

    def entry(self, design: Design | None, **options: Any) -> EntryInfo:
        given = {"status": "evaluated", "proposer": "seed", **options}
        return self.archive.add_entry(self.id, design=design, **given)

    async def evaluate(self, entry: EntryInfo, split: Split, tasks: list[Task]) -> EntryInfo:
        assert entry.design is not None
        price = load_prices().price("gpt-4o-mini")
        gateway = FakeGateway(gateway_script, record=self.archive.recorder(self.id), price=price)
        runs = await evaluated(
            entry.design, tasks, gateway=gateway, split=split, model="gpt-4o-mini"
        )
        for number, run in enumerate(runs):
            scored = replace(run, score=float(number % 2 == 0))
            self.archive.add_evaluation(self.id, entry.id, scored)
        return self.archive.entry(self.id, str(entry.number))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive.db") as opened:
        yield opened


async def test_the_bundle_of_an_entry(archive: Archive):
    desk = Desk(archive)
    entry = desk.entry(SEEDS["debate"])
    await desk.evaluate(entry, Split.TRAIN, TRAIN)
    await desk.evaluate(entry, Split.VALIDATION, VALIDATION)
    entry = await desk.evaluate(entry, Split.TEST, TEST)
    made = bundle(archive, desk.id, entry, made=MADE)
    assert made.design == SEEDS["debate"]
    assert (made.model, made.answer_type) == ("gpt-4o-mini", "int")
    assert (made.max_tokens, made.temperature, made.max_field_chars) == (200, 0.7, 90)
    assert made.max_calls == 40
    # solved ones first, training before validation, never a sealed one
    assert [task.prompt for task in made.recorded] == [
        TRAIN[0].prompt,
        VALIDATION[0].prompt,
        VALIDATION[2].prompt,
    ]
    first = made.recorded[0]
    assert (first.answer, first.seed, len(first.calls)) == (5, Stream("t1").seed(), 7)
    assert all(call.reply for call in first.calls)


async def test_the_card_of_an_entry(archive: Archive):
    desk = Desk(archive)
    seed = desk.entry(SEEDS["direct"])
    await desk.evaluate(seed, Split.VALIDATION, VALIDATION)
    child = desk.entry(SEEDS["debate"], proposer="meta-agent", operator="improve", parents=[0])
    desk.entry(SEEDS["step_back"], status="invalid", parents=[1])
    desk.entry(SEEDS["self_refine"], status="stopped")
    archive.add_event(desk.id, "sandbox", "wasm: CPython 3.12.0")
    child = await desk.evaluate(child, Split.VALIDATION, VALIDATION)
    card = from_archive(archive, desk.id, child, made=MADE)
    assert (card.design_id, card.idea) == (SEEDS["debate"].id, SEEDS["debate"].idea)
    assert (card.search, card.domain, card.made, card.version) == (
        desk.id,
        "sums",
        MADE,
        __version__,
    )
    assert card.proposed == 3
    [row] = card.scores
    assert (row.split, row.tasks, row.mean) == ("validation", 6, 0.5)
    assert 0.1 < row.low < 0.5 < row.high < 0.9
    assert row.outcomes == {"answered": 6}
    assert row.dollars > 0
    assert [(one.number, one.proposer, one.score) for one in card.lineage] == [
        (0, "seed", 0.5),
        (1, "meta-agent", 0.5),
    ]
    [use] = card.models
    assert (use.name, use.prompt_price, use.completion_price) == ("gpt-4o-mini", 0.15, 0.6)
    assert use.priced == load_prices().date
    assert card.sandbox == "wasm: CPython 3.12.0, 256 MiB a task"
    assert "gpt-4o-mini" in card.markdown()


async def test_repeats_of_a_task_are_one_task(archive: Archive):
    desk = Desk(archive)
    entry = desk.entry(SEEDS["direct"])
    runs = await evaluated(SEEDS["direct"], VALIDATION[:2], split=Split.VALIDATION)
    for run, score in zip([*runs, *runs], (1.0, 0.0, 0.0, 0.0), strict=True):
        repeat = int(any(one.task_id == run.task_id for one in archive.evaluations(desk.id)))
        archive.add_evaluation(
            desk.id, entry.id, replace(run, score=score, repeat=repeat, trace=())
        )
    [row] = from_archive(archive, desk.id, archive.entry(desk.id, "0"), made=MADE).scores
    assert (row.tasks, row.mean) == (2, 0.25)


async def test_a_price_that_does_not_explain_what_was_paid_is_not_named(archive: Archive):
    desk = Desk(archive)
    entry = desk.entry(SEEDS["direct"])
    runs = await evaluated(
        SEEDS["direct"],
        VALIDATION,
        gateway=FakeGateway(gateway_script, record=archive.recorder(desk.id)),  # costs nothing
        split=Split.VALIDATION,
        model="gpt-4o-mini",
    )
    for run in runs:
        archive.add_evaluation(desk.id, entry.id, run)
    [use] = from_archive(archive, desk.id, archive.entry(desk.id, "0"), made=MADE).models
    assert (use.name, use.prompt_price) == ("gpt-4o-mini", None)


async def test_a_key_in_the_configuration_does_not_get_out(archive: Archive):
    config = {**CONFIG, "model": {**CONFIG["model"], "base_url": "http://u:sk-secret@host/v1"}}
    desk = Desk(archive, config)
    entry = await desk.evaluate(desk.entry(SEEDS["direct"]), Split.TRAIN, TRAIN)
    made = bundle(archive, desk.id, entry, made=MADE)
    assert "secret" not in repr(made)
    assert "secret" not in made.card.json()


async def test_what_cannot_be_exported_is_said_in_one_line(archive: Archive):
    desk = Desk(archive)
    empty = desk.entry(None, status="failed", reason="the model wrote no code")
    with pytest.raises(ConfigError, match="#0 has no source to export: the model wrote no code"):
        bundle(archive, desk.id, empty, made=MADE)
    fresh = desk.entry(SEEDS["direct"], status="pending")
    with pytest.raises(ConfigError, match="#1 was never answered by a model"):
        bundle(archive, desk.id, fresh, made=MADE)
