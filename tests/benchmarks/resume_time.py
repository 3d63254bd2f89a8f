"""How long a search with 100,000 evaluations needs until it works again.

2,000 designs on 50 tasks each are in the archive, as a search that was killed left them. The clock
runs from the start of the process `metasearch resume` to the arrival of the first request at the
endpoint that the search itself has made (the question by which every start tries the endpoint does
not count). Python's start, the archive, the sandbox and its test are all in it.

Python may keep compiled modules, as it does for whoever installs the program.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from metasearch.archive import Archive
from metasearch.search.config import SearchConfig
from metasearch.search.launch import create
from metasearch.testing.endpoint import ScriptedEndpoint, default_script
from metasearch.types import Design, Json, Split
from tests.benchmarks.archive_queries import TASKS, compiling, fill_evaluations

BOUND_SECONDS = 3.0
ROUNDS = 5
PATIENCE_SECONDS = 120
MAIN = "from metasearch.cli import main; main()"
ASKED = "What is the number of task"
SOURCE = '''"""Ask once (variant {number})."""
from agentkit import Agent, Task


async def solve(task: Task) -> str:
    reply = await Agent("solver {number}").ask(task.prompt, fields={{"answer": task.answer_type}})
    return reply.answer
'''


def figure(quick: bool) -> dict[str, Json]:
    """Return the median of five resumptions, in seconds."""
    designs = 200 if quick else 2_000
    with tempfile.TemporaryDirectory(prefix="metasearch-figure-") as folder, Endpoint() as endpoint:
        place = Path(folder) / "archive.db"
        prepare(place, endpoint.base_url, designs=designs)
        _resume(place, endpoint)  # compiles modules, as an installation does
        seen = [_resume(place, endpoint) for _ in range(3 if quick else ROUNDS)]
        sweep()
    seconds = [wall for wall, _ in seen]
    value = statistics.median(seconds)
    return {
        "value": round(value, 3),
        "bound": BOUND_SECONDS,
        "unit": "s",
        "holds": value <= BOUND_SECONDS,
        "designs": designs,
        "evaluations": designs * TASKS,
        "slowest": round(max(seconds), 3),
        "quickest": round(min(seconds), 3),
        "processor_seconds": round(statistics.median(used for _, used in seen), 3),
    }


class Endpoint(ScriptedEndpoint):
    """An endpoint that notes when the search itself first asks, and never answers it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        super().__init__(self._react)

    def _react(self, request: dict[str, Any]) -> Any:
        text = "\n".join(str(message["content"]) for message in request["messages"])
        if ASKED in text or text.startswith("You design agentic systems"):
            self.asked.set()
        return default_script(request)


def sweep() -> None:
    """Remove the containers of the processes that were killed here."""
    command = [sys.executable, "-c", MAIN, "doctor", "--offline", "--clean"]
    subprocess.run(command, check=False, capture_output=True)


def prepare(place: Path, base_url: str, *, designs: int) -> None:
    """Write a search that was killed after so many designs."""
    tasks = place.with_name("tasks.jsonl")
    rows = [{"input": f"{ASKED} {number}?", "answer": number} for number in range(TASKS + 8)]
    tasks.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = SearchConfig.model_validate(
        {
            "name": "big",
            "domain": {
                "spec": str(tasks),
                "sizes": {"train": 4, "validation": TASKS, "test": 4},
            },
            "model": {"name": "scripted", "base_url": base_url},
            "budget": {"allow_unpriced": True},
            "search": {
                "designs": designs + 100,
                "proposers": {"meta-agent": 1},
                "seeds": ["direct", "chain_of_thought"],
            },
        }
    )
    rng = random.Random(7)
    with Archive.open(place) as archive:
        create(config, archive)
        ids = []
        for number in range(designs):
            entry = archive.add_entry(
                "big",
                design=Design(SOURCE.format(number=number), f"design {number}", "an idea"),
                status="evaluated",
                proposer="meta-agent" if number > 1 else "seed",
                operator="improve" if number > 1 else "",
                parents=[rng.randrange(number)] if number > 1 else [],
            )
            assert entry.design is not None
            ids.append((entry.id, entry.design.id))
        met = archive.tasks("big", Split.VALIDATION)
    fill_evaluations(place, "big", ids, met)


def _resume(place: Path, endpoint: Endpoint) -> tuple[float, float]:
    """Return wall clock and the process's own processor time until it asks, in seconds."""
    endpoint.asked.clear()
    command = [sys.executable, "-c", MAIN, "resume", "big", "--display", "none"]
    spent = _children_seconds()
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--archive", str(place)],
        env=compiling(place.parent),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        arrived = endpoint.asked.wait(PATIENCE_SECONDS)
        seconds = time.perf_counter() - begin
    finally:
        process.kill()
        told = process.communicate()[1]
    assert arrived, told
    return seconds, _children_seconds() - spent


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
