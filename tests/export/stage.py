"""What the tests of exports share: a model by rule, designs, and runs recorded by a real search."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from metasearch.domains.base import Domain
from metasearch.export.base import Bundle, RecordedTask
from metasearch.export.card import Card
from metasearch.sandbox.base import Limits, Sandbox
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.seeds import seeds
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import (
    Design,
    Evaluation,
    Json,
    ModelRequest,
    Outcome,
    Score,
    Split,
    Stream,
    Task,
)

SEEDS = {design.name: design for design in seeds()}
QUESTION = "What is 2 + 3?"
TASKS = [
    Task("t1", QUESTION, 5, "int"),
    Task("t2", "Is 5 > 3?", "yes", ("yes", "no")),
    Task("t3", "Spell five.", "five", "str"),
]
PROGRAM = "```python\nanswer = 2 + 3\n```"

FORWARD = '''"""As in archives published with the paper."""

def forward(self, taskInfo):
    agents = [LLMAgentBase(["thinking", "answer"], "Thinker") for _ in range(2)]
    thinking, first = agents[0]([taskInfo], "Think.")
    thinking, answer = agents[1]([taskInfo, thinking, first], "Think again.", 1)
    assert isinstance(answer, Info)
    return answer
'''


def value(schema: Json) -> Json:
    """What the model by rule says to a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {name: value(part) for name, part in schema["properties"].items()}
    return {"integer": 5, "number": 5.0, "boolean": True, "string": "so: five", "array": []}[
        schema["type"]
    ]


def by_rule(schema: Json) -> str:
    return PROGRAM if schema is None else json.dumps(value(schema))


def endpoint_script(request: dict[str, Any]) -> str:
    shape = request.get("response_format")
    return by_rule(shape and shape["json_schema"]["schema"])


def gateway_script(request: ModelRequest) -> str:
    return by_rule(request.schema)


class Sums:
    """A domain that is content with anything."""

    name = "sums"
    description = "Small questions."

    def tasks(self, split: Split) -> Sequence[Task]:
        return TASKS if split is Split.TRAIN else []

    def score(self, task: Task, answer: Json) -> Score:
        return Score(float(answer is not None))


async def evaluated(
    design: Design, tasks: Sequence[Task] = TASKS, sandbox: Sandbox | None = None, **options: Any
) -> list[Evaluation]:
    """Evaluate a design on tasks as a search does."""
    domain: Domain = Sums()
    gateway = options.pop("gateway", None) or FakeGateway(gateway_script)
    split = options.pop("split", Split.TRAIN)
    slots = asyncio.Semaphore(1)
    evaluator = Evaluator(
        gateway, domain, Asking(**{"model": "model-a", **options}), Limits(), slots
    )
    async with sandbox or FakeSandbox() as place:
        worker = await place.open(design.source)
        done = [await evaluator.evaluate(worker, design, task, split) for task in tasks]
    assert [one.outcome for one in done] == [Outcome.ANSWERED] * len(tasks), done
    return done


async def recorded(design: Design, tasks: Sequence[Task] = TASKS) -> tuple[RecordedTask, ...]:
    runs = await evaluated(design, tasks)
    return tuple(
        RecordedTask(task.prompt, task.answer_type, run.answer, run.trace, Stream(task.id).seed())
        for task, run in zip(tasks, runs, strict=True)
    )


def bundled(design: Design, *tasks: RecordedTask, **changes: Any) -> Bundle:
    card = Card(design.id, design.name, design.idea, version="0.1.0")
    return Bundle(design, card, **{"model": "model-a", "recorded": tasks, **changes})


def loaded(path: Path, name: str = "exported_agent") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as `import` does; dataclasses look there
    spec.loader.exec_module(module)
    return module


def ran(
    python: Path, *arguments: str | Path, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run an interpreter with nothing of this environment but a PATH."""
    return subprocess.run(
        [python, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
