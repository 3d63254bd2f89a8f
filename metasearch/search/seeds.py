"""Hand-written starting designs, read as text: the host never imports one."""

from __future__ import annotations

import ast
from pathlib import Path

from metasearch.assets import asset
from metasearch.errors import ConfigError
from metasearch.types import Design

__all__ = ["seeds"]

ENTRIES = ("solve", "forward")  # the kit's entry point, and the one of published ADAS archives


def seeds(folder: Path | None = None) -> list[Design]:
    """Return one design for each `*.py` in a folder, sorted by name.

    Args:
        folder: where to look, sub-folders left out; None is the shipped `seeds/single`.

    Raises:
        ConfigError: the folder is missing or holds no seed; a file is no UTF-8, does not parse,
            defines neither `solve` nor `forward`, or says the same as another one.
    """
    folder = asset("seeds") / "single" if folder is None else folder
    if not folder.is_dir():
        raise ConfigError(
            f"no seeds at {folder}: it is not a folder; give one that holds *.py files"
        )
    found: dict[str, Design] = {}
    for path in sorted(folder.glob("*.py")):
        design = _read(path)
        if design.id in found:
            raise ConfigError(
                f"{path}: the same source as {found[design.id].name}.py; remove one of them"
            )
        found[design.id] = design
    if not found:
        raise ConfigError(f"no seeds in {folder}: it holds no *.py file")
    return list(found.values())


def _read(path: Path) -> Design:
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno or 1}: not a seed: {error.msg}") from None
    except ValueError as error:  # no UTF-8, or a null byte
        raise ConfigError(f"{path}: not a seed: {error}") from None
    defined = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if not defined.intersection(ENTRIES):
        raise ConfigError(f"{path}: not a seed: it defines no `async def solve(task)`")
    idea = (ast.get_docstring(tree) or "").partition("\n")[0].strip()
    return Design(source, name=path.stem, idea=idea)
