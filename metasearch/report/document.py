"""A report as a list of blocks that any format can be made of.

Every text is a sequence of parts. A part of the type `Said` came from a design, a model or a file
of tasks: each format escapes it. All other parts are our own words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "Block",
    "Bullets",
    "Chart",
    "Commands",
    "Heading",
    "Paragraph",
    "Point",
    "Said",
    "Table",
]

LONGEST = 300
HIDDEN = ("Cc", "Cf", "Co", "Cs")  # controls, bidirectional and zero-width marks, lone surrogates


class Said(str):
    """A stranger's words, on one line, cut, without characters that cannot be seen."""

    __slots__ = ()

    def __new__(cls, text: str, longest: int = LONGEST) -> Said:
        """Take a text as it is."""
        flat = " ".join(text.split())
        seen = "".join(one for one in flat if unicodedata.category(one) not in HIDDEN)
        return super().__new__(cls, seen if len(seen) <= longest else f"{seen[: longest - 1]}…")


Text: TypeAlias = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the document's own."""

    text: Text
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences; `strong` ones are what a hurried reader takes away."""

    text: Text
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under headings.

    Attributes:
        left: headings of the columns that hold words; all others hold figures.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]
    left: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines for a shell."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Point:
    """One design of a chart.

    Attributes:
        x: at least 0.
        y: in [0, 1].
        label: shown beside it.
        is_front: nothing is at least as good and costs less.
    """

    x: float
    y: float
    label: str
    is_baseline: bool = False
    is_front: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Score against a cost; formats without pictures leave it out, for a table says the same."""

    title: str
    x: str
    points: Sequence[Point] = field(default_factory=tuple)


Block: TypeAlias = Heading | Paragraph | Bullets | Table | Commands | Chart


def parts(text: Text) -> Sequence[str]:
    """Return a text's parts."""
    return (text,) if isinstance(text, str) else text
