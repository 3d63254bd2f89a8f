"""Killed, copied, opened by many at once: what was committed is there, and nothing half-written."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from metasearch.archive import Archive
from metasearch.errors import ArchiveUnavailable
from tests.archive.conftest import Desk
from tests.postgres import DURABLE, Server


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


@pytest.mark.parametrize("seed", range(3))
def test_after_a_kill_everything_that_was_said_to_be_written_is_there(place: str, seed: int):
    said: dict[str, list[str]] = defaultdict(list)
    delay = random.Random(seed).random() * 0.5
    for kind, what in killed_after(child("write_for_ever", place), delay):
        said[kind].append(what)
    assert len(said["evaluation"]) >= 3
    with Archive.open(place) as archive:
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


def test_many_processes_may_create_the_same_archive_at_once(nowhere: str):
    started = [child("create", nowhere) for _ in range(3)]
    said = [process.communicate()[0].strip() for process in started]
    assert said == ["0"] * 3
    assert [process.returncode for process in started] == [0] * 3
    with Archive.open(nowhere) as archive:
        assert archive.check() == []


def test_a_reader_sees_one_moment_and_does_not_stop_the_writer(desk: Desk):
    desk.archive.add_event("s1", "a", "1")
    count = "SELECT count(*) FROM event"
    with desk.archive._database.reading() as connection:
        assert connection.exec_driver_sql(count).scalar() == 1
        desk.archive.add_event("s1", "a", "2")
        assert connection.exec_driver_sql(count).scalar() == 1
    assert len(desk.archive.events("s1")) == 2


@contextmanager
def someone_else(desk: Desk, place: str) -> Iterator[None]:
    """Another program that holds the database for itself."""
    if desk.archive._database.file is not None:
        with closing(sqlite3.connect(place)) as browser:
            browser.execute("BEGIN IMMEDIATE")
            yield
            browser.execute("ROLLBACK")
        return
    import psycopg

    with psycopg.connect(place.replace("+psycopg", "")) as browser:
        browser.execute("LOCK TABLE event")
        yield


def test_a_locked_archive_is_waited_for_and_then_reported(
    desk: Desk, place: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("metasearch.archive.dialect.LOCK_WAIT_SECONDS", 0.2)
    with Archive.open(place) as impatient:
        with (
            someone_else(desk, place),
            pytest.raises(ArchiveUnavailable, match="another program has held it for"),
        ):
            impatient.add_event("s1", "a", "b")
        impatient.add_event("s1", "a", "b")
    assert len(desk.archive.events("s1")) == 1


@pytest.mark.postgres
def test_writers_that_store_the_same_texts_in_another_order_do_not_wait_for_ever(server_desk: Desk):
    writer = server_desk.archive._database._write
    assert writer is not None
    place = writer.url.render_as_string(hide_password=False)
    words = [f"word {number}" for number in range(200)]

    def write(order: int) -> None:
        with Archive.open(place) as archive:
            for number in range(10):
                with archive._database.writing() as connection:
                    for word in words[::order]:
                        archive._database.texts.put(connection, [f"{number} {word}"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [1, -1, 1, -1]))
    assert server_desk.archive.sql("SELECT count(*) FROM text").rows == [(2000,)]


@pytest.mark.postgres
def test_a_server_that_dies_and_comes_back_has_kept_what_was_committed():
    with Server(*DURABLE) as server:
        place = server.url(server.database())
        writer = child("write_for_ever", place)
        assert writer.stdout is not None
        said = [writer.stdout.readline().split() for _ in range(60)]
        server.stop()  # as in a crash: nobody is waited for and nothing is tidied up
        said += [line.split() for line in writer.communicate()[0].split("\n")[:-1]]
        assert writer.returncode == 1
        server.start()
        with Archive.open(place) as archive:
            assert archive.check() == []
            recorder = archive.recorder("s1")
            assert all(recorder.find(what) for kind, what in said if kind == "reply")
            there = len(archive.evaluations("s1"))
            assert there >= sum(kind == "evaluation" for kind, _ in said)


@pytest.mark.postgres
def test_a_server_that_was_started_anew_in_between_is_no_fault():
    with Server(*DURABLE) as server, Archive.open(server.url(server.database())) as archive:
        assert archive.searches() == []
        server.stop()
        with pytest.raises(ArchiveUnavailable, match=r"no server answers: .*start it") as caught:
            archive.searches()
        assert "\n" not in str(caught.value)
        server.start()
        assert archive.searches() == []
