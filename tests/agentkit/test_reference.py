"""The text that writers of designs are shown says what the kit does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from metasearch.assets import asset
from metasearch.sandbox.base import MEMBER, Job
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.testing.scripted import ScriptedModel
from metasearch.types import Json, Outcome, Task

KIT = Path(asset("sandbox")) / "image" / "agentkit"
REFERENCE = (KIT / "REFERENCE.md").read_text()
OF_MEMBERS = (KIT / "REFERENCE_MEMBER.md").read_text()


def test_it_fits_a_prompt() -> None:
    assert len(REFERENCE.encode()) <= 6_000
    assert len(OF_MEMBERS.encode()) <= 5_000


def test_every_public_name_is_explained() -> None:
    import agentkit
    from agentkit import _society

    assert set(_society.__all__) < set(agentkit.__all__)
    for name in agentkit.__all__:
        text = OF_MEMBERS if name in _society.__all__ else REFERENCE
        assert re.search(rf"`(await )?{name}\b", text), name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, REFERENCE) for name in ("Agent", "Memory", "majority", "run_code")),
        *((name, OF_MEMBERS) for name in ("Agent", "Memory")),
    ],
)
def test_signatures_are_the_real_ones(name: str, text: str) -> None:
    import agentkit

    shown = re.search(rf"`(?:await )?{name}\((.*?)\)", text)
    assert shown is not None
    parameters = inspect.signature(getattr(agentkit, name)).parameters.values()
    real = [str(each.replace(annotation=each.empty)) for each in parameters]
    written = [part.strip().replace('"', "'") for part in shown.group(1).split(",")]
    assert [part for part in written if part != "*"] == real


async def test_its_example_runs() -> None:
    block = re.search(r"```python\n(.*?)```", REFERENCE, re.DOTALL)
    assert block is not None
    model = ScriptedModel('{"thinking": "6 * 7", "answer": 42}')
    async with FakeSandbox() as sandbox:
        worker = await sandbox.open(block.group(1))
        result = await worker.run(Job(Task("t", "6 * 7?", 42, "int").public()), model)
    assert (result.outcome, result.answer, len(model.bodies)) == (Outcome.ANSWERED, 42, 4)


async def test_the_example_of_a_member_runs() -> None:
    block = re.search(r"```python\n(.*?)```", OF_MEMBERS, re.DOTALL)
    assert block is not None
    told: Json = [
        {"kind": "rules", "text": "Fish.", "you": "Ann"},
        {"kind": "harvested", "catches": {"Ann": 10, "Bo": 60}},
    ]
    asked: Json = [
        ([told[0]], {"kind": "harvest", "stock": 100, "n": 5}),
        ([told[1]], {"kind": "speak", "transcript": []}),
        ([], {"kind": "reflect"}),
    ]
    said: list[Json] = []

    async def host(body: dict[str, Json]) -> dict[str, Json]:
        if body.get("op") != "turn":
            return {"text": '{"lesson": "Talk."}', "finish": "stop"}
        said.append(body.get("action"))
        events, request = asked[len(said) - 1] if len(said) <= len(asked) else ([], None)
        return {"events": events, "request": request}

    async with FakeSandbox() as sandbox:
        worker = await sandbox.open(block.group(1))
        result = await worker.run(Job({}, entry=MEMBER), host)
    assert result.outcome is Outcome.ANSWERED
    spoken = {"text": "Please take less, Bo.", "end": False, "next": ""}
    assert said == [None, 10, spoken, "Talk."]


def test_the_kit_needs_the_standard_library_only() -> None:
    import sys

    known = {*sys.stdlib_module_names, "agentkit", "runner"}
    for path in (Path(asset("sandbox")) / "image" / "agentkit").glob("*.py"):
        for name in re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE):
            assert name in known, f"{path.name} imports {name}"
