"""Print figures as JSON lines: `python -m tests.benchmarks [--quick] [NAME ...]`.

Without names all but those of `BY_NAME_ONLY`. Exit code 0 when every figure holds its bound, 1 when
one does not.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

FIGURES = {
    "null_archive": "simulated:null_archive",
    "winner_inflation": "simulated:winner_inflation",
    "racing_savings": "simulated:racing_savings",
    "selection_savings": "simulated:selection_savings",
    "real_gain": "real_gain:figure",
    "selection_on_table": "tabular:selection_on_table",
    "evaluation_overhead": "evaluation_overhead:figure",
    "host_memory": "evaluation_overhead:host_memory",
    "archive_queries": "archive_queries:figure",
    "resume_time": "resume_time:figure",
    "startup": "startup:figure",
    "gateway_overhead": "gateway_overhead:figure",
    "waiting_calls": "waiting_calls:figure",
    "budget_never_exceeded": "budget_never_exceeded:figure",
    "storm": "storm:figure",
    "kill_torture": "kill_torture:figure",
    "wasm_job": "wasm_jobs:figure",
    "fork_server_job": "docker_jobs:fork_server_job",
    "fork_server_vs_cold": "docker_jobs:fork_server_vs_cold",
    "fork_server_rate": "docker_jobs:fork_server_rate",
    "container_fanout": "docker_jobs:container_fanout",
    "container_memory": "docker_jobs:container_memory",
    "hostile_contained": "hostile:figure",
    "frame_fuzz": "fuzz:figure",
    "clean_night": "clean_night:figure",
    "closed_forms": "closed_forms:figure",
    "society_overhead": "society_overhead:figure",
    "social_gain": "social_gain:figure",
    "beauty_million": "beauty_million:figure",
}
BY_NAME_ONLY = {"real_gain", "social_gain"}  # they work for the better part of an hour


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    names = [argument for argument in arguments if not argument.startswith("--")]
    names = names or [name for name in FIGURES if name not in BY_NAME_ONLY]
    if unknown := set(names) - set(FIGURES):
        print(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    holds = True
    for name in names:
        module, function = FIGURES[name].split(":")
        measure = getattr(importlib.import_module(f"tests.benchmarks.{module}"), function)
        result = {"name": name, **measure(quick)}
        print(json.dumps(result), flush=True)
        holds = holds and bool(result["holds"])
    return 0 if holds else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main(sys.argv[1:]))
