"""Backups and check-ups: what is damaged is told, and a copy is whole or not there."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.errors import ArchiveUnavailable, ConfigError
from tests.archive.conftest import Desk, evaluation
from tests.archive.test_durability import child


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


def test_a_backup_is_an_archive(desk: Desk, file: Path, tmp_path: Path):
    desk.evaluate(desk.entry("cot", raw="said"), [1, 0])
    copy = tmp_path / "copy.db"
    desk.archive.backup(copy)
    with Archive.open(copy) as opened:
        assert opened.entries("s1") == desk.archive.entries("s1")
        opened.add_event("s1", "k", "t")


def test_a_backup_replaces_nothing_and_leaves_nothing_behind(
    desk: Desk, file: Path, tmp_path: Path
):
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    with pytest.raises(ConfigError, match="exists already; name another"):
        desk.archive.backup(copy)
    assert copy.read_text() == "mine"
    for target in (tmp_path / "none" / "copy.db", tmp_path / ("x" * 256)):
        with pytest.raises(ArchiveUnavailable, match="nothing was written there"):
            desk.archive.backup(target)
    assert not list(tmp_path.glob("*.partial*"))


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
