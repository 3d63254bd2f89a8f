"""`startup`: how long a user waits for an import and for a help page."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

IMPORT_BOUND = 0.3  # seconds
HELP_BOUND = 0.4


def figure(quick: bool) -> dict[str, Any]:
    """Measure both beside `python -c pass` in the same run; the median of several starts each."""
    runs = 3 if quick else 11
    commands = {
        "python": ["-c", "pass"],
        "import": ["-c", "import metasearch"],
        "help": ["-m", "metasearch", "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):  # in turn, so that a busy moment hits all three
        for name, arguments in commands.items():
            seconds[name].append(_timed(arguments))
    medians = {name: sorted(times)[runs // 2] for name, times in seconds.items()}
    return {
        "value": round(medians["help"], 3),
        "bound": HELP_BOUND,
        "unit": "s",
        "import": round(medians["import"], 3),
        "import_bound": IMPORT_BOUND,
        "python_alone": round(medians["python"], 3),
        "holds": medians["import"] < IMPORT_BOUND and medians["help"] < HELP_BOUND,
    }


def _timed(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
