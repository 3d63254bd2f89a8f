"""The archive: the only door to the record of everything proposed, scored and paid.

Its names are loaded when they are first used: SQLAlchemy takes a third of a second, and `--help` or
a module that only names `SearchInfo` needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from metasearch.archive.bulk import no_collection

if TYPE_CHECKING:
    from metasearch.archive.record import Recorder
    from metasearch.archive.records import (
        SOLVED,
        EntryInfo,
        EntryStatus,
        SearchInfo,
        SearchStatus,
        Summary,
    )
    from metasearch.archive.store import Archive

__all__ = [
    "SOLVED",
    "Archive",
    "EntryInfo",
    "EntryStatus",
    "Recorder",
    "SearchInfo",
    "SearchStatus",
    "Summary",
]

_HOMES = {"Archive": "store", "Recorder": "record"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "records")
    with no_collection():
        module = import_module(f"metasearch.archive.{home}")
    return getattr(module, name)
