"""A few lines at the foot of the terminal that follow the search; what is done scrolls above."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from metasearch.cli.display import phrases
from metasearch.cli.display.progress import Progress, duration
from metasearch.search.events import (
    EndpointDown,
    EntryAdded,
    EntryDone,
    Event,
    Note,
    SearchFinished,
    SearchStarted,
)

__all__ = ["LiveDisplay"]

REFRESHES_PER_SECOND = 2  # the machine has better things to do
BAR_WIDTH = 30
STYLES = {"info": "", "warning": "yellow", "error": "red"}


class LiveDisplay:
    """Follows a search on a terminal until `close`."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._progress = Progress(clock)
        self._console = console
        self._live = Live(
            get_renderable=self._foot,
            console=console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        )
        self._live.start()

    def show(self, event: Event) -> None:
        """Take one event."""
        self._progress.take(event)
        match event:
            case SearchStarted():
                self._say(phrases.started(event), "bold")
            case EntryAdded(status=status) if status != "pending":
                self._say(phrases.added(event), "dim")
            case EntryDone():
                is_best = self._progress.best is event
                self._say(phrases.done(event), "green" if is_best else "")
            case Note(text, level):
                self._say(text, STYLES[level])
            case SearchFinished():
                self._say(phrases.finished(event), "bold")
            case _:
                if (line := phrases.trouble(event)) and not isinstance(event, EndpointDown):
                    self._say(line, STYLES["warning"])

    def tick(self) -> None:
        """The foot is drawn again by itself."""

    def close(self) -> None:
        """Give the terminal back; safe to call twice."""
        self._live.stop()

    def _say(self, line: str, style: str) -> None:
        self._console.print(Text(line, style=style))

    def _foot(self) -> Group:
        progress = self._progress
        plan = progress.started.designs if progress.started else 0
        rows = Table.grid(padding=(0, 2))
        rows.add_row("designs", _bar(progress.finished, plan), Text(f"{progress.finished}/{plan}"))
        expected = max(progress.expected, progress.done)
        count = f"{progress.done}/{expected}, {progress.recorded} from the record"
        rows.add_row("evaluations", _bar(progress.done, expected), Text(count))
        lines: tuple[str, ...] = (
            f"best      {phrases.best(progress)}",
            f"spent     {phrases.spent(progress)}",
            f"failures  {phrases.failures(progress)}",
            f"time      {duration(progress.elapsed)}, about {duration(progress.remaining())} left",
        )
        if progress.alarms:
            lines += (f"alarms    {'; '.join(one.text for one in progress.alarms.values())}",)
        if progress.down is not None:
            lines += (phrases.trouble(progress.down),)
        return Group(rows, *(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))


def _bar(done: int, total: int) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, width=BAR_WIDTH)
