"""Where the folders lie that the host ships but never imports."""

from __future__ import annotations

from pathlib import Path

__all__ = ["asset"]

_PACKAGE = Path(__file__).resolve().parent


def asset(folder: str) -> Path:
    """Return the directory of one shipped folder: `archive`, `sandbox` or `seeds`.

    Args:
        folder: the folder's name at the top level of the project.

    Raises:
        FileNotFoundError: it is in neither place; the message names both.
    """
    # `_assets` first: only a wheel has it, while careless wheels drop other folders beside us.
    shipped = _PACKAGE / "_assets"
    root = shipped if shipped.is_dir() else _PACKAGE.parent
    found = root / folder
    if not found.is_dir():
        raise FileNotFoundError(f"{folder!r} is not in {root}; reinstall metasearch")
    return found
