"""Ending a search from outside: `stop`, `pause`, SIGTERM, Ctrl-C once and twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.testing.endpoint import ScriptedEndpoint
from tests.cli.archives import build
from tests.cli.conftest import Invoke
from tests.cli.test_run import configure
from tests.e2e.test_replay import touchy

Child = subprocess.Popen[str]
Start = Callable[..., Child]


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(touchy) as served:
        configure(served.base_url)
        yield served


@pytest.fixture
def start(endpoint: ScriptedEndpoint) -> Iterator[Start]:
    """Start a search in a process of its own; returns at the first event of that kind."""
    del endpoint
    started: list[Child] = []

    def begin(until: Callable[[dict[str, Any]], bool], *options: str) -> Child:
        child = subprocess.Popen(
            [sys.executable, "-m", "metasearch", "run", "--display", "json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ},
        )
        started.append(child)
        assert child.stdout is not None
        assert any(until(json.loads(line)) for line in child.stdout), child.communicate()[1]
        return child

    yield begin
    for child in started:
        child.kill()
        child.communicate()


def measured(event: dict[str, Any]) -> bool:
    return bool(event["event"] == "EvaluationDone")


def improved(event: dict[str, Any]) -> bool:
    return bool(event["event"] == "EntryDone" and event["number"] >= 2)


def ended(child: Child) -> str:
    """Wait for a child and return what it said to people."""
    words = child.communicate(timeout=60)[1]
    assert "Traceback" not in words
    return words


def facts(invoke: Invoke) -> tuple[str, str]:
    (one,) = json.loads(invoke("status", "--json").stdout)["searches"]
    return one["status"], one["reason"]


@pytest.mark.wasm
def test_pause_interrupts_a_search_in_another_process_and_resume_goes_on(
    invoke: Invoke, start: Start
) -> None:
    child = start(measured)
    asked = invoke("pause", "--wait")
    assert asked.exit_code == 0, asked.stderr
    assert f"asked pid {child.pid} on " in asked.stderr
    assert "search sums is paused: paused by the user" in asked.stderr
    assert "metasearch resume sums" in ended(child)
    assert child.returncode == 130
    assert facts(invoke) == ("paused", "paused by the user")
    assert invoke("resume").exit_code == 0
    assert facts(invoke) == ("finished", "")


@pytest.mark.wasm
def test_stop_ends_it_with_its_test_and_resume_says_what_that_means(
    invoke: Invoke, start: Start
) -> None:
    more = ("--designs", "8", "--set", "search.in_flight=1")
    child = start(improved, *more)
    assert invoke("stop", "sums", "--wait").exit_code == 0
    ended(child)
    assert child.returncode == 0
    assert facts(invoke) == ("stopped", "stopped by the user")
    with Archive.open(os.environ["METASEARCH_ARCHIVE"], read_only=True) as archive:
        counts = archive.counts("sums")
        assert counts.evaluations["test"] == 2 * 6, "the best design and the best seed"
        assert sum(counts.entries.values()) < 2 + 8
    resumed = invoke("resume", "--display", "none")
    assert resumed.exit_code == 0, resumed.stderr
    assert "was stopped by the user; it goes on where it was; its test was opened" in resumed.stderr
    assert facts(invoke) == ("finished", "")


@pytest.mark.wasm
@pytest.mark.parametrize(
    ("word", "status", "code"), [("stop", "stopped", 0), ("pause", "paused", 130)]
)
def test_now_does_not_wait_for_an_endpoint_that_is_slow(
    invoke: Invoke, start: Start, endpoint: ScriptedEndpoint, word: str, status: str, code: int
) -> None:
    child = start(measured)
    endpoint.latency = 100.0
    began = time.monotonic()
    assert invoke(word, "--now", "--wait").exit_code == 0
    ended(child)
    assert time.monotonic() - began < 20
    assert child.returncode == code
    assert facts(invoke) == (status, f"{status} at once by the user")
    endpoint.latency = 0.0
    assert invoke("resume").exit_code == 0


@pytest.mark.wasm
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_once_finishes_what_is_in_flight(
    invoke: Invoke, start: Start, number: signal.Signals
) -> None:
    child = start(measured)
    child.send_signal(number)
    assert "go on with: metasearch resume sums" in ended(child)
    assert child.returncode == 130
    assert facts(invoke) == ("paused", "interrupted")
    assert invoke("resume").exit_code == 0


@pytest.mark.wasm
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_twice_stops_at_once(
    invoke: Invoke, start: Start, endpoint: ScriptedEndpoint, number: signal.Signals
) -> None:
    child = start(measured)
    endpoint.latency = 100.0
    began = time.monotonic()
    child.send_signal(number)
    time.sleep(1.0)
    assert child.poll() is None, "it finishes what is in flight"
    child.send_signal(number)
    ended(child)
    assert time.monotonic() - began < 20
    assert child.returncode == 130
    assert facts(invoke) == ("paused", "interrupted at once")
    endpoint.latency = 0.0
    assert invoke("resume").exit_code == 0


def test_what_does_not_run_cannot_be_ended(invoke: Invoke, tmp_path: Path) -> None:
    build(tmp_path / "archive.db", status="paused")
    for word in ("stop", "pause"):
        none = invoke(word)
        assert (none.exit_code, none.stdout) == (1, "")
        assert f"there is nothing to {word}" in none.stderr
        named = invoke(word, "demo", "--now")
        assert named.exit_code == 1
        assert (
            named.stderr == f"search demo does not run, it is paused; there is nothing to {word}\n"
        )
        assert invoke(word, "nobody").exit_code == 2
    with Archive.open(tmp_path / "archive.db") as archive:
        assert [event.kind for event in archive.events("demo")] == ["test-opened"], "nothing asked"
        archive.set_status("demo", "running")
    assert "does not run, it is interrupted" in invoke("stop", "demo").stderr
    lost = invoke("stop", "--archive", tmp_path / "none.db")
    assert lost.exit_code == 4


def test_of_several_one_has_to_be_named(invoke: Invoke, tmp_path: Path) -> None:
    build(tmp_path / "archive.db", status="paused")
    build(tmp_path / "archive.db", status="paused", name="other")
    with Archive.open(tmp_path / "archive.db") as archive:
        archive.claim("demo")
        archive.claim("other")
        several = invoke("stop")
        assert several.exit_code == 2
        assert "name one to stop: other, demo" in several.stderr
        assert invoke("stop", "dem").exit_code == 0
        assert [event.text for event in archive.events("demo")][-1] == "stop"
        archive.release("other")
        assert invoke("pause").exit_code == 0
        assert [event.text for event in archive.events("demo")][-1] == "pause"
