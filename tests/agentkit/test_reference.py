"""The text that writers of designs are shown says what the kit does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from metasearch.assets import asset
from metasearch.sandbox.base import Job
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.testing.scripted import ScriptedModel
from metasearch.types import Outcome, Task

REFERENCE = (Path(asset("sandbox")) / "image" / "agentkit" / "REFERENCE.md").read_text()


def test_it_fits_a_prompt() -> None:
    assert len(REFERENCE.encode()) <= 6_000


def test_every_public_name_is_explained() -> None:
    import agentkit

    for name in agentkit.__all__:
        assert re.search(rf"`(await )?{name}\b", REFERENCE), name


@pytest.mark.parametrize("name", ["Agent", "Memory", "majority", "run_code"])
def test_signatures_are_the_real_ones(name: str) -> None:
    import agentkit

    shown = re.search(rf"`(?:await )?{name}\((.*?)\)", REFERENCE)
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


def test_the_kit_needs_the_standard_library_only() -> None:
    import sys

    known = {*sys.stdlib_module_names, "agentkit", "runner"}
    for path in (Path(asset("sandbox")) / "image" / "agentkit").glob("*.py"):
        for name in re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE):
            assert name in known, f"{path.name} imports {name}"
