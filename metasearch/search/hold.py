"""Holding a search while it runs: the lease with its heartbeat, and others' wishes to end it.

A wish is a row of the search's log. So it reaches the process from another terminal and, through a
database on a server, from another machine; and nothing is lost when nobody listens.

- *pause*: nothing new begins, what is in flight is finished and saved; `resume` goes on as if
  nothing had happened.
- *stop*: the search ends here. As pause, but what has been found is brought to its end: the test of
  the best design and the best baseline is made. `resume` goes on where it was, too.
- *now*: nothing is finished. What is with the endpoint is given up and asked again by `resume`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from metasearch.archive import Archive
from metasearch.errors import ArchiveUnavailable, ConfigError

if TYPE_CHECKING:
    from metasearch.search.loop import Search

__all__ = ["ASKED", "BY_USER", "Hold", "Wish", "ask", "held"]

HEARTBEAT_SECONDS = 10.0
LOOK_SECONDS = 1.0
ASKED = "asked"  # kind of the event that carries a wish
BY_USER = "by the user"  # ends the reason of a search that somebody asked to end


class Wish(StrEnum):
    """What somebody wants of a running search."""

    PAUSE = "pause"
    STOP = "stop"

    @property
    def status(self) -> str:
        """Return what becomes of the search."""
        return "paused" if self is Wish.PAUSE else "stopped"


WISHES = {str(wish): wish for wish in Wish}


def ask(archive: Archive, search_id: str, wish: Wish, *, now: bool = False) -> None:
    """Ask the process that runs a search, wherever it is, to end it."""
    archive.add_event(search_id, ASKED, f"{wish} now" if now else str(wish))


@dataclass(slots=True)
class Hold:
    """What this process knows of the search that it holds.

    Attributes:
        ended: the status of a search that was asked to end at once, "" for any other.
    """

    archive: Archive
    search_id: str
    task: asyncio.Task[object]
    clock: Callable[[], float] = time.monotonic
    ended: str = ""
    _seen: int = 0
    _beat: float = 0.0
    _search: Search | None = None
    _wish: Wish | None = None
    _lost: list[ConfigError] = field(default_factory=list)

    def claim(self) -> None:
        """Take the search; what others wished before is over."""
        self.archive.claim(self.search_id)
        self._beat = self.clock()
        self._seen = max((event.id for event in self.archive.events(self.search_id)), default=0)

    def attach(self, search: Search) -> None:
        """Know the search that shall be ended; it may have been asked for already."""
        self._search = search
        self._obey()

    async def watch(self) -> None:
        """Keep the lease alive and look for wishes, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
            except ArchiveUnavailable:
                continue  # a full disk, a server that is away: the search itself will say so
            except ConfigError as lost:  # another process has it: two must not go on
                self._lost.append(lost)
                self.task.cancel()
                return

    def look(self) -> None:
        """Say that this process lives, when that is due, and take new wishes.

        Raises:
            ConfigError: the search is another's by now.
        """
        if self.clock() - self._beat >= HEARTBEAT_SECONDS:
            self.archive.heartbeat(self.search_id)
            self._beat = self.clock()
        for event in self.archive.events(self.search_id, self._seen):
            self._seen = event.id
            word, _, when = event.text.partition(" ")
            if event.kind == ASKED and word in WISHES:
                self._wish = WISHES[word]
                self._obey(at_once=bool(when))

    def _obey(self, *, at_once: bool = False) -> None:
        if self._wish is None:
            return
        if at_once:
            self.ended = self._wish.status
            self.task.cancel()
        elif self._search is not None:
            reason = f"{self._wish.status} {BY_USER}"
            self._search.stop(reason, end=self._wish is Wish.STOP)

    def lost(self) -> None:
        """Raise what ended this process's hold, if anything did.

        Raises:
            ConfigError: another process holds the search now.
        """
        if self._lost:
            raise self._lost[0] from None


@asynccontextmanager
async def held(archive: Archive, search_id: str) -> AsyncIterator[Hold]:
    """Hold a search for this process; ends quietly, with `Hold.ended`, when asked to at once.

    Raises:
        ConfigError: another process runs it, or has taken it meanwhile.
    """
    task = asyncio.current_task()
    assert task is not None
    hold = Hold(archive, search_id, task)
    hold.claim()
    watching = asyncio.create_task(hold.watch())
    try:
        yield hold
    except asyncio.CancelledError:
        hold.lost()
        if not hold.ended:
            raise
        task.uncancel()
        archive.set_status(search_id, hold.ended, f"{hold.ended} at once {BY_USER}")
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        # What ended the search is to be told, and who is dead holds nothing anyway.
        with contextlib.suppress(ArchiveUnavailable):
            archive.release(search_id)
