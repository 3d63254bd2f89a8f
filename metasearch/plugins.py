"""Plug-ins by entry point: one registry, the interpreter's own."""

from __future__ import annotations

import ast
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from metasearch.errors import ConfigError

__all__ = ["load", "names", "summary"]

GROUPS = ("sandboxes", "domains", "proposers", "selectors", "exporters")


def names(group: str) -> list[str]:
    """Return the installed names of one group, sorted."""
    return sorted(_found(group))


def load(group: str, name: str) -> Any:
    """Import and return what is registered under `metasearch.<group>` as `name`.

    Raises:
        ConfigError: nothing of that name is installed; the message lists what is.
    """
    found = _found(group)
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ConfigError(f"no {group} plug-in is named {name!r}; installed: {known}")
    return found[name].load()


def summary(group: str, name: str) -> str:
    """Return the first line of an installed module's docstring, "" if it has none to be read.

    Nothing is imported: a listing is not to wait for plug-ins, or to fail by one of them.
    """
    top, *parts = _found(group)[name].module.split(".")
    spec = find_spec(top)
    if spec is None or spec.origin is None:
        return ""
    place = Path(spec.origin)
    if parts:
        folder = place.parent.joinpath(*parts)
        place = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    try:
        text = ast.get_docstring(ast.parse(place.read_bytes()))
    except (OSError, SyntaxError, ValueError):  # a compiled module, or none
        return ""
    return (text or "").partition("\n")[0]


def _found(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise ValueError(f"no plug-in group {group!r}; there are {', '.join(GROUPS)}")
    return {point.name: point for point in entry_points(group=f"metasearch.{group}")}
