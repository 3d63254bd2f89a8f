"""A source text and its syntax tree together: edits change the characters they mean and no others.

Writing a tree back (`ast.unparse`) loses comments, quotes and line breaks; a design is read by
people, so its author's layout is kept wherever nothing changed.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from metasearch.search.checks import Unreadable, parse

__all__ = [
    "Edit",
    "Text",
    "Unsuitable",
    "clipped",
    "number_in",
    "quoted",
    "string_in",
    "text_of",
    "words_in_braces",
]


class Unsuitable(Exception):
    """A move does not apply to these designs; another one may. The message is one line."""


class Edit(NamedTuple):
    """Replace the characters from `start` to `end` (offsets in the source) by `text`."""

    start: int
    end: int
    text: str


class Text:
    """A source that parses.

    Attributes:
        source: the text, its line ends made those of Unix.
        lines: its lines without their ends.
        tree: its syntax tree.

    Raises:
        Unsuitable: it does not parse.
    """

    def __init__(self, source: str) -> None:
        self.source = source.replace("\r\n", "\n").replace("\r", "\n")
        try:
            self.tree = parse(self.source)
        except Unreadable as error:
            raise Unsuitable(f"a source does not parse: {error}") from None
        # Not `splitlines`: a form feed ends a line for strings but not for the parser.
        self.lines = self.source.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def nodes(self, root: ast.AST | None = None) -> Iterator[ast.AST]:
        """Yield all nodes whose position can be trusted: before 3.12 those in f-strings cannot."""
        waiting: deque[ast.AST] = deque([root or self.tree])
        while waiting:
            node = waiting.popleft()
            yield node
            if not isinstance(node, ast.JoinedStr):
                waiting.extend(ast.iter_child_nodes(node))

    def start(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        """Return the offset of the node's first character."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        """Return the offset behind the node's last character."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """Return the node's own text."""
        return self.source[self.start(node) : self.end(node)]

    def replacing(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        """Return the edit that puts `text` in the node's place."""
        return Edit(self.start(node), self.end(node), text)

    def edited(self, edits: Iterable[Edit]) -> str:
        """Return the source with all edits made.

        Args:
            edits: in any order; they must not overlap.
        """
        source = self.source
        for edit in sorted(set(edits), reverse=True):
            source = source[: edit.start] + edit.text + source[edit.end :]
        return source

    def _offset(self, line: int, column: int) -> int:
        text = self.lines[line - 1]
        # The tree counts bytes of UTF-8, a string counts characters.
        inner = column if text.isascii() else len(text.encode()[:column].decode())
        return self._starts[line - 1] + inner


@lru_cache(maxsize=1024)
def text_of(source: str) -> Text:
    """Return the text of a design that is looked at again and again."""
    return Text(source)


def string_in(node: ast.AST | None) -> str | None:
    """Return the value of a plain string literal, None for everything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def number_in(node: ast.AST | None) -> int | float | None:
    """Return the value of a number literal, None for everything else, `True` included."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def quoted(text: str) -> str:
    """Return a string literal in double quotes, on one line."""
    plain = " ".join(text.split())
    if '"' in plain or "\\" in plain or not plain.isprintable():
        return repr(plain)
    return f'"{plain}"'


def clipped(text: str, limit: int) -> str:
    """Return the beginning of `text` that fits into `limit` characters, safe inside a docstring.

    It ends at a clause where one ends in the second half, else at a word, with three dots.
    """
    plain = " ".join(text.split()).replace("\\", "/").replace('"', "'")
    plain = "".join(character for character in plain if character.isprintable())
    if len(plain) <= limit:
        return plain
    clause = max(plain.rfind(mark, 0, limit) for mark in ("; ", ", ", ": ", " ("))
    if clause > limit // 2:
        return f"{plain[:clause]}."
    return plain[: limit - 3].rsplit(" ", 1)[0].rstrip(" ,;:") + "..."


def words_in_braces(literal: str, names: dict[str, str]) -> str:
    """Return an f-string's text with names replaced where it holds code, between single braces."""
    if not names:
        return literal
    words = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, names))})\b(?!\s*=[^=])")
    pieces = re.split(r"(\{\{|\}\}|\{|\})", literal)
    depth, out = 0, []
    for piece in pieces:
        depth += (piece == "{") - (piece == "}")
        out.append(words.sub(lambda found: names[found.group()], piece) if depth > 0 else piece)
    return "".join(out)
