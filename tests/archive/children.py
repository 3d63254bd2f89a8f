"""What tests run in other processes: `python -m tests.archive.children WHAT FILE ...`."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

from metasearch.archive import Archive
from metasearch.errors import MetasearchError
from metasearch.types import (
    Finish,
    Message,
    ModelReply,
    ModelRequest,
    Owner,
    Stream,
    Usage,
)
from tests.archive.conftest import TASKS, Desk, call, evaluation


def say(text: str) -> None:
    print(text, flush=True)


def create(file: str) -> None:
    """Open a file that may not be there; several do it at the same moment."""
    with Archive.open(file) as archive:
        say(str(archive.sql("SELECT count(*) FROM leaderboard").rows[0][0]))


def hold(file: str, search_id: str) -> None:
    """Claim a search, and keep it until killed or told to let go."""
    archive = Archive.open(file)
    try:
        archive.claim(search_id)
    except MetasearchError as error:
        say(f"refused: {error}")
        return
    say("held")
    sys.stdin.readline()
    archive.release(search_id)
    archive.close()
    say("released")


def find(file: str, key: str) -> None:
    """Say what is recorded under a key."""
    with Archive.open(file, read_only=True) as archive:
        reply = archive.recorder("s1").find(key)
        say("nothing" if reply is None else reply.text)


def pay_twice(place: str, said: str) -> None:
    """Keep replies to many calls at once, the first of which is in the record."""

    async def keep(archive: Archive, number: int) -> None:
        made, recorder = call(number, said=said), archive.recorder("s1")
        assert made.reply is not None
        await recorder.keep(made.key, made.request, Stream("t0"), made.reply, Owner.EVALUATION)

    async def keep_all(archive: Archive) -> None:
        await asyncio.gather(*(keep(archive, number) for number in range(50)))

    with Archive.open(place) as archive:
        asyncio.run(keep_all(archive))


def write_for_ever(file: str) -> None:
    """Say after each write that it is committed; ends by being killed."""
    archive = Archive.open(file)
    search = archive.create_search(
        id="s1", domain="sums", strategy="evolve", config={}, seed=7, tasks=TASKS
    )
    asyncio.run(_write(Desk(archive, search)))


async def _write(desk: Desk) -> None:
    await asyncio.gather(*(_record(desk.archive, lane) for lane in range(8)), _evaluate(desk))


async def _record(archive: Archive, lane: int) -> None:
    recorder = archive.recorder("s1")
    for number in range(1_000_000):
        request = ModelRequest("m", (Message("user", f"lane {lane} number {number}"),), 10)
        reply = ModelReply("said " * 50, Finish.STOP, Usage(1, 0, 1), 0.001, 0.1)
        stream = Stream(f"{lane}", number)
        key = request.key(stream)
        await recorder.keep(key, request, stream, reply, Owner.EVALUATION)
        say(f"reply {key}")


async def _evaluate(desk: Desk) -> None:
    for number in range(1_000_000):
        entry = desk.entry(parents=[number - 1] if number else [])
        say(f"entry {entry.number}")
        calls = tuple(call(position) for position in range(number % 5))
        made = evaluation(entry, calls=len(calls), trace=calls, stdout=f"printed {number}")
        say(f"evaluation {desk.archive.add_evaluation('s1', entry.id, made)}")
        await asyncio.sleep(0)


def write_slowly(file: str, rows: str) -> None:
    """Write events, a little apart, for one who copies meanwhile."""
    with Archive.open(file) as archive:
        for number in range(int(rows)):
            archive.add_event("s1", "number", str(number))
            if number == 0:
                say("writing")
            time.sleep(0.002)


def back_up_within(file: str, target: str, most: str) -> None:
    """Copy an archive where no file may grow beyond so many bytes, as on a disk that gets full."""
    with Archive.open(file, read_only=True) as archive:
        archive.check()  # the log's index is there now
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
        try:
            archive.backup(target)
        except MetasearchError as error:
            say(str(error))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    globals()[sys.argv[1]](*sys.argv[2:])
