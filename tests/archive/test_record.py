"""The record keeps what was paid for: durably, once, and many calls in one commit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from metasearch.archive import Archive
from metasearch.archive.record import Recorder
from metasearch.errors import ArchiveUnavailable
from metasearch.gateway.base import Record
from metasearch.types import Finish, ModelCall, ModelReply, Owner, Stream, Usage
from tests.archive.conftest import Desk, call, evaluation


async def keep(recorder: Recorder, made: ModelCall, owner: Owner = Owner.EVALUATION) -> None:
    assert made.reply is not None
    await recorder.keep(made.key, made.request, Stream("t0", 0, 1), made.reply, owner)


async def test_a_kept_reply_is_found_as_it_was_and_marked_as_recorded(desk: Desk):
    recorder: Record = desk.archive.recorder("s1")
    reply = ModelReply("\x00\ud83d 鹿", Finish.LENGTH, Usage(7, 3, 2), 0.0000000125, 1.25)
    made = call(0, reply=reply)
    assert recorder.find(made.key) is None
    await recorder.keep(made.key, made.request, Stream("t0"), reply, Owner.PROPOSER)
    assert recorder.find(made.key) == ModelReply(
        "\x00\ud83d 鹿", Finish.LENGTH, Usage(7, 3, 2), 0.0000000125, 1.25, recorded=True
    )


async def test_a_reply_is_found_by_every_search_and_paid_by_one(desk: Desk):
    other = desk.archive.create_search(
        id="s2", domain="d", strategy="s", config={}, seed=0, tasks={}
    )
    await keep(desk.archive.recorder("s1"), call(0))
    assert desk.archive.recorder(other.id).find(call(0).key) is not None
    assert desk.archive.spent("s1").calls == 1
    assert desk.archive.spent("s2").calls == 0


async def test_when_keep_returns_another_process_sees_the_reply(desk: Desk, place: str):
    made = call(0, said="durable")
    await keep(desk.archive.recorder("s1"), made)
    seen = subprocess.run(
        [sys.executable, "-m", "tests.archive.children", "find", place, made.key],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip() == "durable"


async def test_calls_that_wait_together_are_committed_together(desk: Desk):
    recorder = desk.archive.recorder("s1")
    commits = count_commits(desk.archive)
    await asyncio.gather(*(keep(recorder, call(number)) for number in range(200)))
    assert all(recorder.find(call(number).key) for number in range(200))
    assert desk.archive.spent("s1").calls == 200
    assert len(commits) <= 20


def count_commits(archive: Archive) -> list[object]:
    from sqlalchemy import event

    seen: list[object] = []
    event.listen(archive._database._write, "commit", seen.append)
    return seen


async def test_a_call_paid_twice_counts_twice_and_replays_the_first(desk: Desk):
    recorder = desk.archive.recorder("s1")
    await keep(recorder, call(0, said="first"))
    await asyncio.gather(*(keep(recorder, call(0, said=f"again {n}")) for n in range(3)))
    found = recorder.find(call(0).key)
    assert found is not None
    assert found.text == "first"
    spent = desk.archive.spent("s1")
    assert (spent.calls, spent.dollars) == (4, 0.00084)
    keys = [row[0] for row in desk.archive.sql("SELECT key FROM reply ORDER BY key").rows]
    assert keys == [call(0).key] + [f"{call(0).key}~{number}" for number in (2, 3, 4)]


async def test_a_call_paid_twice_says_nothing_on_the_terminal(desk: Desk, place: str):
    await keep(desk.archive.recorder("s1"), call(0))
    done = subprocess.run(
        [sys.executable, "-m", "tests.archive.children", "pay_twice", place, "again"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert desk.archive.spent("s1").calls == 51


async def test_a_trace_reads_the_record_whoever_paid(desk: Desk):
    await keep(desk.archive.recorder("s1"), call(0))
    entry = desk.entry()
    assert call(0).reply is not None
    from_record = desk.archive.recorder("s1").find(call(0).key)
    replayed = call(0, agent="second asker", reply=from_record)
    desk.archive.add_evaluation("s1", entry.id, evaluation(entry, calls=1, trace=(replayed,)))
    assert desk.archive.evaluations("s1", with_trace=True)[0].trace == (replayed,)
    assert desk.archive.spent("s1").calls == 1


async def test_a_caller_that_is_cancelled_loses_nothing(desk: Desk):
    recorder = desk.archive.recorder("s1")
    waiting = asyncio.create_task(keep(recorder, call(0)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await keep(recorder, call(1))
    assert recorder.find(call(0).key) is not None


async def test_closing_commits_what_is_queued(place: str, desk: Desk):
    recorder = desk.archive.recorder("s1")
    waiting = [asyncio.create_task(keep(recorder, call(number))) for number in range(50)]
    await asyncio.sleep(0)
    desk.archive.close()
    await asyncio.gather(*waiting)
    with Archive.open(place, read_only=True) as again:
        assert again.spent("s1").calls == 50
    with pytest.raises(ArchiveUnavailable, match="it is closed"):
        await keep(recorder, call(99))


def test_a_loop_that_is_gone_does_not_stop_the_writer(desk: Desk):
    recorder = desk.archive.recorder("s1")
    loop = asyncio.new_event_loop()

    async def start() -> None:
        task = asyncio.ensure_future(keep(recorder, call(0)))
        await asyncio.sleep(0)
        task.cancel()

    loop.run_until_complete(start())
    loop.close()
    asyncio.run(keep(recorder, call(1)))
    assert recorder.find(call(1).key) is not None


@pytest.fixture
def fill_disk(desk: Desk) -> Callable[[bool], None]:
    """Let every write fail as on a full disk, or succeed again."""
    is_file = desk.archive._database.file is not None
    return _small_file(desk) if is_file else _refusing_tables(desk)


def _small_file(desk: Desk) -> Callable[[bool], None]:
    """`max_page_count` makes SQLite fail in the same place, with the same code, as a full disk."""
    from sqlalchemy import event

    pages = [2**30]

    @event.listens_for(desk.archive._database._write, "begin")
    def limit(connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages[0]}")  # type: ignore[attr-defined]

    def fill(full: bool) -> None:
        pages[0] = 1 if full else 2**30  # SQLite raises 1 to the present size

    return fill


def _refusing_tables(desk: Desk) -> Callable[[bool], None]:
    """A trigger that fails with the code of a full disk."""

    def fill(full: bool) -> None:
        with desk.archive._database.writing() as connection:
            run = connection.exec_driver_sql
            run(
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
            )
            for name in ("entry", "reply"):
                run(f"DROP TRIGGER IF EXISTS full_disk ON {name}")
                if full:
                    run(
                        f"CREATE TRIGGER full_disk BEFORE INSERT ON {name} "
                        "FOR EACH ROW EXECUTE FUNCTION refuse()"
                    )

    return fill


async def test_a_full_disk_fails_those_who_wait_keeps_the_rest_and_heals(
    desk: Desk, fill_disk: Callable[[bool], None]
):
    recorder = desk.archive.recorder("s1")
    await keep(recorder, call(0))
    fill_disk(True)
    big = "".join(chr(33 + number * 7919 % 90_000) for number in range(60_000))
    results = await asyncio.gather(
        *(keep(recorder, call(number, said=big)) for number in range(1, 9)),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {ArchiveUnavailable}
    assert "disk is full; free some space and go on" in str(results[0])
    with pytest.raises(ArchiveUnavailable, match="disk is full; free some"):
        desk.entry(raw=big)
    assert desk.archive.entries("s1") == []
    assert desk.archive.spent("s1").calls == 1
    fill_disk(False)
    await keep(recorder, call(1, said=big))
    assert desk.archive.spent("s1").calls == 2
    assert desk.archive.check() == []
