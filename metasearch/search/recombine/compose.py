"""Putting designs into a structure: their `solve` becomes a function of the new module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Template

from metasearch.domains.base import SOLVE
from metasearch.search.proposer import Parent
from metasearch.search.recombine.module import Module, merge, taken_apart
from metasearch.search.recombine.naming import fresh, slug_of
from metasearch.search.recombine.text import Edit, Text, Unsuitable, clipped, quoted

__all__ = ["Part", "assembled", "part_of", "ways_in"]

_DOCSTRING_LENGTH = 84  # inside a function: four columns of indentation, six quotes, 100 in all
_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Part:
    """A design, or one function of it, on its way into another design.

    Attributes:
        module: what it needs, with the function itself under the name `entry`.
        label: the name that it would like to have.
    """

    parent: Parent
    module: Module
    entry: str
    label: str


def part_of(parent: Parent, entry: str = "solve", *, heat: float | None = None) -> Part:
    """Return a design as a part.

    Args:
        parent: a design that defines `solve`.
        entry: `solve`, or another function that takes the task alone and is awaited.
        heat: raise the temperature of every agent to at least this, in [0, 2].

    Raises:
        Unsuitable: the design cannot be taken apart.
    """
    module = taken_apart(parent.design.source).pruned(entry)
    if entry == "solve":
        module = _with_docstring(module, parent.design.idea or module.idea)
    if heat is not None:
        module = _heated(module, heat)
    label = slug_of(parent.design.name) if entry == "solve" else entry
    return Part(parent, module, entry, label)


@lru_cache(maxsize=1024)
def ways_in(source: str) -> tuple[str, ...]:
    """Return the functions of a design, `solve` left out, that could stand for a whole design."""
    found = []
    for block in taken_apart(source).pruned().blocks:
        node = ast.parse(block.text).body[0]
        if isinstance(node, ast.AsyncFunctionDef) and node.name != "solve":
            arguments = node.args
            plain = not (arguments.kwonlyargs or arguments.vararg or arguments.kwarg)
            if plain and [one.arg for one in arguments.args] == ["task"]:
                found.append(node.name)
    return tuple(found)


def assembled(
    template: str,
    idea: str,
    parts: Mapping[str, Part],
    values: Mapping[str, str] | None = None,
    *,
    entry: str = SOLVE,
) -> str:
    """Return the module that a template makes of parts.

    Args:
        template: a module with `$placeholders`, one for each part and value.
        idea: the docstring; it may name the same placeholders.
        parts: by placeholder; each becomes a function whose name replaces the placeholder.
        values: source text by placeholder; these may hold placeholders of parts in turn.
        entry: what the new module defines.

    Raises:
        Unsuitable: names of the parts cannot be told apart.
    """
    plain = {key: Template(text).safe_substitute(parts_names(parts)) for key, text in _of(values)}
    draft = taken_apart(Template(template).substitute({**parts_names(parts), **plain}))
    # A local variable of one module must not hide a function of another one.
    inner = set(draft.words()) - set(parts_names(parts).values())
    for part in parts.values():
        inner |= part.module.words() - part.module.names().keys()
    renamed = [_entry_renamed(part, inner) for part in parts.values()]
    merged = merge([module for module, _ in renamed], inner)
    names = {
        key: change.get(name, name)
        for key, (_, name), change in zip(parts, renamed, merged.names, strict=True)
    }
    ready = {key: Template(text).safe_substitute(names) for key, text in _of(values)}
    frame = taken_apart(Template(template).substitute({**names, **ready}))
    whole = merge([merged.module, frame]).module
    return whole.pruned(entry).rendered(Template(idea).safe_substitute(names))


def parts_names(parts: Iterable[str]) -> dict[str, str]:
    """Return a name for each placeholder that no design uses."""
    return {key: f"placeholder_of_{key}" for key in parts}


def _of(values: Mapping[str, str] | None) -> Iterable[tuple[str, str]]:
    return (values or {}).items()


def _entry_renamed(part: Part, inner: set[str]) -> tuple[Module, str]:
    """Return the part's module with its entry under the wished name, and that name."""
    others = part.module.words() - {part.entry}
    name = fresh(part.label, inner | others)
    return part.module.renamed({part.entry: name}), name


def _with_docstring(module: Module, idea: str) -> Module:
    """Return the module with an awaitable `solve` that says what it does."""
    block = module.names()["solve"]
    text = Text(block.text)
    node = text.tree.body[0]
    if not isinstance(node, _FunctionNode):
        raise Unsuitable("`solve` is not a plain function")
    edits = []
    if isinstance(node, ast.FunctionDef):
        edits.append(Edit(text.start(node), text.start(node), "async "))
    first = node.body[0]
    if ast.get_docstring(node) is None and first.lineno > node.lineno and idea:
        told = f'"""{clipped(idea, _DOCSTRING_LENGTH)}"""\n{" " * first.col_offset}'
        edits.append(Edit(text.start(first), text.start(first), told))
    return module.replaced(block, text.edited(edits))


def _heated(module: Module, heat: float) -> Module:
    """Return the module with every agent's temperature raised, so that its answers differ."""
    warmed = 0
    for block in module.blocks:
        text = Text(block.text)
        edits = [edit for node in text.nodes() for edit in _warmer(text, node, heat)]
        if edits:
            module = module.replaced(block, text.edited(edits))
            warmed += len(edits)
    if not warmed and not any("temperature" in block.text for block in module.blocks):
        raise Unsuitable("it has no agent whose temperature could be raised")
    return module


def _warmer(text: Text, node: ast.AST, heat: float) -> list[Edit]:
    if not isinstance(node, ast.Call):
        return []
    for given in node.keywords:
        if given.arg == "temperature":
            value = given.value
            if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
                return [text.replacing(value, str(heat))] if value.value < heat else []
            return []
    if not (isinstance(node.func, ast.Name) and node.func.id == "Agent"):
        return []
    end = text.end(node) - 1
    comma = "" if text.source[:end].rstrip().endswith((",", "(")) else ", "
    return [Edit(end, end, f"{comma}temperature={heat}")]


def literal_tuple(values: Iterable[str]) -> str:
    """Return the source of a tuple of strings."""
    items = [quoted(value) for value in values]
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
