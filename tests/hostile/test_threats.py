"""Threats that are the product's to hold, not the sandbox's; the others are in `attacks/`."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from metasearch import domains
from metasearch.assets import asset
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.prices import Price, PriceTable
from metasearch.gateway.settings import ModelSettings
from metasearch.sandbox.base import AnswerCall, CallRefused, Job, JobResult, Limits
from metasearch.sandbox.wasm import WasmSandbox
from metasearch.search.evaluate import Asking, Evaluator, read_request
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.testing.gateway_contract import MemoryRecord
from metasearch.types import Design, Evaluation, Json, Outcome, Split
from tests.sandbox.test_wasm import children

ASKING = """
from agentkit import Agent
async def solve(task):
    return (await Agent("a").ask(task.prompt)).text
"""
SIZES = {Split.TRAIN: 12, Split.VALIDATION: 24, Split.TEST: 24}


def evaluator(gateway: object) -> Evaluator:
    domain = domains.load("starter", sizes=SIZES, seed=0)
    return Evaluator(gateway, domain, Asking("m"), Limits(), asyncio.Semaphore(4))  # type: ignore[arg-type]


class Noting:
    """A worker that keeps the jobs it is given and answers with nothing of use."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        self.jobs.append(job)
        return JobResult(Outcome.ANSWERED, "?")

    async def close(self) -> None:
        return


def test_processes_whose_parent_is_gone_are_collected() -> None:
    """Unreaped ones used up the share of a slot's user in a first prototype."""
    code = """
import os, time
from runner import slots
for _ in range(3):
    os.fork() or os._exit(0)
time.sleep(0.2)
slots._reap_orphans()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("none is left")
"""
    image = asset("sandbox") / "image"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=image, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "none is left\n", done.stderr


async def test_a_memoriser_shines_on_validation_and_fails_the_test() -> None:
    judge = evaluator(FakeGateway())
    known = {task.prompt: task.gold for task in judge.domain.tasks(Split.VALIDATION)}

    async def memoriser(inputs: dict[str, Json], ask: AnswerCall) -> Json:
        return known.get(inputs["prompt"], "what it has not seen")

    means = {}
    async with FakeSandbox(memoriser) as sandbox:
        worker = await sandbox.open("")
        for split in (Split.VALIDATION, Split.TEST):
            tasks = judge.domain.tasks(split)
            done = [await judge.evaluate(worker, Design("", "m"), task, split) for task in tasks]
            means[split] = sum(one.score for one in done) / len(done)
    assert means[Split.VALIDATION] > 0.9
    assert means[Split.TEST] < 0.1


async def test_a_job_says_nothing_of_split_order_gold_or_task() -> None:
    judge, worker = evaluator(FakeGateway()), Noting()
    task = judge.domain.tasks(Split.VALIDATION)[3]
    for split in Split:
        await judge.evaluate(worker, Design("", "d"), task, split)
    first, *others = worker.jobs
    assert others == [first, first]
    assert set(first.inputs) == {"prompt", "answer_type"}
    told = json.dumps(asdict(first))
    assert task.id not in told
    assert not any(word in told for word in ("validation", "gold", "split", "index"))


async def test_the_record_is_no_channel_between_two_designs() -> None:
    """What one design has asked is charged to the next one that asks it like a call of its own."""
    prices = PriceTable("", "", {"m": Price(1_000_000, 1_000_000, 1_000_000)})
    with ScriptedEndpoint() as endpoint:
        async with OpenAIGateway(
            [ModelSettings("m", base_url=endpoint.base_url, key_env=None)],
            budget=Budget(Caps()),
            record=MemoryRecord(),
            prices=prices,
            environment={},
            rng=random.Random(0),
        ) as gateway:
            judge = evaluator(gateway)
            task, other = judge.domain.tasks(Split.VALIDATION)[:2]

            async def evaluated(name: str, on: object) -> Evaluation:
                async with FakeSandbox() as sandbox:
                    worker = await sandbox.open(ASKING)
                    design = Design(ASKING + f"# {name}", name)
                    return await judge.evaluate(worker, design, on, Split.VALIDATION)  # type: ignore[arg-type]

            one, two = await evaluated("one", task), await evaluated("two", task)
            third = await evaluated("two", other)
        assert endpoint.served.requests == 2  # the second design was answered from the record
    assert (one.usage, one.dollars, one.calls) == (two.usage, two.dollars, two.calls)
    assert one.dollars > 0
    assert one.trace[0].key == two.trace[0].key != third.trace[0].key


def of_kit(**fields: Any) -> dict[str, Any]:
    """The schema that the kit makes of fields."""
    sys.path.insert(0, str(asset("sandbox") / "image"))
    try:
        made: dict[str, Any] = importlib.import_module("agentkit._schema").schema(fields)
    finally:
        sys.path.pop(0)
    return made


def request_with(schema: Json) -> object:
    body = {"messages": [{"role": "user", "content": "x"}], "schema": schema}
    return read_request(body, Asking("m")).schema


def test_every_schema_of_the_kit_reaches_the_endpoint() -> None:
    fields = {"a": str, "b": int, "c": float, "d": bool, "e": ("x", "y"), "f": list[list[int]]}
    for schema in (of_kit(**fields), of_kit()):
        assert request_with(schema) == schema


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "pattern": "^((a{1,1000}){1,1000}){1,1000}$"},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
        {"type": "array"},
        {"$ref": "https://example.org/schema.json"},
        {"type": "string", "enum": []},
        {"type": "string", "enum": [1]},
        {"type": ["string", "null"]},
        {"type": {}},
        {"anyOf": [{"type": "string"}]},
        {"type": "object", "properties": {}},
        7,
    ],
)
def test_no_other_schema_reaches_an_endpoint(field: Json) -> None:
    """A grammar is made of it on the host, outside of every sandbox."""
    with pytest.raises(CallRefused, match="schema must be one that the kit makes"):
        request_with({**of_kit(x=str), "properties": {"x": field}})
    for change in ({"$defs": {}}, {"required": []}, {"additionalProperties": True}):
        with pytest.raises(CallRefused):
            request_with({**of_kit(x=str), **change})


@pytest.mark.wasm
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
async def test_an_interpreter_gains_no_rights_and_dies_before_the_host() -> None:
    async with WasmSandbox(parallel=1, spare=1) as sandbox:
        await sandbox.open(ASKING)
        (pid, *_) = children(os.getpid())
        place = Path(f"/proc/{pid}")
        assert "NoNewPrivs:\t1\n" in (place / "status").read_text()
        assert (place / "oom_score_adj").read_text() == "1000\n"
        assert (place / "environ").read_bytes() == b""
