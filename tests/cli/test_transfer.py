"""`metasearch transfer`, in a world whose truth is known (tests/e2e/scripted.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.assets import asset
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.types import Split
from tests.cli.archives import build
from tests.cli.conftest import Invoke
from tests.e2e.scripted import GOOD, script, write_tasks
from tests.report.rows import Written

TASKS = 6


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(script) as served:
        yield served


def searched(path: Path, base_url: str) -> None:
    """Write a finished search whose winner is told to check its sums."""
    direct = (asset("seeds") / "single" / "direct.py").read_text()
    sizes = {"train": 6, "validation": 21, "test": 21}
    with Archive.open(path / "archive.db") as archive:
        search = Written(
            archive,
            domain={"spec": str(write_tasks(path / "sums.jsonl")), "sizes": sizes},
            model={"name": "scripted", "base_url": base_url},
            sandbox={"name": "wasm", "parallel": 2},
            budget={"allow_unpriced": True},
        )
        search.entry("direct", 20, proposer="seed", source=direct)
        search.entry("checker", 30, source=GOOD)
        archive.set_status("s", "finished")


def _json(invoke: Invoke, *arguments: object) -> dict[str, Any]:
    result = invoke(*map(str, arguments))
    assert result.exit_code == 0, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    return data


@pytest.mark.wasm
@pytest.mark.timeout(300)
def test_the_winner_meets_another_model_beside_the_baseline_and_nothing_is_paid_twice(
    invoke: Invoke, endpoint: ScriptedEndpoint, tmp_path: Path
) -> None:
    searched(tmp_path, endpoint.base_url)
    command = ("transfer", "s", "--model", "other", "--tasks", TASKS, "--allow-unpriced")
    short = invoke(*command, "--calls", "8")
    assert short.exit_code == 3, short.stderr
    assert endpoint.served.requests <= 8
    with Archive.open(tmp_path / "archive.db", read_only=True) as archive:
        (made,) = (one.id for one in archive.searches() if one.id != "s")
    resumed = invoke("resume", made)
    assert resumed.exit_code == 3, "the cap stays as it was"
    assert "preflight" not in resumed.output, "its designs are given, so there is nothing to find"
    (cell,) = _json(invoke, *command, "--json")["transfers"]
    with Archive.open(tmp_path / "archive.db", read_only=True) as archive:
        tasks = archive.tasks(cell["search"], Split.VALIDATION)
        assert archive.search(cell["search"]).strategy == "transfer"
        rows = archive.evaluations(cell["search"])
        assert {row.task_id for row in rows} == {task.id for task in tasks}
        spent = archive.spent(cell["search"])
    assert len(tasks) == TASKS
    right = sum(int(task.prompt.split()[2]) % 3 == 0 for task in tasks)
    assert (cell["mean"], cell["baseline_mean"]) == (1.0, pytest.approx(right / TASKS))
    assert cell["difference"]["difference"]["mean"] == pytest.approx(1 - right / TASKS)
    assert (cell["model"], cell["complete"], cell["status"]) == ("other", True, "finished")
    served = endpoint.served.requests
    assert spent.calls == served
    assert _json(invoke, *command, "--json")["transfers"] == [cell]
    assert endpoint.served.requests == served
    told = _json(invoke, "report", "--format", "json")
    assert told["search"]["id"] == "s", "a transfer is not the newest search"
    assert told["transfers"] == [cell]
    assert told["test_looks"] == 1, "the tasks were those of the search's own test"
    page = invoke("report").stdout
    assert f"| other | sums | {TASKS} | 1.00 |" in page
    assert invoke("replay", cell["search"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "nowhere to go"),
        (("--model", "scripted"), "nowhere to go"),
        (("--model", "other"), "no price is known for model 'other'"),
        (("--model", "other", "--usd", "-1"), "--usd"),
        (("--model", "other", "--design", "77"), "'77' is no entry"),
        (("--domain", "startr"), "startr"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_line_and_nothing_is_made(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], word: str
) -> None:
    searched(tmp_path, "http://127.0.0.1:9/v1")  # nobody is there, and nobody is asked
    result = invoke("transfer", "s", *arguments)
    assert result.exit_code == 2, result.output
    assert word in result.stderr.splitlines()[-1]
    with Archive.open(tmp_path / "archive.db", read_only=True) as archive:
        assert [one.id for one in archive.searches()] == ["s"]


def test_a_search_without_a_winner_has_nothing_to_transfer(invoke: Invoke, tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        Written(archive).entry("direct", 20, proposer="seed")
    result = invoke("transfer", "--model", "other")
    assert result.exit_code == 2
    assert "has no winner yet" in result.stderr


def test_a_report_says_when_nobody_has_tried_the_winner_elsewhere(
    invoke: Invoke, tmp_path: Path
) -> None:
    build(tmp_path / "archive.db")
    assert "Nobody has tried the winner" in invoke("report").stdout
