"""Plug-ins by entry point: one registry, the interpreter's own."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from metasearch.errors import ConfigError

__all__ = ["load", "names"]

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


def _found(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise ValueError(f"no plug-in group {group!r}; there are {', '.join(GROUPS)}")
    return {point.name: point for point in entry_points(group=f"metasearch.{group}")}
