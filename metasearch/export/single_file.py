"""Export as one file: `python agent.py "question"`, with `openai` as its only dependency."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

from metasearch.export import member
from metasearch.export.base import Bundle, runs_code, settings_of, slug, write_file
from metasearch.export.inline import flattened, names_of, rewritten
from metasearch.export.requirements import OPENAI, PYTHON
from metasearch.export.sources import KIT, child, kit, parts, template

__all__ = ["export"]

ADAS = f"{KIT}.adas"  # the interface of published archives; copied where a design needs it
CODE_WARNING = (
    "It may run programs that the model writes. They are refused unless you pass --allow-code "
    "(allow_code=True); then they run on your machine, with a time limit, which is not a sandbox."
)

AGAIN = """\
    if isinstance(prompt, _agentkit.Task):  # the design asks itself
        return _export.design["solve"](prompt)
"""


def export(bundle: Bundle, out: Path, *, force: bool = False) -> list[Path]:
    """Write the design as one Python file; a folder as `out` gets a file named after the design.

    Raises:
        ConfigError: the file exists and `force` is False, cannot be written, or the design imports
            what the kit does not have.
    """
    path = out / f"{slug(bundle.design)}.py" if out.is_dir() else out
    return write_file(path, text(bundle), force=force)


def text(bundle: Bundle) -> str:
    """Return the file's text.

    Raises:
        ConfigError: the design imports what the kit does not have.
    """
    if bundle.plays:
        return member.text(bundle)
    design, tree = bundle.design, ast.parse(bundle.design.source)
    answer = "answer_question" if _binds(tree, "answer") else "answer"
    modules, adas = {**kit(), **parts()}, names_of(ADAS)
    if "adas" not in design.source and _binds(tree, "solve"):
        del modules[ADAS]
        adas = "None"
    title = design.idea or design.name or f"design {design.id}"
    return template("file.py").substitute(
        python=PYTHON,
        openai=OPENAI,
        idea=_inside_docstring(title),
        about=_inside_docstring(_about(bundle, answer)),
        card=_literal(bundle.card.markdown()),
        child=_literal(child() if runs_code(design.source) else ""),
        modules=flattened(modules),
        adas=adas,
        design=_design(design.source),
        settings=settings_of(bundle),
        answer_type=repr(bundle.answer_type),
        solve=_solve(tree),
        answer=answer,
        title=repr(title),
    )


def _design(source: str) -> str:
    body = rewritten(source, kit()).strip("\n")
    tree = ast.parse(source)
    if _binds(tree, "forward") and not _binds(tree, "solve"):
        # Designs of published archives expect these names to be there.
        names = "Info, LLMAgentBase = _agentkit_adas.Info, _agentkit_adas.LLMAgentBase"
        return f"{names}\n\n{body}"
    return body


def _solve(tree: ast.Module) -> str:
    """The public `solve` takes a question; where the design calls its own, that still works."""
    kind, body = "async def", "    return await _export.solve"
    if any(isinstance(node, ast.Name) and node.id == "solve" for node in ast.walk(tree)):
        kind, body = "def", f"{AGAIN}    return _export.solve"
    return template("solve.py").substitute(kind=kind, body=body).rstrip()


def _binds(tree: ast.Module, name: str) -> bool:
    """Return whether a design uses this name for something of its own at its top level."""
    defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in tree.body:
        if isinstance(node, defined):
            if node.name == name:
                return True
        elif any(_mentions(part, name) for part in ast.walk(node)):
            return True
    return False


def _mentions(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.alias):
        return name in (node.asname, node.name)
    return isinstance(node, ast.Name) and node.id == name


def _about(bundle: Bundle, answer: str) -> str:
    name = f"{slug(bundle.design)}"
    lines = [
        f'    python {name}.py "question"        the key from OPENAI_API_KEY; --help says more',
        f"    from {name} import {answer}, solve",
        "",
        *(f"{line}." for line in bundle.card.summary()),
        "`--card` prints all that is known about it.",
    ]
    if runs_code(bundle.design.source):
        lines += ["", *textwrap.wrap(CODE_WARNING, 96)]
    return "\n".join(lines)


def _inside_docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _literal(text: str) -> str:
    """Return source of a string, readable where its quotes allow."""
    if "'''" not in text and not text.endswith(("\\", "'")):
        return f"r'''{text}'''"
    lines = text.splitlines(keepends=True)
    return "(\n" + "".join(f"    {line!r}\n" for line in lines) + ")"
