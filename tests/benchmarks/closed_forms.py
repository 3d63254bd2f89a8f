"""Known values of all societies: how many of them the games reproduce, to the digits printed."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "domains" / "societies"
CLOSE = 1e-9  # relative and absolute: each check rounds to the digits that its source prints


def modules() -> list[str]:
    """Return the names of the modules of checks, one for each game."""
    return sorted(path.stem for path in FOLDER.glob("closed_*.py"))


def figure(quick: bool) -> dict[str, Any]:
    """All checks of all games; what is missed is named with values found and expected."""
    del quick  # it takes a few seconds
    games: dict[str, int] = {}
    missed: dict[str, list[float]] = {}
    reproduced = 0
    for name in modules():
        checks = importlib.import_module(f"tests.domains.societies.{name}").checks()
        games[name.removeprefix("closed_")] = len(checks)
        for check, found, expected in checks:
            if math.isclose(found, expected, rel_tol=CLOSE, abs_tol=CLOSE):
                reproduced += 1
            else:
                missed[f"{name.removeprefix('closed_')}: {check}"] = [found, expected]
    total = sum(games.values())
    return {
        "unit": "known values of the societies' papers and algebra reproduced",
        "value": reproduced,
        "bound": total,
        "games": games,
        "missed": missed,
        "holds": reproduced == total > 0 and all(games.values()),
    }
