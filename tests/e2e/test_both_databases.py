"""A whole search as a process of its own: killed and resumed on both databases; out of disk."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.search.config_file import to_toml
from metasearch.testing.endpoint import ScriptedEndpoint, ScriptedReply
from metasearch.types import Outcome, Split
from tests.e2e.scripted import script
from tests.e2e.test_scripted_search import PROBES, config

MAIN = "from metasearch.cli import main; main()"
PATIENCE_SECONDS = 120
IN_FLIGHT = 16
FILE_BYTES = 1_000_000  # less than half of what the search's log grows to


def slowly(request: dict[str, object]) -> ScriptedReply:
    """Answer after a moment, so that a kill meets calls in flight."""
    return ScriptedReply(script(request), latency=0.02)


class Searching:
    """The commands that a person would type, against one archive."""

    def __init__(self, tmp_path: Path, place: str, base_url: str) -> None:
        self.place = place
        self.file = tmp_path / "search.toml"
        settings = config(tmp_path, base_url)
        sizes = settings.domain.sizes.model_copy(update={"validation": 12, "test": 6})
        domain = settings.domain.model_copy(update={"sizes": sizes})
        text = to_toml(settings.model_copy(update={"domain": domain}))
        self.file.write_text(text, encoding="utf-8")

    def start(
        self, *command: str, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *command, "--display", "none", "--archive", self.place],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
            env={**os.environ, "METASEARCH_DISPLAY": "none"},
        )

    def finish(self, *command: str) -> None:
        process = self.start(*command)
        told = process.communicate(timeout=PATIENCE_SECONDS)[1]
        assert process.returncode == 0, told


def table(archive: Archive) -> list[object]:
    """Return what a search has found, as far as it is the same in every run."""
    return [
        (
            entry.number,
            entry.design and entry.design.id,
            entry.status,
            entry.parents,
            {
                split: (summary.n, summary.mean, summary.tokens_per_task, dict(summary.outcomes))
                for split, summary in entry.summaries.items()
            },
        )
        for entry in archive.entries("sums")
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[object], int]:
    """The table of a search that nobody disturbed, in a file, and the calls that it paid."""
    folder = tmp_path_factory.mktemp("undisturbed")
    place = str(folder / "archive.db")
    with ScriptedEndpoint(slowly) as endpoint:
        searching = Searching(folder, place, endpoint.base_url)
        searching.finish("run", str(searching.file))
    with Archive.open(place, read_only=True) as archive:
        return table(archive), archive.spent("sums").calls - PROBES


@pytest.mark.wasm
def test_a_search_that_is_killed_and_resumed_finds_what_an_undisturbed_one_finds(
    tmp_path: Path, nowhere: str, undisturbed: tuple[list[object], int]
) -> None:
    with ScriptedEndpoint(slowly) as endpoint:
        searching = Searching(tmp_path, nowhere, endpoint.base_url)
        killed = searching.start("run", str(searching.file))
        wait_until(lambda: endpoint.served.requests >= 32, killed)
        killed.kill()
        killed.communicate()
        with Archive.open(nowhere) as archive:
            assert archive.check() == []
            assert not archive.is_running("sums")
            done = {(row.design_id, row.task_id) for row in archive.evaluations("sums")}
            paid = archive.spent("sums").calls
        assert 16 <= paid <= endpoint.served.requests
        assert 5 <= len(done) < 48
        searching.finish("resume", "sums")
        served = endpoint.served.requests
    with Archive.open(nowhere, read_only=True) as archive:
        assert archive.search("sums").status == "finished"
        assert archive.check() == []
        assert table(archive) == undisturbed[0]
        assert archive.spent("sums").calls - 2 * PROBES == undisturbed[1]
        # What was in flight when it was killed was paid again, nothing else.
        assert served - 2 * PROBES - undisturbed[1] <= IN_FLIGHT


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def small_files() -> None:
    """Let no file grow, as on a disk that gets full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))


@pytest.mark.wasm
def test_a_search_whose_disk_gets_full_says_so_and_is_resumed_when_there_is_room(
    tmp_path: Path, undisturbed: tuple[list[object], int]
) -> None:
    place = str(tmp_path / "archive.db")
    with ScriptedEndpoint(slowly) as endpoint:
        searching = Searching(tmp_path, place, endpoint.base_url)
        stopped = searching.start("run", str(searching.file), before=small_files)
        told = stopped.communicate(timeout=PATIENCE_SECONDS)[1]
        assert stopped.returncode == 4, told
        lines = [line for line in told.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1
        assert lines[0].startswith(f"error: archive {place}: its disk fails or is full")
        assert "nothing is lost" in told
        assert "Traceback" not in told
        with Archive.open(place) as archive:
            assert archive.check() == []
            done = archive.evaluations("sums")
            assert 5 <= len(done) < 48
            assert all(row.outcome is Outcome.ANSWERED for row in done)
        searching.finish("resume", "sums")
    with Archive.open(place, read_only=True) as archive:
        assert table(archive) == undisturbed[0]
        assert archive.entries("sums")[2].summaries[Split.TEST].mean == 1.0
