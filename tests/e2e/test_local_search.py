"""A whole small search on the real local model, by the command that a user types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.types import Outcome, Split


def metasearch(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "metasearch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


@pytest.mark.local
@pytest.mark.wasm
@pytest.mark.timeout(600)
def test_a_search_on_the_local_model_ends_with_a_table_and_can_be_inspected(
    tmp_path: Path,
) -> None:
    place = str(tmp_path / "archive.db")
    ran = metasearch(
        *("run", "--preset", "local", "--sandbox", "wasm", "--archive", place, "--name", "small"),
        *("--designs", "2", "--display", "plain"),
        *("--set", 'search.seeds=["direct", "program_of_thought"]'),
        *("--set", "domain.sizes.validation=10", "--set", "domain.sizes.test=10"),
        *("--set", "search.proposers={recombine=1}"),  # a draft takes a small model a minute
    )
    assert ran.returncode == 0, ran.stderr
    assert "metasearch export" in ran.stdout + ran.stderr
    with Archive.open(place, read_only=True) as archive:
        entries = archive.entries("small")
        evaluated = [entry for entry in entries if Split.VALIDATION in entry.summaries]
        assert len(evaluated) >= 4
        assert all(entry.summaries[Split.VALIDATION].tokens_per_task > 0 for entry in evaluated)
        answered = [one.outcome is Outcome.ANSWERED for one in archive.evaluations("small")]
        assert sum(answered) / len(answered) > 0.5
        assert archive.spent("small").calls > 30
        assert archive.check() == []
    top = metasearch("top", "--archive", place, "--json")
    assert len(json.loads(top.stdout)["entries"]) == len(evaluated)
    exported = metasearch(
        "export", "best", "--as", "file", "-o", str(tmp_path / "agent.py"), "--archive", place
    )
    assert exported.returncode == 0, exported.stderr
    assert "openai" in (tmp_path / "agent.py").read_text()
