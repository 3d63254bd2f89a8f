"""`simplify`, and a search that simplifies its winner, on a scripted endpoint over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.search.measure import Measurer
from metasearch.search.outage import Interrupted
from metasearch.search.simplify import SIMPLIFIED, SIMPLIFIER
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.types import Split
from tests.cli.archives import build
from tests.cli.conftest import Invoke
from tests.cli.test_run import configure
from tests.e2e.scripted import script

PANEL = '''"""Three checkers; the majority answers."""
from agentkit import Agent, Task, gather, majority

CHECKERS = 3


async def solve(task: Task) -> int:
    replies = await gather(
        Agent(f"checker {i}").ask(task.prompt, "CHECK it.", fields={"answer": task.answer_type})
        for i in range(CHECKERS)
    )
    return majority(reply.answer for reply in replies)
'''


def writes_a_panel(request: dict[str, Any]) -> str:
    if request["messages"][0]["content"].startswith("You design agentic systems"):
        return json.dumps({"idea": "Three.", "name": "panel", "code": PANEL})
    return script(request)


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(writes_a_panel) as served:
        yield served


def test_a_search_with_finals_ends_with_what_its_winner_really_needs(
    invoke: Invoke, endpoint: ScriptedEndpoint, tmp_path: Path, unprotected: None
) -> None:
    del unprotected
    configure(endpoint.base_url)
    few = ("--set", "search.finalists=1", "--set", "search.simplify_margin=0.45")
    run = invoke("run", "--no-preflight", "--display", "plain", *few)
    assert run.exit_code == 0, run.stderr
    assert "3 is 2 simplified: it costs 67 % less, difference +0.000" in run.stderr
    assert "metasearch export 3 --as file" in run.stdout
    with Archive.open(tmp_path / "archive.db") as archive:
        panel, alone = archive.entries("sums")[2:]
        assert (panel.proposer, alone.proposer) == ("meta-agent", SIMPLIFIER)
        assert (alone.operator, alone.parents) == ("simplify: CHECKERS = 1", (2,))
        assert Split.TEST in alone.summaries, "it wins, so it meets the sealed test"
        assert Split.TEST not in panel.summaries
        assert archive.entry("sums", "best").number == 3
        kinds = [event.kind for event in archive.events("sums")]
        assert kinds.count(SIMPLIFIED) == 1
        tested = archive.counts("sums").evaluations[Split.TEST]
    # This model needs no room to think, only to be told; the search stays as it was.
    by_hand = invoke("simplify", "sums", "seed:chain_of_thought", "--margin", 0.45, "--json")
    facts = json.loads(by_hand.stdout)
    assert facts["kind"] == "simplify"
    assert (by_hand.exit_code, facts["simpler"]) == (0, 4), by_hand.stderr
    assert "trying #4 chain_of_thought" in by_hand.stderr
    with Archive.open(tmp_path / "archive.db") as archive:
        assert archive.search("sums").status == "finished"
        assert archive.counts("sums").evaluations[Split.TEST] == tested
        assert not archive.is_running("sums")
    again = invoke("simplify", "sums", "2", "--margin", 0.45)
    assert again.exit_code == 0
    assert again.stdout.startswith("#3 does what #2 does for 67% less; its score differs by +0.000")


def test_what_cannot_be_simplified_is_refused_before_anything_is_asked(
    invoke: Invoke, tmp_path: Path
) -> None:
    build(tmp_path / "archive.db", status="paused")
    assert "search demo is paused" in invoke("simplify").stderr
    with Archive.open(tmp_path / "archive.db") as archive:
        archive.set_status("demo", "finished")
    few = invoke("simplify", "demo")
    assert few.exit_code == 2
    assert "40 validation tasks cannot show that a simpler design is at most 0.05" in few.stderr
    stopped = invoke("simplify", "demo", "3", "--margin", 0.3)
    assert stopped.exit_code == 2
    assert "#3 weak is stopped: only a design that met all validation tasks" in stopped.stderr


def test_a_simplification_that_somebody_interrupts_keeps_what_it_has(
    invoke: Invoke,
    endpoint: ScriptedEndpoint,
    tmp_path: Path,
    unprotected: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del unprotected
    configure(endpoint.base_url)
    assert invoke("run", "--no-preflight", "--display", "none").exit_code == 0
    meet, margin = Measurer.meet, ("--margin", 0.45)

    async def cut_off(self: Measurer, *arguments: Any, **options: Any) -> None:
        await meet(self, *arguments, **options)
        raise Interrupted("enough")

    with monkeypatch.context() as patched:
        patched.setattr(Measurer, "meet", cut_off)
        cut = invoke("simplify", "sums", "2", *margin)
    assert cut.exit_code == 130
    assert cut.stderr.endswith("what was evaluated is kept, the same command goes on\n")
    with Archive.open(tmp_path / "archive.db") as archive:
        assert archive.search("sums").status == "finished"
        assert [one.status for one in archive.entries("sums")][3:] == ["pending"]
    asked = endpoint.served.requests
    again = invoke("simplify", "sums", "2", *margin)
    assert again.exit_code == 0, again.stderr
    assert again.stdout.startswith("#3 does what #2 does for 67% less")
    assert endpoint.served.requests <= asked + 2, "but whether the models are there"
