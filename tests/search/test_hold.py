"""What a process does with the search that it holds: lives, listens, lets go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from metasearch.archive import Archive
from metasearch.archive.searches import Tenant
from metasearch.errors import ArchiveUnavailable, ConfigError
from metasearch.search import hold
from metasearch.search.hold import Wish, ask, held


class Listening:
    """Stands for a search: keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def stop(self, reason: str, *, end: bool = False) -> None:
        self.told.append((reason, end))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(hold, "HEARTBEAT_SECONDS", 0.02)


@pytest.fixture
def archive(place: str) -> Iterator[Archive]:
    with Archive.open(place) as opened:
        opened.create_search(id="s1", domain="d", strategy="s", config={}, seed=0, tasks={})
        yield opened


async def until(condition: object) -> None:
    end = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_wishes_reach_the_search_and_old_ones_do_not(archive: Archive) -> None:
    search = Listening()
    ask(archive, "s1", Wish.STOP)  # nobody listened: over, once somebody resumes
    async with held(archive, "s1") as mine:
        mine.attach(search)  # type: ignore[arg-type]
        archive.add_event("s1", "asked", "sing")  # of a newer program
        ask(archive, "s1", Wish.PAUSE)
        await until(lambda: search.told)
        ask(archive, "s1", Wish.STOP)
        await until(lambda: len(search.told) == 2)
    assert search.told == [("paused by the user", False), ("stopped by the user", True)]
    assert not archive.is_running("s1")


async def test_a_wish_that_comes_before_the_search_is_there_is_kept_for_it(
    archive: Archive,
) -> None:
    search = Listening()
    async with held(archive, "s1") as mine:
        ask(archive, "s1", Wish.PAUSE)
        await asyncio.sleep(0.1)
        mine.attach(search)  # type: ignore[arg-type]
    assert search.told == [("paused by the user", False)]


@pytest.mark.parametrize(("wish", "status"), [(Wish.PAUSE, "paused"), (Wish.STOP, "stopped")])
async def test_at_once_ends_what_waits_and_says_so(
    archive: Archive, wish: Wish, status: str
) -> None:
    async with held(archive, "s1") as mine:
        ask(archive, "s1", wish, now=True)
        await asyncio.sleep(60)
    assert mine.ended == status
    info = archive.search("s1")
    assert (info.status, info.reason) == (status, f"{status} at once by the user")
    assert info.lease is None
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling(), "who called can go on"


async def test_a_search_that_another_process_has_taken_ends_here(archive: Archive) -> None:
    async def robbed() -> None:
        async with held(archive, "s1"):
            archive.release("s1")
            Tenant(archive._database, pid=1, host="far").claim("s1")
            await asyncio.sleep(60)

    with pytest.raises(ConfigError, match="no longer this process's: pid 1 on far holds it now"):
        await robbed()
    lease = archive.search("s1").lease
    assert lease is not None
    assert lease.host == "far", "what is another's is left alone"


async def test_an_archive_that_fails_for_a_while_loses_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, beats = Listening(), []

    def beat(search_id: str) -> None:
        beats.append(search_id)
        if len(beats) < 3:
            raise ArchiveUnavailable("the disk is full")

    monkeypatch.setattr(archive, "heartbeat", beat)
    async with held(archive, "s1") as mine:
        mine.attach(search)  # type: ignore[arg-type]
        await until(lambda: len(beats) > 3)
        ask(archive, "s1", Wish.PAUSE)
        await until(lambda: search.told)
    assert archive.search("s1").lease is None, "let go in the end as ever"


async def test_ctrl_c_goes_on_through(archive: Archive) -> None:
    async def run() -> None:
        async with held(archive, "s1"):
            await asyncio.sleep(60)

    running = asyncio.create_task(run())
    await until(lambda: archive.is_running("s1"))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not archive.is_running("s1")
