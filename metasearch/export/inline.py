"""Many modules in one file: each becomes a function of its own, so that their names cannot clash.

A module `package._name` turns into

    @_export_module
    def _package_name():
        ...                       # its source
        return locals()

where the decorator calls it and keeps what it defines as a namespace. Its names are then cells of a
function: no name of the design, which stands at the file's top level unchanged, can replace them.
"""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from collections.abc import Mapping
from typing import NamedTuple

from metasearch.errors import ConfigError

__all__ = ["flattened", "names_of", "rewritten"]

MODULE = "_export_module"
DECORATOR = f'''\
def {MODULE}(body):
    """Make a namespace of what a function defines: each module of this file is one."""
    return _export_types.SimpleNamespace(**body())
'''


class _Edit(NamedTuple):
    """Text to put in place of a span; lines from 1, columns in bytes, as in a syntax tree."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def flattened(modules: Mapping[str, str]) -> str:
    """Return one text with all modules as functions, each after those that it imports.

    Args:
        modules: source by dotted name; imports among them are replaced by references.
    """
    done: dict[str, str] = {}

    def place(name: str) -> None:
        if name in done:
            return
        for needed in sorted(_needed(modules[name], modules)):
            if needed != name:
                place(needed)
        done[name] = _as_function(name, modules)

    for name in modules:
        place(name)
    return "\n\n".join([DECORATOR, *done.values()])


def rewritten(source: str, modules: Mapping[str, str]) -> str:
    """Return a design's source with its imports of these modules replaced by references.

    What only a module of its own may have is left out: `from __future__` (the file has its own)
    and blocks that run where `__name__` is "__main__" (the file has a command line of its own).

    Raises:
        ConfigError: it imports something of them that is not there.
    """
    tree = ast.parse(source)
    edits = [_replace(node, "pass") for node in tree.body if _asks_for_main(node)]
    tree.body = [node for node in tree.body if not _asks_for_main(node)]
    return _edited(source, edits + _import_edits(tree, modules))


def names_of(module: str) -> str:
    """Return the name under which a flattened module's namespace stands in the file."""
    return "_" + "_".join(part.strip("_") for part in module.split(".")[-2:])


def _as_function(name: str, modules: Mapping[str, str]) -> str:
    source = modules[name]
    tree = ast.parse(source)
    edits = _import_edits(tree, modules)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):  # the module's names are a function's now
            edits.append(_replace(node, "nonlocal " + ", ".join(node.names)))
    body = _indented(_edited(source, edits).strip("\n"))
    return f"@{MODULE}\ndef {names_of(name)}():\n{body}\n    return locals()\n"


def _needed(source: str, modules: Mapping[str, str]) -> set[str]:
    needed: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module in modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                needed.add(inner if inner in modules else node.module)
    return needed


def _import_edits(tree: ast.Module, modules: Mapping[str, str]) -> list[_Edit]:
    edits = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            edits.append(_replace(node, ""))
        elif isinstance(node, ast.ImportFrom) and not node.level and _ours(node.module, modules):
            edits.append(_replace(node, _assigned(node, modules)))
        elif isinstance(node, ast.Import) and any(_ours(a.name, modules) for a in node.names):
            edits.append(_replace(node, "; ".join(_bound(a, modules) for a in node.names)))
    return edits


def _ours(name: str | None, modules: Mapping[str, str]) -> bool:
    roots = {module.partition(".")[0] for module in modules}
    return name is not None and (name in modules or name.partition(".")[0] in roots)


def _assigned(node: ast.ImportFrom, modules: Mapping[str, str]) -> str:
    """`from package.a import b, c as d` becomes `b, d = _package_a.b, _package_a.c`."""
    module = _known(node.module or "", modules)
    pairs = [(alias.name, alias.asname or alias.name) for alias in node.names]
    if pairs == [("*", "*")]:
        pairs = [(name, name) for name in _public(modules[module])]
    values = [_reference(module, name, modules) for name, _ in pairs]
    return f"{', '.join(bound for _, bound in pairs)} = {', '.join(values)}"


def _reference(module: str, name: str, modules: Mapping[str, str]) -> str:
    inner = f"{module}.{name}"
    return names_of(inner) if inner in modules else f"{names_of(module)}.{name}"


def _bound(alias: ast.alias, modules: Mapping[str, str]) -> str:
    """`import package.a as b` becomes `b = _package_a`; other modules are imported as before."""
    if not _ours(alias.name, modules):
        return f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
    module = _known(alias.name, modules)
    root = module.partition(".")[0]
    return f"{alias.asname or root} = {names_of(module if alias.asname else root)}"


def _known(module: str, modules: Mapping[str, str]) -> str:
    if module not in modules:
        raise ConfigError(f"the design imports {module}, which the kit does not have")
    return module


def _public(source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _asks_for_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
    )


def _replace(node: ast.stmt, text: str) -> _Edit:
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    return _Edit(node.lineno, node.col_offset, end_line, end_column, text)


def _edited(source: str, edits: list[_Edit]) -> str:
    lines = source.encode().splitlines(keepends=True)
    for edit in sorted(edits, reverse=True):  # from the end, so that earlier places stay true
        head = lines[edit.line - 1][: edit.column]
        tail = lines[edit.end_line - 1][edit.end_column :]
        if not edit.text:
            tail = tail.lstrip(b" ;")  # what follows on the same line stays
        lines[edit.line - 1 : edit.end_line] = [head + edit.text.encode() + tail]
    return b"".join(lines).decode()


def _indented(source: str) -> str:
    """Indent by four blanks, the inner lines of strings left as they are."""
    inside: set[int] = set()
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif kind == "FSTRING_START":
            opened.append(token.start[0])
        elif kind == "FSTRING_END":
            inside.update(range(opened.pop() + 1, token.end[0] + 1))
    inside -= _docstring_lines(source)
    lines = source.splitlines(keepends=True)
    return "".join(
        line if number in inside else textwrap.indent(line, "    ")
        for number, line in enumerate(lines, 1)
    )


def _docstring_lines(source: str) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found
