"""Which display a run gets."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol

from metasearch.cli.output import console, is_live
from metasearch.search.events import Display, Event

__all__ = ["KINDS", "RunDisplay", "open_display"]

KINDS = ("auto", "rich", "plain", "json", "none")


class RunDisplay(Display, Protocol):
    """A display that holds something until it is closed."""

    def tick(self) -> None:
        """Notice that time passes; called every few seconds, events or not."""
        ...

    def close(self) -> None:
        """Give back what it holds; safe to call twice."""
        ...


class NoDisplay:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Take one event."""

    def tick(self) -> None:
        """Time does not matter."""

    def close(self) -> None:
        """Nothing is held."""


def open_display(kind: str, clock: Callable[[], float] = time.monotonic) -> RunDisplay:
    """Return the display of a kind; "auto" is rich on a terminal, else plain.

    Words go to stderr; only the JSON lines, which are data, go to stdout.
    """
    if kind == "none":
        return NoDisplay()
    if kind == "json":
        from metasearch.cli.display.json_lines import JsonDisplay

        return JsonDisplay(sys.stdout)
    if kind == "rich" or (kind == "auto" and is_live(sys.stderr)):
        from metasearch.cli.display.live import LiveDisplay

        return LiveDisplay(console(stderr=True), clock)
    from metasearch.cli.display.plain import PlainDisplay

    return PlainDisplay(sys.stderr, clock)
