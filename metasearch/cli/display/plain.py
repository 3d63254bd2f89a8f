"""One event, one line, never folded: for files, build machines and `--display plain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from metasearch.cli.display import phrases
from metasearch.cli.display.progress import Progress, duration
from metasearch.search.events import (
    EntryAdded,
    EntryDone,
    Event,
    Note,
    SearchFinished,
    SearchStarted,
)

__all__ = ["PlainDisplay"]

PROGRESS_SECONDS = 15.0
SILENCE_SECONDS = 60.0


class PlainDisplay:
    """Writes lines; evaluations are summed up in one line every 15 seconds.

    After a minute of silence a line says that it goes on: a slow model writes for long.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._progress = Progress(clock)
        self._clock = clock
        self._said = clock()

    def show(self, event: Event) -> None:
        """Take one event."""
        self._progress.take(event)
        line = _line(event)
        if line:
            self._write(line)
        elif self._clock() - self._said >= PROGRESS_SECONDS:
            self._write(phrases.status(self._progress))

    def tick(self) -> None:
        """Break a long silence."""
        if self._progress.started and self._clock() - self._said >= SILENCE_SECONDS:
            self._write(phrases.status(self._progress))

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, line: str) -> None:
        self._said = self._clock()
        self._stream.write(f"[{duration(self._progress.elapsed):>6}] {line}\n")
        self._stream.flush()


def _line(event: Event) -> str:
    match event:
        case SearchStarted():
            return phrases.started(event)
        case EntryAdded():
            return phrases.added(event)
        case EntryDone():
            return phrases.done(event)
        case Note(text, level):
            return text if level == "info" else f"{level}: {text}"
        case SearchFinished():
            return phrases.finished(event)
        case _:
            return phrases.trouble(event)
