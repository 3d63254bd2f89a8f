"""Line breaks for edited sources: brackets are opened up where a line became too long.

Only too long lines are touched, and the result is taken only if it means the same.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from itertools import pairwise
from typing import NamedTuple

__all__ = ["LINE_LENGTH", "fitted"]

LINE_LENGTH = 100
_STEP = "    "
_ROUNDS = 200  # of at most one broken line each; a design has fewer lines than that
_CUT = re.compile(r"(?<=\w[.,;:?!)]) +|(?<=\w) +")


def fitted(source: str) -> str:
    """Return the source with its long lines broken as Black would, where that is possible.

    Args:
        source: a module that parses.

    Returns:
        A source with an equal syntax tree. Lines that have no bracket or string to break stay.
    """
    text, hopeless = source, set[str]()
    for _ in range(_ROUNDS):
        lines = text.split("\n")
        long = [n for n, line in enumerate(lines) if len(line) > LINE_LENGTH]
        long = [number for number in long if lines[number] not in hopeless]
        if not long:
            break
        broken = _broken(text, long[0])
        if broken is None:
            hopeless.add(lines[long[0]])
            continue
        lines[long[0] : long[0] + 1] = broken
        text = "\n".join(lines)
    return text if text == source or _same(source, text) else source


def _same(source: str, text: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) == ast.dump(ast.parse(text))
    except SyntaxError:
        return False


class _Pair(NamedTuple):
    """A pair of brackets on one line: columns of the opening and the closing one."""

    opened: int
    closed: int


def _broken(text: str, number: int) -> list[str] | None:
    """Return the lines that replace line `number` (from 0), or None where nothing can be broken."""
    line = text.split("\n")[number]
    tokens = [
        token
        for token in _tokens(text)
        if token.start[0] == number + 1 and token.end[0] == number + 1
    ]
    inside = _inside_brackets(text, number)
    whole = _Pair(len(line) - len(line.lstrip()) - 1, len(line))
    items = _parts(line, whole, tokens) if inside else []
    if len(items) > 1:
        return [f"{line[: whole.opened + 1]}{item}," for item in items]
    pairs = _outer_pairs(tokens)
    if pairs:
        # The last pair that holds anything: `name = function(arguments)` breaks at its arguments.
        return _opened(line, max(pairs), tokens)
    return _string_cut(line, tokens, inside)


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return []


def _outer_pairs(tokens: list[tokenize.TokenInfo]) -> list[_Pair]:
    open_at: list[int] = []
    pairs: list[_Pair] = []
    for token in tokens:
        if token.type != tokenize.OP:
            continue
        if token.string in "([{":
            open_at.append(token.start[1])
        elif token.string in ")]}" and open_at:
            pair = _Pair(open_at.pop(), token.start[1])
            if not open_at and pair.closed - pair.opened > 1:
                pairs.append(pair)
    return pairs


def _opened(line: str, pair: _Pair, tokens: list[tokenize.TokenInfo]) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    head, body, tail = (
        line[: pair.opened + 1],
        line[pair.opened + 1 : pair.closed].strip(),
        line[pair.closed :],
    )
    inner = indent + _STEP
    parts = _parts(line, pair, tokens)
    one_line = len(inner) + len(body) <= LINE_LENGTH
    trailing = body.endswith(",")
    if one_line and not trailing:
        return [head, inner + body, indent + tail]
    loop = len(parts) == 1
    if loop and not trailing:
        parts = _clauses(line, pair, tokens)
        comma = ""
    else:
        comma = "" if parts[-1].startswith("*") and head.rstrip().startswith("def") else ","
    body_lines = [inner + part + ("," if not loop else "") for part in parts[:-1]]
    return [head, *body_lines, inner + parts[-1] + comma, indent + tail]


def _parts(line: str, pair: _Pair, tokens: list[tokenize.TokenInfo]) -> list[str]:
    """Return what the commas of a bracket pair separate."""
    cuts = [column for column, string in _level(pair, tokens) if string == ","]
    edges = [pair.opened, *cuts, pair.closed]
    parts = [line[left + 1 : right].strip() for left, right in pairwise(edges)]
    return [part for part in parts if part] or [""]


def _clauses(line: str, pair: _Pair, tokens: list[tokenize.TokenInfo]) -> list[str]:
    """Return a comprehension or a condition cut before its keywords."""
    words = {"for", "async", "if", "else", "or", "and"}
    starts = [column for column, string in _level(pair, tokens) if string in words]
    starts = [column for column in starts if line[pair.opened + 1 : column].strip()]
    edges = [pair.opened + 1, *starts, pair.closed]
    parts = [line[left:right].strip() for left, right in pairwise(edges)]
    joined: list[str] = []
    for part in parts:
        if joined and joined[-1] == "async":
            joined[-1] = f"async {part}"
        else:
            joined.append(part)
    return joined


def _level(pair: _Pair, tokens: list[tokenize.TokenInfo]) -> list[tuple[int, str]]:
    """Return column and text of the tokens directly inside a bracket pair."""
    depth, found = 0, []
    for token in tokens:
        column = token.start[1]
        if not pair.opened < column < pair.closed:
            continue
        if token.type == tokenize.OP and token.string in ")]}":
            depth -= 1
        if depth == 0:
            found.append((column, token.string))
        if token.type == tokenize.OP and token.string in "([{":
            depth += 1
    return found


def _inside_brackets(text: str, number: int) -> bool:
    depth = 0
    for token in _tokens(text):
        if token.start[0] > number:
            break
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
    return depth > 0


def _string_cut(line: str, tokens: list[tokenize.TokenInfo], in_brackets: bool) -> list[str] | None:
    """Return a plain string literal as two adjacent ones, in brackets of its own where need be."""
    strings = [token for token in tokens if token.type == tokenize.STRING]
    plain = [token for token in strings if token.string[0] == '"' and token.string[:3] != '"""']
    if not plain or "\\" in (token := max(plain, key=lambda one: len(one.string))).string:
        return None
    indent = line[: len(line) - len(line.lstrip())]
    before, after = line[: token.start[1]], line[token.end[1] :]
    if not in_brackets:
        wrapped = [f"{before}(", f"{indent}{_STEP}{token.string}", f"{indent}){after}"]
        return wrapped if before.rstrip().endswith(("=", "return")) else None
    room = LINE_LENGTH - len(before) - 1
    cuts = [match.start() for match in _CUT.finditer(token.string) if 1 < match.start() < room]
    if not cuts:
        return None
    lead = before if not before.strip() else indent
    return [f'{before}{token.string[: cuts[-1]]}"', f'{lead}"{token.string[cuts[-1] :]}{after}']
