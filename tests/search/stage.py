"""Runs our own generated designs in this process, with the real kit and a scripted model.

Only for designs whose every line comes from this repository: a stranger's runs in a sandbox.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from metasearch.assets import asset
from metasearch.search.proposer import Brief, Parent
from metasearch.search.seeds import seeds
from metasearch.types import Design, Evaluation, Outcome, Split, Task

TASKS = (
    Task("t1", "What is 17 + 25 - 8?", 34, "int"),
    Task("t2", "Sort 3, 1, 2 and give the smallest. What is half of it?", 0.5, "float"),
    Task("t3", "Join the last letters of the words: tree, moon, ice.", "ene", "str"),
    Task("t4", "All cats are grey. Tom is a cat. Therefore Tom is grey?", True, "bool"),
    Task("t5", "The film was a waste of time.", "negative", ("positive", "negative")),
)
_KINDS: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}


def archive(means: Sequence[float] = ()) -> list[Parent]:
    """The shipped seeds as evaluated designs; the means rise with the numbers if not given."""
    return [
        Parent(number, design, means[number] if means else 0.3 + 0.03 * number, 20, 200.0)
        for number, design in enumerate(seeds())
    ]


def brief(
    library: Sequence[Parent],
    seed: int,
    *,
    parents: Sequence[Parent] = (),
    known: frozenset[str] = frozenset(),
    samples: tuple[Task, ...] = TASKS,
) -> Brief:
    """A brief whose parents are drawn from the library by the seed, where none are given."""
    drawn = random.Random(seed).sample(list(library), min(3, len(library)))
    known = known or frozenset(one.design.id for one in library)
    chosen = tuple(parents or drawn)
    return Brief(seed, "mixture", "", samples, chosen, tuple(library), (), known, seed)


def evaluated(design: Design, number: int, rng: random.Random) -> Parent:
    """A design with a made-up score and made-up training results."""
    examples = tuple(
        Evaluation(design.id, task.id, Split.TRAIN, 0, Outcome.ANSWERED, float(rng.random() < 0.5))
        for task in TASKS
    )
    scores = {f"v{place}": float(rng.random() < 0.5) for place in range(12)}
    mean = sum(scores.values()) / len(scores)
    return Parent(number, design, mean, 12, rng.uniform(50, 900), scores, examples)


@dataclass
class Script:
    """A model that fills every field at random, and that now and then says nothing of use.

    Attributes:
        faults: share of replies, in [0, 1], that are blank, cut off or in the wrong format.
        asked, ran: how many calls it has answered.
    """

    rng: random.Random
    faults: float = 0.0
    asked: int = 0
    ran: int = 0
    prompts: list[str] = field(default_factory=list)

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        if op == "run_code":
            self.ran += 1
            return self._run()
        self.asked += 1
        self.prompts.append("\n".join(one["content"] for one in body["messages"]))
        if self.rng.random() < self.faults:
            bad = ({"text": "", "finish": "stop"}, {"text": "and", "finish": "length"})
            return self.rng.choice((*bad, {"text": "no JSON", "finish": "stop"}))
        schema = body.get("schema")
        text = json.dumps(self._value(schema)) if schema else "answer = 1"
        return {"text": text, "finish": "stop"}

    def call_blocking(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("no design of ours blocks")

    def _run(self) -> dict[str, Any]:
        values = (34, 34.0, "34", "ene", True, "negative", None, [1, 2], "1e3", "?")
        if self.rng.random() < 0.3:
            return {"value": None, "stdout": "", "error": "NameError: name 'x' is not defined"}
        return {"value": self.rng.choice(values), "stdout": "", "error": ""}

    def _value(self, schema: dict[str, Any]) -> Any:
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            return {name: self._value(part) for name, part in schema["properties"].items()}
        if kind == "array":
            return [self._value(schema["items"])]
        if kind == "integer":
            return self.rng.randrange(3)
        if kind == "number":
            return self.rng.choice((0.5, 1, 2.25))
        if kind == "boolean":
            return self.rng.random() < 0.5
        return self.rng.choice(("ene", "a longer text, with a comma", "x"))


@contextmanager
def kit() -> Iterator[types.ModuleType]:
    """The kit as designs import it; gone again afterwards."""
    folder = str(asset("sandbox") / "image")
    sys.path.insert(0, folder)
    before = set(sys.modules)
    try:
        yield importlib.import_module("agentkit")
    finally:
        sys.path.remove(folder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "agentkit":
                del sys.modules[name]


async def run(module: types.ModuleType, source: str, task: Task, script: Script) -> Any:
    """Run a design once; `module` is the kit."""
    importlib.import_module("agentkit._link").connect(script)
    design = types.ModuleType("design")
    exec(compile(source, "design.py", "exec", dont_inherit=True), design.__dict__)
    wanted = task.answer_type
    kind = _KINDS[wanted] if isinstance(wanted, str) else wanted
    return await design.solve(module.Task(task.prompt, kind))


def fits(answer: object, task: Task) -> bool:
    """Whether an answer is of the type that the task asks for; None is no answer and fits."""
    if answer is None:
        return True
    if isinstance(task.answer_type, tuple):
        return answer in task.answer_type
    if task.answer_type == "float":
        return isinstance(answer, int | float) and not isinstance(answer, bool)
    return type(answer) is _KINDS[task.answer_type]
