"""An installable package: its tests replay what was recorded; its design is kept to the letter."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metasearch.errors import ConfigError
from metasearch.export.base import RecordedRun
from metasearch.export.module import export
from metasearch.export.rerun import with_runs
from metasearch.sandbox.base import Sandbox
from metasearch.testing.endpoint import ScriptedEndpoint
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Design
from tests.export.stage import FORWARD, QUESTION, SEEDS, TASKS, bundled, ran, recorded

UNITTEST = ("-m", "unittest", "discover", "-s", "tests", "-v")


async def wrote(design: Design, folder: Path, **changes: Any) -> Path:
    bundle = bundled(design, *await recorded(design), **changes)
    async with FakeSandbox() as sandbox:
        export(await with_runs(bundle, sandbox), folder / "out")
    return folder / "out"


@pytest.mark.parametrize("seed", ["debate", "self_consistency", "program_of_thought"])
async def test_its_own_tests_replay_three_tasks(elsewhere: Path, tmp_path: Path, seed: str):
    out = await wrote(SEEDS[seed], tmp_path)
    assert len(json.loads((out / "tests" / "recorded.json").read_text())) == 3
    done = ran(elsewhere, *UNITTEST, folder=out)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr
    assert "skipped" not in done.stderr


async def test_a_design_of_a_published_archive_replays_too(elsewhere: Path, tmp_path: Path):
    out = await wrote(Design(FORWARD, "forward"), tmp_path)
    done = ran(elsewhere, *UNITTEST, folder=out)
    assert (done.returncode, "skipped" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda task: task["calls"][0]["messages"][1].update(content="Another?"), "not recorded"),
        (lambda task: task["calls"][0].update(temperature=1.9), "not recorded"),
        (lambda task: task["calls"].append(task["calls"][0]), "recorded, but not asked"),
        (lambda task: task.update(answer=6), "6"),
    ],
    ids=["message", "temperature", "call", "answer"],
)
async def test_a_design_that_asks_or_answers_otherwise_fails_its_tests(
    elsewhere: Path, tmp_path: Path, change: Any, says: str
):
    out = await wrote(SEEDS["chain_of_thought"], tmp_path)
    path = out / "tests" / "recorded.json"
    tasks = json.loads(path.read_text())
    change(tasks[0])
    path.write_text(json.dumps(tasks))
    done = ran(elsewhere, *UNITTEST, folder=out)
    assert done.returncode == 1
    assert says in done.stderr
    assert "task=1" in done.stderr


async def test_a_random_design_replays_with_the_seed_of_its_run(elsewhere: Path, tmp_path: Path):
    source = '''"""Draws its words at import and in solve."""
import random
from agentkit import Agent
WORD = random.random()
async def solve(task):
    return str(await Agent("a").ask(task.prompt, WORD, random.random()))
'''
    out = await wrote(Design(source, "dice"), tmp_path)
    done = ran(elsewhere, *UNITTEST, folder=out)
    assert (done.returncode, "skipped" in done.stderr) == (0, False), done.stderr


async def test_programs_without_a_recorded_result_are_not_run(elsewhere: Path, tmp_path: Path):
    design = SEEDS["program_of_thought"]
    export(bundled(design, *await recorded(design)), tmp_path / "out")
    done = ran(elsewhere, *UNITTEST, folder=tmp_path / "out")
    assert done.returncode == 0
    assert "what its programs gave was not recorded" in done.stderr


async def test_it_installs_and_runs_without_metasearch(
    elsewhere: Path, tmp_path: Path, endpoint: ScriptedEndpoint
):
    out = await wrote(SEEDS["step_back"], tmp_path, answer_type="int")
    pip = [elsewhere, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-build-isolation", out], check=True)
    variables = {"OPENAI_API_KEY": "sk-very-secret", "OPENAI_BASE_URL": endpoint.base_url}
    script = elsewhere.with_name("agent-step-back")
    done = ran(script, QUESTION, folder=tmp_path, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
    assert endpoint.served.requests == 2
    code = f"from agent_step_back import answer, solve; print(answer({QUESTION!r}))"
    assert ran(elsewhere, "-c", code, folder=tmp_path, **variables).stdout == "5\n"
    card = ran(elsewhere, "-m", "agent_step_back", "--card", folder=tmp_path)
    assert card.stdout == (out / "CARD.md").read_text()


async def test_what_the_package_holds(tmp_path: Path):
    design = SEEDS["debate"]
    out = await wrote(design, tmp_path)
    assert (out / "agent_debate" / "design.py").read_text() == design.source
    project = tomllib.loads((out / "pyproject.toml").read_text())["project"]
    assert project["name"] == "agent-debate"
    assert project["dependencies"] == ["openai>=1.109,<4"]
    assert project["description"] == design.idea
    assert json.loads((out / "card.json").read_text())["design_id"] == design.id
    assert design.id in (out / "NOTICE").read_text()
    assert "Apache License" in (out / "LICENSE-agentkit").read_text()
    assert (out / "agent_debate" / "py.typed").exists()
    texts = {path: path.read_text() for path in out.rglob("*") if path.is_file()}
    assert not [path for path, text in texts.items() if "sk-" in text]
    code = "\n".join(text for path, text in texts.items() if path.suffix == ".py")
    assert not re.findall(r"(?m)^\s*(?:from|import) metasearch\b.*", code)


def test_a_hostile_idea_stays_text(tmp_path: Path):
    idea = 'It "quotes" \\ """thrice""" $model\x1b[31m\x7f'
    export(bundled(Design(SEEDS["direct"].source, "evil", idea)), tmp_path / "out")
    project = tomllib.loads((tmp_path / "out" / "pyproject.toml").read_text())["project"]
    assert project["description"] == 'It "quotes" \\ """thrice""" $model [31m'
    done = ran(Path(sys.executable), "-c", "import agent_evil", folder=tmp_path / "out")
    assert done.returncode == 0, done.stderr


def test_two_agents_in_one_process_keep_their_own_kit(tmp_path: Path, endpoint: ScriptedEndpoint):
    for seed in ("direct", "debate"):
        export(bundled(SEEDS[seed]), tmp_path / seed)
    code = f"""
import asyncio, sys
sys.path += {[str(tmp_path / "direct"), str(tmp_path / "debate")]!r}
import agent_direct, agent_debate
assert "agentkit" not in sys.modules
from agent_debate import design
assert design.Task is not agent_direct.assembled.__globals__["Task"]
async def both():
    ask = dict(base_url={endpoint.base_url!r})
    return await asyncio.gather(agent_direct.solve("a", int, **ask), agent_debate.solve("b", **ask))
print(asyncio.run(both()))
"""
    done = ran(Path(sys.executable), "-c", code, folder=tmp_path)
    assert (done.stdout, done.returncode) == ("[5, 'so: five']\n", 0), done.stderr
    assert endpoint.served.requests == 8


def test_an_export_is_not_written_over_something_else(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        export(bundled(SEEDS["direct"]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.fixture(params=["fake", pytest.param("wasm", marks=pytest.mark.wasm)])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    if request.param == "fake":
        return FakeSandbox()
    from metasearch.sandbox.wasm import WasmSandbox

    return WasmSandbox()


async def test_what_programs_gave_is_found_by_running_them_again(sandbox: Sandbox):
    design = SEEDS["program_of_thought"]
    bundle = bundled(design, *await recorded(design))
    async with sandbox:
        found = await with_runs(bundle, sandbox)
    result = {"value": 5, "stdout": "", "error": ""}
    assert [task.runs for task in found.recorded] == [
        (RecordedRun("answer = 2 + 3", result),)
    ] * len(TASKS)
    assert [task.calls for task in found.recorded] == [task.calls for task in bundle.recorded]


async def test_a_task_that_cannot_be_played_again_is_left_as_it_was():
    design = SEEDS["program_of_thought"]
    first, second, _ = await recorded(design)
    other = replace(second, answer="no")
    async with FakeSandbox() as sandbox:
        found = await with_runs(bundled(design, first, other), sandbox)
    assert found.recorded[0].runs is not None
    assert found.recorded[1] == other


async def test_a_design_without_programs_is_not_run_again():
    bundle = bundled(SEEDS["direct"], *await recorded(SEEDS["direct"]))
    sandbox = FakeSandbox()
    await sandbox.close()  # to open anything would raise
    assert await with_runs(bundle, sandbox) is bundle


def test_blocking_calls_on_the_loops_own_thread_do_not_wait_for_themselves(
    tmp_path: Path, endpoint: ScriptedEndpoint
):
    source = '''"""The interface of published archives, used from an asynchronous design."""
from agentkit.adas import Info, LLMAgentBase
async def solve(task):
    return LLMAgentBase(["answer"], "a")([Info("task", "User", task.prompt, -1)], "Go.")[0]
'''
    out = tmp_path / "out"
    export(bundled(Design(source, "mixed")), out)
    code = f"import agent_mixed as a; print(a.answer('?', base_url={endpoint.base_url!r}))"
    done = ran(Path(sys.executable), "-c", code, folder=out)
    assert (done.returncode, done.stdout) == (0, "so: five\n"), done.stderr
