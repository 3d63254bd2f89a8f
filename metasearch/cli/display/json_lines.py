"""One event, one JSON object on stdout: for programs that watch a search."""

from __future__ import annotations

import dataclasses
import json
from typing import TextIO

from metasearch.cli.output import SCHEMA
from metasearch.search.events import Event

__all__ = ["JsonDisplay"]


class JsonDisplay:
    """Writes every event as `{"schema": 1, "event": "EntryDone", ...}`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: Event) -> None:
        """Take one event."""
        record = {"schema": SCHEMA, "event": type(event).__name__, **dataclasses.asdict(event)}
        self._stream.write(json.dumps(record, default=str) + "\n")
        self._stream.flush()

    def tick(self) -> None:
        """Only events are told."""

    def close(self) -> None:
        """Nothing is held."""
