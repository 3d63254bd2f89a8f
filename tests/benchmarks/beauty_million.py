"""One beauty contest of a million people by archetypes: seconds and memory of a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PEOPLE = 1_000_000
KINDS = 100
SECONDS = 30
MIB = 1_000

PLAY = f"""
import json, random, resource, time
from dataclasses import replace
from metasearch.domains.societies.beauty import Beauty
from metasearch.types import Split

began = time.perf_counter()
game = Beauty(population={PEOPLE})
scenario = game.scenario(Split.TRAIN, "self", random.Random(0))
constants = {{
    **scenario.constants,
    "share": 1.0,
    "personas": [f"kind {{number}}" for number in range({KINDS})],
}}
scenario = replace(scenario, constants=constants, seats=("design",) * {KINDS})
log = game.rehearse(scenario, game.bots["adaptive"], seed=0)
seconds = time.perf_counter() - began
kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asked = sum(event["kind"] == "act" for event in log)
people = game.metrics(log)["people"]
print(json.dumps(dict(seconds=seconds, mib=kib / 1024, asked=asked, people=people)))
"""


def figure(quick: bool) -> dict[str, Any]:
    """All five rounds, imports left out of the seconds but not of the memory."""
    del quick  # it takes a few seconds
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PLAY], cwd=root, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    holds = found["people"] == PEOPLE and found["seconds"] < SECONDS and found["mib"] < MIB
    return {
        "unit": f"s for {PEOPLE:,} seats of {KINDS} kinds, 5 rounds, 3 answers a kind",
        "value": round(found["seconds"], 2),
        "mib": round(found["mib"]),
        "questions": found["asked"],
        "bound": f"< {SECONDS} s and < {MIB} MiB",
        "holds": holds,
    }
