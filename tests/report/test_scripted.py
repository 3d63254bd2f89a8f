"""The report of a whole search over real HTTP, in a real sandbox, in a world of known truth."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.report.reckon import reckon
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.types import Split
from tests.e2e.scripted import script
from tests.e2e.test_scripted_search import config, run


@pytest.mark.wasm
async def test_a_report_tells_what_was_really_paid_found_and_tested(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with Archive.open(path) as archive, ScriptedEndpoint(script) as endpoint:
        assert await run(archive, config(tmp_path, endpoint.base_url, finalists=1)) == "finished"
        found, facts = reckon(archive, "sums"), reckon(archive, "sums").to_json()
        served = endpoint.served.requests
        tasks = {split: archive.tasks("sums", split) for split in Split}
    rows = sqlite3.connect(path)
    (on_test,) = rows.execute(
        "SELECT count(*) FROM reply JOIN search_task ON scope = task_id WHERE split = 'test'"
    ).fetchone()
    spent = facts["spent"]
    assert spent["calls"] == served
    assert spent["test"]["calls"] == on_test == 3 * len(tasks[Split.TEST])
    parts = [spent[purse]["calls"] for purse in ("proposing", "evaluating", "probing")]
    assert sum(parts) == served
    assert parts[0] == 3, "a draft and two repairs"
    assert spent["minutes"] > 0

    def truth(split: Split, *, thinks: bool) -> float:
        """Return how much a model that checks its sums gains over one that thinks, or does not."""
        a_of = [int(task.prompt.split()[2]) for task in tasks[split]]
        return 1 - sum(a % 3 == 0 or (thinks and a % 2 == 0) for a in a_of) / len(a_of)

    assert found.winner is not None
    assert found.winner.name == "checker"
    assert found.test is not None
    assert found.test.pair.difference.mean == pytest.approx(truth(Split.TEST, thinks=False))
    assert found.test.baseline == 0, "direct is of the winner's price, the chain of thought is not"
    assert found.dearer_test is not None
    assert found.dearer_test.pair.difference.mean == pytest.approx(truth(Split.TEST, thinks=True))
    assert found.unlearnt.early == 1
    assert found.unlearnt.vote is None, "there are but two others"
    assert found.contest is not None
    line = found.line(found.contest.baseline)
    assert line is not None
    assert line.tokens <= found.winner.tokens or not found.is_fair
    assert found.looks == 1
    assert found.is_alike, "this model answers alike each time"
    assert not found.is_fresh
