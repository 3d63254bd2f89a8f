"""A design's module taken apart into its top-level blocks, and put together again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from metasearch.domains.base import MEMBER, SOLVE
from metasearch.search.recombine.layout import fitted
from metasearch.search.recombine.naming import IDEA_LENGTH, fresh
from metasearch.search.recombine.text import Edit, Text, Unsuitable, clipped, words_in_braces

__all__ = ["Block", "Import", "Merged", "Module", "merge", "taken_apart"]

_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Named = _FunctionNode | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar


class Import(NamedTuple):
    """`from module import name as alias`; `name` is "" for `import module as alias`."""

    module: str
    name: str
    alias: str

    @property
    def binds(self) -> str:
        """The name that the rest of the module uses."""
        return self.alias or self.name or self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Block:
    """One top-level statement with the comments above it.

    Attributes:
        binds: the names that it defines.
        words: every name in it, its own variables and parameters included.
        constant: whether it is an assignment rather than a function or class.
    """

    text: str
    binds: tuple[str, ...]
    words: frozenset[str]
    constant: bool

    def same(self, other: Block) -> bool:
        """Return whether both say the same, layout and comments aside."""
        return self.text == other.text or _meaning(self.text) == _meaning(other.text)


@dataclass(frozen=True, slots=True)
class Module:
    """A design's module.

    Attributes:
        idea: first line of its docstring, "" where there is none.
    """

    idea: str
    imports: tuple[Import, ...]
    blocks: tuple[Block, ...]

    def names(self) -> dict[str, Block]:
        """Return the block that defines each top-level name, imports left out."""
        return {name: block for block in self.blocks for name in block.binds}

    def words(self) -> frozenset[str]:
        """Return every name that is used or bound anywhere in the module."""
        bound = (one.binds for one in self.imports)
        return frozenset(bound).union(*(block.words for block in self.blocks))

    def renamed(self, names: dict[str, str]) -> Module:
        """Return the module with top-level names changed wherever they are used.

        Raises:
            Unsuitable: a name is used in a way that cannot be told apart safely.
        """
        wanted = {old: new for old, new in names.items() if old != new}
        if not wanted:
            return self
        blocks = tuple(
            _renamed(one, wanted) if one.words & set(wanted) else one for one in self.blocks
        )
        return replace(self, blocks=blocks)

    def replaced(self, block: Block, text: str) -> Module:
        """Return the module with another text for one of its blocks.

        Raises:
            Unsuitable: the text is not one statement that defines something.
        """
        blocks = tuple(_block(text) if one == block else one for one in self.blocks)
        return replace(self, blocks=blocks)

    def pruned(self, entry: str = "solve") -> Module:
        """Return the module without what `entry` never reaches."""
        defined = self.names()
        if entry not in defined:
            raise Unsuitable(f"there is no `{entry}`")
        reached, waiting = {entry}, [entry]
        while waiting:
            for word in sorted(defined[waiting.pop()].words & defined.keys() - reached):
                reached.add(word)
                waiting.append(word)
        blocks = tuple(block for block in self.blocks if reached & set(block.binds))
        used = frozenset[str]().union(*(block.words for block in blocks))
        # An import from the future is used without being named.
        imports = tuple(
            one for one in self.imports if one.binds in used or one.module == "__future__"
        )
        return replace(self, blocks=blocks, imports=imports)

    def rendered(self, idea: str) -> str:
        """Return the module as text: docstring, imports, constants, functions, the entry last."""
        summary = clipped(idea, IDEA_LENGTH)
        pieces = [f'"""{summary}"""']
        if self.imports:
            pieces.append(_import_lines(self.imports))
        functions = frozenset(
            name for block in self.blocks if not block.constant for name in block.binds
        )
        early = [one for one in self.blocks if one.constant and not one.words & functions]
        if early:
            pieces.append("\n".join(block.text for block in early))
        later = [block for block in self.blocks if block not in early]
        later.sort(key=lambda block: bool({SOLVE, MEMBER}.intersection(block.binds)))
        head = "\n\n".join(pieces)
        return fitted("\n\n\n".join([head, *(block.text for block in later)]) + "\n")


class Merged(NamedTuple):
    """One module made of several, and what each one's names have become."""

    module: Module
    names: tuple[dict[str, str], ...]


@lru_cache(maxsize=512)
def taken_apart(source: str) -> Module:
    """Return a design's module in parts.

    Args:
        source: the text of a design that defines `solve`.

    Raises:
        Unsuitable: it does not parse, or does more at its top level than define things.
    """
    text = Text(source)
    body = list(text.tree.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body.pop(0)
    idea = (ast.get_docstring(text.tree) or "").strip().partition("\n")[0].strip()
    imports: list[Import] = []
    blocks: list[Block] = []
    above = _first_line_behind(text)
    for statement in body:
        if statement.lineno <= above:
            raise Unsuitable("several statements share a line")
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports.extend(_imported(statement))
        else:
            end = statement.end_lineno or statement.lineno
            blocks.append(_block("\n".join(text.lines[above:end]).strip("\n")))
        above = statement.end_lineno or statement.lineno
    return Module(idea, tuple(imports), tuple(blocks))


def merge(modules: Sequence[Module], reserved: Iterable[str] = ()) -> Merged:
    """Put modules together; what is the same is kept once, what clashes gets a new name.

    Args:
        modules: their imports and blocks, in order; none is the entry yet.
        reserved: names that must stay free.

    Raises:
        Unsuitable: a name cannot be changed safely.
    """
    taken = set(reserved).union(*(module.words() for module in modules))
    imports: dict[str, Import] = {}
    blocks: dict[str, Block] = {}
    kept: list[Block] = []
    changes: list[dict[str, str]] = []
    for module in modules:
        for one in module.imports:
            if imports.setdefault(one.binds, one) != one:
                raise Unsuitable(f"`{one.binds}` is imported from two places")
        shared = _shared(module, blocks)
        change: dict[str, str] = {}
        for name in module.names():
            if name not in shared and (name in blocks or name in imports):
                change[name] = fresh(name, taken)
                taken.add(change[name])
        renamed = module.renamed(change)
        for block in renamed.blocks:
            if not set(block.binds) & shared:
                kept.append(block)
                blocks.update(dict.fromkeys(block.binds, block))
        changes.append(change)
    if clash := imports.keys() & blocks.keys():
        raise Unsuitable(f"`{min(clash)}` is imported and defined")
    return Merged(Module("", tuple(imports.values()), tuple(kept)), tuple(changes))


def _shared(module: Module, blocks: dict[str, Block]) -> set[str]:
    """Return the names whose definitions are already there, word for word, uses included."""
    own = module.names()
    shared = {name for name in own if name in blocks and own[name].same(blocks[name])}
    while True:
        # A twin that uses something which differs is no twin.
        split = {name for name in shared if own[name].words & own.keys() - shared}
        if not split:
            return shared
        shared -= split


def _first_line_behind(text: Text) -> int:
    first = text.tree.body[0] if text.tree.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.end_lineno or first.lineno
    return 0


def _imported(statement: ast.Import | ast.ImportFrom) -> list[Import]:
    if isinstance(statement, ast.Import):
        return [Import(alias.name, "", alias.asname or "") for alias in statement.names]
    if any(alias.name == "*" for alias in statement.names):
        raise Unsuitable("it imports with a star")
    module = statement.module or ""
    return [Import(module, alias.name, alias.asname or "") for alias in statement.names]


def _import_lines(imports: Iterable[Import]) -> str:
    """Return import statements in three groups: the future, the standard library, the kit."""
    groups: dict[int, list[str]] = {0: [], 1: [], 2: []}
    by_module: dict[str, set[str]] = {}
    for one in imports:
        alias = f" as {one.alias}" if one.alias and one.alias != one.name else ""
        if one.name:
            by_module.setdefault(one.module, set()).add(f"{one.name}{alias}")
        else:
            groups[_group(one.module)].append(f"import {one.module}{alias}")
    for lines in groups.values():
        lines[:] = sorted(set(lines))
    for module in sorted(by_module):
        names = sorted(by_module[module], key=lambda name: (name[0].islower(), name))
        groups[_group(module)].append(_from_line(module, names))
    return "\n\n".join("\n".join(lines) for lines in groups.values() if lines)


def _group(module: str) -> int:
    return {"__future__": 0, "agentkit": 2}.get(module.partition(".")[0], 1)


def _from_line(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 100:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


@lru_cache(maxsize=4096)
def _meaning(text: str) -> str:
    return ast.dump(ast.parse(text))


@lru_cache(maxsize=4096)
def _block(text: str) -> Block:
    parsed = Text(text)
    if len(parsed.tree.body) != 1:
        raise Unsuitable("several statements share a line")
    statement = parsed.tree.body[0]
    if isinstance(statement, _FunctionNode | ast.ClassDef):
        binds: tuple[str, ...] = (statement.name,)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        binds = tuple(
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
    else:
        raise Unsuitable("its top level does more than define things")
    constant = not isinstance(statement, _FunctionNode | ast.ClassDef)
    return Block(text, binds, frozenset(_words(parsed.tree)), constant)


def _words(tree: ast.AST) -> set[str]:
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.arg):
            words.add(node.arg)
        elif isinstance(node, _Named) and node.name:
            words.add(node.name)
        elif isinstance(node, ast.alias):
            words.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.Global | ast.Nonlocal):
            words.update(node.names)
    return words


def _renamed(block: Block, names: dict[str, str]) -> Block:
    text = Text(block.text)
    edits: list[Edit] = []
    for node in text.nodes():
        _refuse_unclear(node, names)
        if isinstance(node, ast.Name) and node.id in names:
            edits.append(text.replacing(node, names[node.id]))
        elif isinstance(node, _FunctionNode | ast.ClassDef) and node.name in names:
            found = re.compile(rf"\b{node.name}\b").search(text.source, text.start(node))
            if found:
                edits.append(Edit(found.start(), found.end(), names[node.name]))
        elif isinstance(node, ast.JoinedStr):
            literal = text.of(node)
            changed = words_in_braces(literal, names)
            if changed != literal:
                edits.append(text.replacing(node, changed))
    return _block(text.edited(edits))


def _refuse_unclear(node: ast.AST, names: dict[str, str]) -> None:
    """Raise where a name is bound by something that a rename does not follow."""
    bound: Iterable[str] = ()
    if isinstance(node, ast.Global | ast.Nonlocal):
        bound = node.names
    elif isinstance(node, ast.arg):
        bound = (node.arg,)
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        bound = (node.name or "",)
    elif isinstance(node, ast.alias):
        bound = (node.asname or node.name,)
    if any(name in names for name in bound):
        raise Unsuitable("a name stands for two things")
