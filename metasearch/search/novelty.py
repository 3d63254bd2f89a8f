"""Is a design new? Three measures, from strict to loose, so that nothing is evaluated twice.

`normalised` names a syntax tree without its cosmetics, `distance` says how far two texts are from
being near duplicates, `agreement` compares what two designs answered.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from metasearch.search.checks import Unreadable, parse
from metasearch.types import Json

__all__ = ["agreement", "distance", "normalised"]

_SHINGLE = 4  # tokens; shorter ones are shared by all Python, longer ones punish a single edit hard
_ENTRIES = ("solve", "forward", "Member")
_KEPT = frozenset([*_ENTRIES, *dir(builtins)])
_WORDS = re.compile(r"\w+|[^\w\s]")
_IGNORED = frozenset(["ctx", "type_comment", "type_ignores", "annotation", "returns", "simple"])


def normalised(source: str) -> str:
    """Return a hash (16 hex digits) of what the module does, not of how it is written.

    Ignored: docstrings, comments, layout, annotations, the names of functions, constants and
    variables, the order of functions, code that `solve` never reaches, spaces in strings, `1.0` for
    `1`, and whether a plain constant is named or written in place.

    Args:
        source: a design's text; one that does not parse is hashed by its words.
    """
    return hashlib.sha256("\x1f".join(_tokens(source)).encode("utf-8", "replace")).hexdigest()[:16]


def distance(first: str, second: str) -> float:
    """Return how different two sources are, in [0, 1]: 0 is the same, 1 has nothing in common.

    Jaccard distance of the sets of four-token shingles of the normalised trees (Broder 1997); words
    of prompts are tokens like the rest. Below about 0.1 two designs are near duplicates.
    """
    one, other = _shingles(first), _shingles(second)
    return 1.0 - len(one & other) / len(one | other)


def agreement(first: Mapping[str, Json], second: Mapping[str, Json]) -> float:
    """Return the share of tasks on which two designs gave the same answer, in [0, 1].

    Args:
        first, second: answer by task id; None (no answer) agrees with None only.

    Returns:
        The share over the tasks that both have; 0.0 where they have none in common.
    """
    shared = first.keys() & second.keys()
    if not shared:
        return 0.0
    return sum(_spoken(first[task]) == _spoken(second[task]) for task in shared) / len(shared)


def _spoken(answer: Json) -> str:
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)
    text = answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True)
    return " ".join(text.split()).casefold()


@lru_cache(maxsize=2048)
def _shingles(source: str) -> frozenset[tuple[str, ...]]:
    tokens = _tokens(source)
    last = max(1, len(tokens) - _SHINGLE + 1)
    return frozenset(tokens[start : start + _SHINGLE] for start in range(last))


@lru_cache(maxsize=2048)
def _tokens(source: str) -> tuple[str, ...]:
    try:
        tree = parse(source)
    except Unreadable:
        return tuple(_WORDS.findall(source))
    return tuple(_Reader(tree).read())


class _Reader:
    """Writes a module as a sequence of tokens, following calls from `solve` outwards."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.names: dict[str, str] = {}
        self.constants = dict(_plain_constants(tree))
        self.origins = dict(_import_origins(tree))
        self.methods = frozenset(_method_names(tree))
        self.definitions: dict[str, ast.stmt] = {}
        for statement in tree.body:
            for name in _defines(statement):
                self.definitions.setdefault(name, statement)

    def read(self) -> Iterator[str]:
        """Yield the tokens of all that the entry function reaches, in the order it does."""
        entry = next((name for name in _ENTRIES if name in self.definitions), None)
        if entry is None:
            yield from self._body(self.tree.body)
            return
        waiting, seen = [entry], {entry}
        while waiting:
            statement = self.definitions[waiting.pop(0)]
            yield from self._node(statement)
            for node in ast.walk(statement):
                name = getattr(node, "id", None)
                if name in self.definitions and name not in self.constants and name not in seen:
                    seen.add(name)
                    waiting.append(name)
        yield from self._body([node for node in self.tree.body if not tuple(_defines(node))])

    def _body(self, statements: list[ast.stmt]) -> Iterator[str]:
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue  # what is used of it is spelt where it is used
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring
            yield from self._node(statement)

    def _node(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Constant):
            yield from _constant(node.value)
        elif isinstance(node, ast.Name):
            yield from self._name(node.id)
        elif isinstance(node, ast.arg):
            yield from self._name(node.arg)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from self._node(ast.Assign(targets=[node.target], value=node.value))
        else:
            yield type(node).__name__
            yield from self._fields(node)

    def _fields(self, node: ast.AST) -> Iterator[str]:
        for field, value in ast.iter_fields(node):
            if field in _IGNORED:
                continue
            if field == "body" and isinstance(value, list):
                yield from self._body(value)
            elif isinstance(value, list):
                for item in value:
                    yield from self._node(item) if isinstance(item, ast.AST) else (str(item),)
            elif isinstance(value, ast.AST):
                yield from self._node(value)
            elif field == "name" and isinstance(value, str):
                yield from self._name(value)
            elif value is not None:
                yield str(value)

    def _name(self, name: str) -> Iterator[str]:
        if name in self.constants:
            yield from _constant(self.constants[name])
        elif name in self.origins:
            yield self.origins[name]
        elif name in _KEPT or name in self.methods:
            yield name
        else:
            yield self.names.setdefault(name, f"v{len(self.names)}")


def _constant(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield "'"
        yield from _WORDS.findall(value)
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    else:
        yield repr(value)


def _defines(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _method_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of methods, which other code may reach by their name only."""
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            for node in statement.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name


def _plain_constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """Yield the module's names that stand for one number or string and nothing else."""
    stored = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            for name in _defines(statement):
                if stored.count(name) == 1:
                    yield name, statement.value.value


def _import_origins(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name
