"""How long a person waits for `top`, `show` and `lineage` on a big archive.

2,000 designs and 100,000 evaluations, each with a recorded model call, on disk. The figure is what
each command asks of the archive, on a freshly opened one. Beside it stand the whole commands, with
Python's start and the printing, as a person waits for them.
"""

from __future__ import annotations

import datetime
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from metasearch.archive import Archive
from metasearch.archive.columns import to_picodollars
from metasearch.archive.database import Database, locate, utc_now
from metasearch.archive.models import CallRow, EvaluationRow, table
from metasearch.archive.record import Paid, insert_replies
from metasearch.types import (
    Design,
    Finish,
    Json,
    Message,
    ModelReply,
    ModelRequest,
    Outcome,
    Owner,
    Split,
    Stream,
    Task,
    Usage,
)

BOUND_SECONDS = 0.5
ROUNDS = 5
TASKS = 50
COMMANDS = (("top", "big"), ("show", "best"), ("lineage", "best"))
WORDS = ("ask", "answer", "number", "because", "therefore", "sum", "first", "then", "check", "step")


def figure(quick: bool) -> dict[str, Json]:
    """Return the slowest of the three questions, in seconds (the median of five)."""
    designs = 200 if quick else 2_000
    with tempfile.TemporaryDirectory(prefix="metasearch-figure-") as folder:
        file = Path(folder) / "archive.db"
        search_id = fill(file, designs=designs, evaluations=designs * TASKS)
        seconds = {name: _median(file, ask) for name, ask in questions(search_id, designs).items()}
        size = file.stat().st_size
        commands = {name: _command(file, name, *more) for name, *more in COMMANDS}
    worst = max(seconds[name] for name in ("top", "show", "lineage"))
    return {
        "name": "archive_queries",
        "value": round(worst, 4),
        "bound": BOUND_SECONDS,
        "unit": "s",
        "holds": worst <= BOUND_SECONDS,
        "designs": designs,
        "evaluations": designs * TASKS,
        "archive_bytes": size,
        **{f"{name}_seconds": round(value, 4) for name, value in seconds.items()},
        **{f"command_{name}_seconds": round(value, 2) for name, value in commands.items()},
    }


def questions(search_id: str, designs: int) -> dict[str, Callable[[Archive], object]]:
    """Return what each command asks; `resume` is what a search reads before it goes on."""

    def top(archive: Archive) -> object:
        best = archive.leaderboard(search_id, limit=20)
        return archive.scores(search_id, Split.VALIDATION, [entry.number for entry in best])

    def show(archive: Archive) -> object:
        entry = archive.entry(search_id, "best")
        return archive.evaluations(search_id, entry_id=entry.id, with_trace=True)

    return {
        "top": top,
        "show": show,
        "lineage": lambda archive: archive.lineage(search_id, designs - 1),
        "children": lambda archive: archive.lineage(search_id, 0, "children"),
        "pareto": lambda archive: archive.pareto(search_id),
        "all_entries": lambda archive: archive.entries(search_id),
        "all_scores": lambda archive: archive.scores(search_id, Split.VALIDATION),
        "all_evaluations": lambda archive: archive.evaluations(search_id),
        "spent": lambda archive: archive.spent(search_id),
    }


def _median(file: Path, ask: Callable[[Archive], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        with Archive.open(file, read_only=True) as archive:
            begin = time.perf_counter()
            assert ask(archive)
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _command(file: Path, *arguments: str) -> float:
    """Return the wall clock of one command in a process of its own, the second time."""
    start = [sys.executable, "-c", "from metasearch.cli import main; main()"]
    command = [*start, *arguments, "--archive", str(file)]
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=compiling(file.parent))
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def compiling(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps compiled modules, as an installation does."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def fill(file: Path, *, designs: int, evaluations: int) -> str:
    """Write a search of that size; return its id. The rows are those that a real one writes."""
    rng = random.Random(7)
    tasks = [Task(f"t{number:010x}", _prose(rng, 40), number) for number in range(TASKS)]
    with Archive.open(file) as archive:
        search = archive.create_search(
            id="big",
            domain="made",
            strategy="evolve",
            config={},
            seed=7,
            tasks={Split.VALIDATION: tasks},
        )
        ids = []
        for number in range(designs):
            parents = [rng.randrange(number), number - 1] if number >= 10 else []
            entry = archive.add_entry(
                search.id,
                design=Design(f'"""Idea {number}."""\n{_prose(rng, 300)}', f"design {number}"),
                status="evaluated",
                proposer="meta-agent" if parents else "seed",
                parents=list(dict.fromkeys(parents)),
            )
            assert entry.design is not None
            ids.append((entry.id, entry.design.id))
    fill_evaluations(file, search.id, ids, tasks[: evaluations // designs])
    return search.id


def fill_evaluations(
    file: Path, search_id: str, designs: list[tuple[int, str]], tasks: list[Task]
) -> None:
    """Evaluate designs, named by their entry's row and their id, on every one of the tasks."""
    rng = random.Random(11)
    database = Database(locate(file), read_only=False, create=False, clock=utc_now)
    for start in range(0, len(designs), 10):
        some = designs[start : start + 10]
        _evaluate(database, rng, search_id, some, start * len(tasks), tasks)
    database.close()


def _evaluate(
    database: Database,
    rng: random.Random,
    search_id: str,
    designs: list[tuple[int, str]],
    first_id: int,
    tasks: list[Task],
) -> None:
    """Write all evaluations of some designs, with a call each, in one transaction."""
    now = utc_now()
    rows, calls, paid = [], [], []
    for number, (entry_id, design_id, task) in enumerate(_each(designs, tasks), first_id + 1):
        request = ModelRequest("m", (Message("user", _prose(rng, 100)),), 500)
        stream = Stream(task.id)
        reply = ModelReply(_prose(rng, 60), Finish.STOP, Usage(300, 0, 90), 0.00012, 0.4)
        paid.append(Paid(request.key(stream), request, stream, reply, Owner.EVALUATION, search_id))
        rows.append(_row(number, search_id, entry_id, design_id, task, rng.random() < 0.6, now))
        calls.append(
            {
                "evaluation_id": number,
                "position": 0,
                "agent": "solver",
                "reply_key": paid[-1].key,
                "recorded": False,
                "error": "",
            }
        )
    with database.writing() as connection:
        insert_replies(database, connection, paid)
        connection.execute(insert(table(EvaluationRow)), rows)
        connection.execute(insert(table(CallRow)), calls)


def _each(designs: list[tuple[int, str]], tasks: list[Task]) -> Iterator[tuple[int, str, Task]]:
    return ((id, design, task) for id, design in designs for task in tasks)


def _row(
    id: int,
    search_id: str,
    entry_id: int,
    design_id: str,
    task: Task,
    solved: bool,
    now: datetime.datetime,
) -> dict[str, Any]:
    return {
        "id": id,
        "search_id": search_id,
        "entry_id": entry_id,
        "design_id": design_id,
        "task_id": task.id,
        "split": str(Split.VALIDATION),
        "repeat": 0,
        "outcome": str(Outcome.ANSWERED if solved or id % 3 else Outcome.WRONG_FORMAT),
        "score": float(solved),
        "answer": task.gold,
        "error": "",
        "stdout_sha": None,
        "calls": 1,
        "prompt_tokens": 300 + entry_id,
        "cached_tokens": 0,
        "completion_tokens": 90,
        "picodollars": to_picodollars(0.00012),
        "seconds": 0.4,
        "active_seconds": 0.01,
        "created_at": now,
    }


def _prose(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words)) + f" {rng.random()}"
