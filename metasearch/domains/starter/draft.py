"""One generated question before it has an id and a split."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from metasearch.types import Json

__all__ = ["Draft", "Maker"]


class Draft(NamedTuple):
    """A question and its answer, right by construction."""

    prompt: str
    gold: Json
    answer_type: str | tuple[str, ...] = "int"


Maker: TypeAlias = Callable[[random.Random, int], Draft]
"""Makes the question of that number within its kind; the number balances the answers."""
