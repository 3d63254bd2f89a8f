"""How many known answers of the societies' papers are reproduced.

Each game's are in `tests/domains/societies/closed_GAME.py`: name, found, expected, to the digits
that are known. The tests of the games use the same lists.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path

from metasearch.types import Json

FOLDER = Path(__file__).resolve().parents[1] / "domains" / "societies"


def figure(quick: bool) -> dict[str, Json]:
    """Known answers reproduced; the bound is all of them."""
    del quick  # all of them take some seconds
    games: dict[str, int] = {}
    wrong: list[Json] = []
    for path in sorted(FOLDER.glob("closed_*.py")):
        module = importlib.import_module(f"tests.domains.societies.{path.stem}")
        found = module.checks()
        games[path.stem.removeprefix("closed_")] = len(found)
        wrong += [list(one) for one in found if not math.isclose(one[1], one[2], abs_tol=1e-9)]
    total = sum(games.values())
    return {
        "value": total - len(wrong),
        "bound": total,
        "unit": "known answers reproduced",
        "holds": bool(total) and not wrong,
        "games": games,
        "wrong": wrong,
    }
