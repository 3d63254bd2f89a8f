"""A report as Markdown that a person can read as it is, too."""

from __future__ import annotations

import re
from collections.abc import Iterable

from metasearch.report.document import (
    Block,
    Bullets,
    Chart,
    Commands,
    Heading,
    Paragraph,
    Said,
    Table,
    Text,
    parts,
)

__all__ = ["markdown"]

# What makes markup, a link, a mention or a formula. An underscore inside of a word makes none.
_ACTIVE = re.compile(r"[\\`*\[\]<>|~#$&@!]|(?<!\w)_|_(?!\w)")
_LINK = re.compile(r"(?<=[a-z]):(?=//)|(?<=www)\.", re.IGNORECASE)
_START = re.compile(r"^([-+=]|\d+(?=[.)]))")


def markdown(blocks: Iterable[Block]) -> str:
    """Return the report; strangers' words are escaped."""
    return "\n\n".join(text for block in blocks if (text := _block(block))) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_inline(text)}"
        case Paragraph(text, strong):
            return f"**{_inline(text)}**" if strong else _inline(text)
        case Bullets(items):
            return "\n".join(f"- {_inline(item)}" for item in items)
        case Table():
            return _table(block)
        case Commands(lines):
            return "\n".join(["```", *lines, "```"])
        case Chart():
            return ""


def _table(table: Table) -> str:
    rules = ["---" if name in table.left else "---:" for name in table.columns]
    rows = [table.columns, rules, *([_inline(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _inline(text: Text) -> str:
    return "".join(_escaped(part) if isinstance(part, Said) else part for part in parts(text))


def _escaped(said: str) -> str:
    escaped = _ACTIVE.sub(lambda found: f"\\{found.group()}", said)
    escaped = _LINK.sub(lambda found: f"\\{found.group()}", escaped)
    return _START.sub(lambda f: f"\\{f[1]}" if not f[1].isdigit() else f"{f[1]}\\", escaped)
