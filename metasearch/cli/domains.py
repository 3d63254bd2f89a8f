"""`metasearch domains`: the tasks that a search can be about."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import as_json
from metasearch.cli.output import console, emit, one_line, table
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.domains import Domain
    from metasearch.types import Task

__all__ = ["domains"]

SAMPLES = 3
FILES = (
    ("FILE.jsonl", 'your own examples: {"input": ..., "answer": ..., "split": ...} a line'),
    ("FILE.csv", "the same as a table with these columns"),
    ("FILE.py", "your own Python: load() gives the tasks and the scorer"),
)


@click.command(
    cls=Verb,
    examples="""
    metasearch domains
    metasearch domains starter
    metasearch domains examples.jsonl --scorer number
    metasearch domains reasoning:chain_sum --json
    """,
)
@click.argument("spec", required=False)
@click.option("--scorer", metavar="NAME", help="exact, number, choice, contains or f1.")
@click.option("--seed", type=int, default=0, help="Decides which tasks there are.")
@as_json
def domains(spec: str | None, scorer: str | None, seed: int, as_json: bool) -> None:
    """List the domains, or check one and show some tasks.

    SPEC is what `run --domain` takes. Only training tasks are shown with their gold answers.
    """
    if spec is None:
        _list(as_json)
        return
    from metasearch.domains import load
    from metasearch.types import Split

    domain = load(spec, seed=seed, scorer=scorer)
    sizes = {str(split): len(domain.tasks(split)) for split in Split}
    samples = list(domain.tasks(Split.TRAIN))[:SAMPLES]
    if as_json:
        emit("domain", _json(domain, sizes, samples))
    else:
        _print(domain, sizes, samples)


def _list(as_json: bool) -> None:
    from metasearch import plugins

    names = plugins.names("domains")
    if as_json:
        emit("domains", {"domains": names, "files": [name for name, _ in FILES]})
        return
    rows = [(name, _summary(plugins.summary("domains", name))) for name in names]
    console().print(table(("domain", "what"), (*rows, *FILES)))
    console(stderr=True).print("metasearch domains NAME shows its tasks", markup=False)


def _summary(line: str) -> str:
    """Return what a module says of its domain, the domain's own name left out."""
    return re.sub(r"^(Domain )?`[^`]+`: ", "", line).rstrip(".")


def _json(domain: Domain, sizes: dict[str, int], samples: list[Task]) -> dict[str, Json]:
    return {
        "name": domain.name,
        "description": domain.description,
        "sizes": sizes,
        "notes": list(getattr(domain, "notes", ())),
        "samples": [
            {"id": task.id, "prompt": task.prompt, "gold": task.gold, "kind": task.kind}
            for task in samples
        ],
    }


def _print(domain: Domain, sizes: dict[str, int], samples: list[Task]) -> None:
    out = console()
    counts = ", ".join(f"{count} {split}" for split, count in sizes.items())
    for line in (f"{domain.name}: {counts} tasks", domain.description):
        out.print(line, markup=False, soft_wrap=True)
    for note in getattr(domain, "notes", ()):
        out.print(f"note: {note}", markup=False, soft_wrap=True)
    rows = [(task.id, task.kind, task.prompt, json.dumps(task.gold)) for task in samples]
    cut = [(*row[:2], one_line(row[2], 90), one_line(row[3], 40)) for row in rows]
    out.print(table(("task", "kind", "a training question", "gold"), cut))
