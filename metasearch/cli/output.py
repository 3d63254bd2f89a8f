"""How results look: tables and words for people, versioned JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING

import click

from metasearch.report.words import score
from metasearch.types import Json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["SCHEMA", "console", "emit", "is_live", "one_line", "score", "table", "words"]

SCHEMA = 1  # goes up when a key of any `--json` output changes its meaning or goes away
NARROW = 110  # columns of a terminal in which a wide table has to give something up
MIN_FOLDED = 9
PLAIN_WIDTH = 240  # a table that goes to a file or another program is not folded
RIGHT = ("#", "score", "tasks", "tokens", "$", "seconds", "calls", "dollars", "repeat", "place")
FOLDED = (
    "design",
    "made by",
    "idea",
    "what",
    "outcomes",
    "error",
    "entries",
    "a training question",
)


def emit(kind: str, data: Mapping[str, Json]) -> None:
    """Print one JSON object on stdout: `{"schema": 1, "kind": ..., ...}`."""
    click.echo(json.dumps({"schema": SCHEMA, "kind": kind, **data}, default=str, allow_nan=False))


def words(text: str) -> None:
    """Print a line for people on stderr, so that stdout holds data only."""
    click.echo(text, err=True)


def is_live(stream: IO[str] | None = None) -> bool:
    """Say whether a person watches: a terminal, and not one of a build machine."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def console(*, stderr: bool = False) -> Console:
    """Return a console: colours and the terminal's width when live, else plain and wide.

    NO_COLOR is honoured by rich itself.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if is_live(stream):
        return Console(file=stream, highlight=False)
    return Console(
        file=stream, highlight=False, width=PLAIN_WIDTH, force_terminal=False, color_system=None
    )


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, dispensable: Sequence[str] = ()
) -> Table:
    """Return a table. Cells are shown as they are: no markup of a stranger's takes effect.

    Args:
        columns: headings.
        rows: as many cells each as there are headings.
        dispensable: headings of columns that a narrow terminal leaves out.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    is_narrow = console().width < NARROW
    kept = [i for i, name in enumerate(columns) if not (is_narrow and name in dispensable)]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0) if is_narrow else (0, 1))
    for name in (columns[i] for i in kept):
        right, fold = name.partition("/")[0] in RIGHT, name in FOLDED
        width = MIN_FOLDED if fold else None
        made.add_column(
            name, justify="right" if right else "left", no_wrap=not fold, min_width=width
        )
    for row in rows:
        made.add_row(*(Text(one_line(str(row[i]))) for i in kept))
    return made


def one_line(text: str, limit: int = 200) -> str:
    """Return a stranger's text as one harmless line: no controls, cut with an ellipsis."""
    from metasearch.search.quote import clean

    flat = " ".join(clean(text).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
