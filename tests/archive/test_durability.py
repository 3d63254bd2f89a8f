"""Killed, copied, opened by many at once: what was committed is there, and nothing half-written."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.errors import ArchiveUnavailable
from tests.archive.conftest import Desk, evaluation


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.archive.children", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_after(process: subprocess.Popen[str], seconds: float) -> Iterator[list[str]]:
    """Kill a process in the middle of its work; give the whole lines that it had said."""
    assert process.stdout is not None
    begun = ""
    while not ("reply" in begun and "evaluation 3\n" in begun):
        begun += process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    rest = process.communicate()[0]
    yield from (line.split() for line in (begun + rest).split("\n")[:-1])


@pytest.mark.parametrize("seed", range(4))
def test_after_a_kill_everything_that_was_said_to_be_written_is_there(tmp_path: Path, seed: int):
    file = tmp_path / "archive.db"
    said: dict[str, list[str]] = defaultdict(list)
    delay = random.Random(seed).random() * 0.5
    for kind, what in killed_after(child("write_for_ever", str(file)), delay):
        said[kind].append(what)
    assert len(said["evaluation"]) >= 3
    with Archive.open(file) as archive:
        assert archive.check() == []
        recorder = archive.recorder("s1")
        assert all(recorder.find(key) for key in said["reply"])
        entries = {str(entry.number) for entry in archive.entries("s1")}
        assert entries.issuperset(said["entry"])
        evaluations = archive.evaluations("s1", with_trace=True)
        assert len(evaluations) >= len(said["evaluation"])
        # Each is one transaction, so none is there without its trace.
        assert all(len(made.trace) == made.calls for made in evaluations)
        paid = {key for (key,) in archive.sql("SELECT key FROM reply").rows}
        assert archive.spent("s1").calls == len(paid)
        archive.add_event("s1", "resumed", "")


def test_many_processes_may_create_the_same_archive_at_once(tmp_path: Path):
    file = tmp_path / "deep" / "archive.db"
    started = [child("create", str(file)) for _ in range(3)]
    said = [process.communicate()[0].strip() for process in started]
    assert said == ["0"] * 3
    assert [process.returncode for process in started] == [0] * 3
    with Archive.open(file) as archive:
        assert archive.check() == []


def test_a_backup_of_a_busy_archive_is_one_moment_of_it(desk: Desk, file: Path, tmp_path: Path):
    writer = child("write_slowly", str(file), "150")
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(0.05)
    copy = tmp_path / "copy.db"
    desk.archive.backup(copy)
    writer.communicate()
    assert writer.returncode == 0
    with Archive.open(copy) as opened:
        assert opened.check() == []
        numbers = [int(event.text) for event in opened.events("s1")]
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) <= 150
    assert len(desk.archive.events("s1")) == 150
    assert not list(tmp_path.glob("*.partial"))


def test_a_reader_sees_one_moment_and_does_not_stop_the_writer(desk: Desk):
    desk.archive.add_event("s1", "a", "1")
    count = "SELECT count(*) FROM event"
    with desk.archive._database.reading() as connection:
        assert connection.exec_driver_sql(count).scalar() == 1
        desk.archive.add_event("s1", "a", "2")
        assert connection.exec_driver_sql(count).scalar() == 1
    assert len(desk.archive.events("s1")) == 2


def test_a_damaged_archive_says_so(desk: Desk, file: Path):
    rng = random.Random(1)
    for _ in range(60):
        desk.evaluate(desk.entry(raw=rng.randbytes(10_000).hex()), [1, 0, 1])
    desk.archive.close()
    with file.open("r+b") as opened:
        size = file.stat().st_size
        opened.seek(size // 2 // 4096 * 4096)
        opened.write(b"\xa5" * (size // 2))
    with Archive.open(file, read_only=True) as archive:
        assert archive.check() != []
        with pytest.raises(ArchiveUnavailable, match=r"archive\.db: it is damaged; restore"):
            [archive.entries("s1"), archive.evaluations("s1"), archive.events("s1")]


def test_check_finds_a_reference_to_nothing(desk: Desk, file: Path):
    entry = desk.entry()
    desk.archive.add_evaluation("s1", entry.id, evaluation(entry))
    with closing(sqlite3.connect(file)) as strange, strange:  # foreign keys are off there
        strange.execute("DELETE FROM design")
    assert sorted(desk.archive.check()) == [
        "entry row 1 points to no row of design",
        "evaluation row 1 points to no row of design",
    ]


def test_a_locked_archive_is_waited_for_and_then_reported(
    desk: Desk, file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("metasearch.archive.dialect.LOCK_WAIT_SECONDS", 0.2)
    with Archive.open(file) as impatient, closing(sqlite3.connect(file)) as browser:
        browser.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveUnavailable, match="another program has held it for"):
            impatient.add_event("s1", "a", "b")
        browser.execute("ROLLBACK")
        impatient.add_event("s1", "a", "b")
    assert len(desk.archive.events("s1")) == 1
