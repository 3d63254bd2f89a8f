"""Drives a search on an event loop: its display, and Ctrl-C once or twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from metasearch.archive.bulk import no_collection
from metasearch.cli.display.choose import RunDisplay, open_display
from metasearch.search.events import Event, Note, SearchFinished

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import SearchInfo
    from metasearch.search.loop import Search
    from metasearch.search.preflight import Wanted

__all__ = ["drive"]

TICK_SECONDS = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Watch:
    """Passes events on to a display and remembers how the search ended."""

    def __init__(self, display: RunDisplay, search_id: str) -> None:
        self.display = display
        self.ended = SearchFinished(search_id, "paused", "interrupted")

    def show(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, SearchFinished):
            self.ended = event
        self.display.show(event)


def drive(
    info: SearchInfo, archive: Archive, kind: str, preflight: Wanted | None = None
) -> SearchFinished:
    """Run a search to its end, a cap or an interruption, and return how it ended.

    Raises:
        ConfigError, Unavailable: as `launch` does; what is done is kept.
    """
    watch = Watch(open_display(kind), info.id)
    try:
        asyncio.run(_drive(info, archive, watch, preflight))
    except (asyncio.CancelledError, KeyboardInterrupt):
        archive.set_status(info.id, "paused", "interrupted at once")
    finally:
        watch.display.close()
    return watch.ended


async def _drive(
    info: SearchInfo, archive: Archive, watch: Watch, preflight: Wanted | None
) -> None:
    with no_collection():
        from metasearch.search.launch import launch

    interrupts = _Interrupts(watch)
    interrupts.install()
    ticking = asyncio.create_task(_tick(watch.display))
    try:
        await launch(info, archive, watch, running=interrupts.running, preflight=preflight)
    finally:
        ticking.cancel()


async def _tick(display: RunDisplay) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        display.tick()


class _Interrupts:
    """The first signal asks the search to stop, the second cancels everything."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._search: Search | None = None
        self._task: asyncio.Task[None] | None = None

    def install(self) -> None:
        """Take the signals over for this loop."""
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # Windows has no such handlers: there Ctrl-C cancels at once, which resumes as well.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, self._signalled)

    def running(self, search: Search) -> None:
        """Know the search that a signal shall stop."""
        self._search = search

    def _signalled(self) -> None:
        search, self._search = self._search, None
        if search is not None:
            text = "finishing what is in flight; once more stops at once"
            self._watch.show(Note(text, "warning"))
            search.stop("interrupted")
        elif self._task is not None:
            self._task.cancel()
