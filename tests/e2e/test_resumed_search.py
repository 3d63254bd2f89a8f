"""A search that was cut off at a chosen point finds what it would have found."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.search.events import EntryAdded, EvaluationDone, Event
from metasearch.testing.endpoint import ScriptedEndpoint
from tests.e2e.remains import differences, found
from tests.e2e.scripted import script
from tests.e2e.test_scripted_search import Watching, config, run

SEARCH = {"seeds": ["chain_of_thought", "direct"], "stages": [2, "all"]}


class Cut(BaseException):
    """As sudden as a kill."""


class AtTheFirstDesign(Watching):
    """Ends everything once the first design that is to be raced has its row."""

    def show(self, event: Event) -> None:
        super().show(event)
        if isinstance(event, EntryAdded) and event.proposer != "seed" and event.status == "pending":
            raise Cut


class InTheSeedsRace(Watching):
    """Ends everything when one seed is through and the other has met 11 tasks more than a stage."""

    def show(self, event: Event) -> None:
        super().show(event)
        if sum(isinstance(one, EvaluationDone) for one in self.events) == 21 + 2 + 11:
            assert self.task is not None
            self.task.cancel()

    task: asyncio.Task[str] | None = None


@pytest.mark.wasm
@pytest.mark.parametrize("cut_off", [AtTheFirstDesign, InTheSeedsRace])
async def test_a_search_that_was_cut_off_finds_what_it_would_have_found(
    tmp_path: Path, cut_off: type[Watching]
) -> None:
    archives = [Archive.open(tmp_path / f"{name}.db") for name in ("quiet", "cut")]
    with ScriptedEndpoint(script) as endpoint:
        settings = config(tmp_path, endpoint.base_url, **SEARCH)
        assert await run(archives[0], settings) == "finished"
        cutting: Any = cut_off()
        cutting.task = asyncio.create_task(run(archives[1], settings, cutting))
        with pytest.raises((Cut, asyncio.CancelledError)):
            await cutting.task
        assert [one.status for one in archives[1].entries("sums")][1] != "stopped"
        assert await run(archives[1], settings) == "finished"
    quiet, resumed = (found(archive.where, "sums") for archive in archives)
    assert list(differences(quiet, resumed)) == []
    for archive in archives:
        archive.close()
