"""Making many objects at once: of rows, or of modules."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collection"]


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep Python's cycle collector out while 100,000 objects are made.

    None of them is garbage, and it would look at all of them again and again: half of the time of
    reading them, a sixth of that of importing modules, measured.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
