"""Hand-written starting designs, read as text: the host never imports one."""

from __future__ import annotations

import ast
from pathlib import Path

from metasearch.assets import asset
from metasearch.domains.base import MEMBER, SOLVE, Domain, entry_of
from metasearch.errors import ConfigError
from metasearch.search.family import is_family, som
from metasearch.types import Design

__all__ = ["seeds", "shipped"]

# By what a domain wants: the kit's entry points, and the one of published ADAS archives.
ENTRIES = {SOLVE: ("solve", "forward"), MEMBER: ("Member",)}
TOLD = {SOLVE: "`async def solve(task)`", MEMBER: "`class Member(Player)`"}


def shipped(domain: Domain) -> Path:
    """Return the folder of the seeds that a domain starts from where nobody names another."""
    if entry_of(domain) == SOLVE:
        return asset("seeds") / "single"
    return asset("seeds") / "social" / domain.name


def seeds(folder: Path | None = None, *, entry: str = SOLVE) -> list[Design]:
    """Return one design for each `*.py` in a folder, sorted by name.

    Args:
        folder: where to look, sub-folders left out; None is the shipped `seeds/single`; "som:S2",
            where that is no folder, is a family of designs, see `metasearch.search.family.som`.
        entry: what each has to define: `SOLVE` or `MEMBER`.

    Raises:
        ConfigError: the folder is missing or holds no seed; a file is no UTF-8, does not parse,
            does not define the entry, or says the same as another one.
    """
    folder = asset("seeds") / "single" if folder is None else folder
    if is_family(str(folder)) and entry == SOLVE and not folder.is_dir():
        return som(str(folder))
    if not folder.is_dir():
        raise ConfigError(
            f"no seeds at {folder}: it is not a folder; give one that holds *.py files"
        )
    found: dict[str, Design] = {}
    for path in sorted(folder.glob("*.py")):
        design = _read(path, entry)
        if design.id in found:
            raise ConfigError(
                f"{path}: the same source as {found[design.id].name}.py; remove one of them"
            )
        found[design.id] = design
    if not found:
        raise ConfigError(f"no seeds in {folder}: it holds no *.py file")
    return list(found.values())


def _read(path: Path, entry: str) -> Design:
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno or 1}: not a seed: {error.msg}") from None
    except ValueError as error:  # no UTF-8, or a null byte
        raise ConfigError(f"{path}: not a seed: {error}") from None
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    defined = {node.name for node in tree.body if isinstance(node, kinds)}
    if not defined.intersection(ENTRIES[entry]):
        raise ConfigError(f"{path}: not a seed: it defines no {TOLD[entry]}")
    idea = (ast.get_docstring(tree) or "").partition("\n")[0].strip()
    return Design(source, name=path.stem, idea=idea)
