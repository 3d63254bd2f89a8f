"""How much an evaluation costs beyond its model calls: sandbox, gateway and archive included.

128 tasks x 5 dependent calls against a loopback endpoint of 200 ms, 64 calls at a time: the calls
alone take 128 x 5 / 64 x 0.2 s = 2.0 s. Sandbox and evaluations are as a search has them, and the
endpoint, a process of its own, confirms that it never had more calls at once. The design has met
one task before the clock starts: a warm worker is what a search has, too.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from metasearch.archive import Archive
from metasearch.domains.base import TaskSet
from metasearch.domains.questions import task_id
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.settings import ModelSettings
from metasearch.sandbox.base import Limits
from metasearch.sandbox.choose import open_sandbox
from metasearch.search.config import SearchConfig
from metasearch.search.evaluate import Asking, Evaluator, evaluations_at_once
from metasearch.search.events import Event
from metasearch.search.measure import Measurer
from metasearch.search.proposer import Proposal
from metasearch.testing.endpoint import EndpointProcess
from metasearch.types import Design, Json, Score, Split, Task, Usage

CALLS, TOGETHER, LATENCY = 5, 64, 0.2
SOURCE = f'''"""Five questions, one after the other."""
from agentkit import Agent, Task

async def solve(task: Task) -> str:
    agent, said = Agent("one"), ""
    for turn in range({CALLS}):
        said = (await agent.ask(task.prompt, f"turn {{turn}}", said)).text
    return said
'''


def figure(quick: bool) -> dict[str, Json]:
    """Wall clock of the evaluation, as a ratio to the calls alone."""
    measured = _in_a_process(quick)
    return {
        "value": measured["ratio"],
        "bound": 1.15,
        "unit": "x the calls alone",
        "holds": measured["ratio"] <= 1.15,
        **measured,
    }


def host_memory(quick: bool) -> dict[str, Json]:
    """Peak resident memory of the host process during that run."""
    measured = _in_a_process(quick)
    return {
        "value": measured["host_mib"],
        "bound": 300,
        "unit": "MiB",
        "holds": measured["host_mib"] < 300,
    }


def _in_a_process(quick: bool) -> dict[str, Json]:
    """Measure in a fresh process, so that nothing else counts towards its memory."""
    command = [sys.executable, "-m", __name__, "quick" if quick else "full"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


class _Silent:
    def show(self, event: Event) -> None:
        """Show nothing."""


def _tasks(prefix: str, count: int) -> tuple[Task, ...]:
    prompts = [f"{prefix} question {number}" for number in range(count)]
    return tuple(Task(task_id(prompt), prompt, "ok") for prompt in prompts)


async def _measure(count: int, folder: Path) -> dict[str, Json]:
    splits = {
        Split.TRAIN: _tasks("train", 1),
        Split.VALIDATION: _tasks("validation", count),
        Split.TEST: _tasks("test", 1),
    }
    domain = TaskSet("bench", "", splits, lambda task, answer: Score(float(answer == task.gold)))
    archive = Archive.open(folder / "archive.db")
    info = archive.create_search(
        id="bench",
        domain="bench",
        strategy="evolve",
        config=SearchConfig().to_json(),
        seed=0,
        tasks=splits,
    )
    with EndpointProcess(latency=LATENCY) as endpoint:
        recorder = archive.recorder(info.id)
        settings = ModelSettings(
            "m", base_url=endpoint.base_url, key_env=None, free=True, concurrency=TOGETHER
        )
        gateway = OpenAIGateway([settings], budget=Budget(Caps()), record=recorder)
        at_once = evaluations_at_once(TOGETHER)
        async with await open_sandbox("auto", at_once=at_once) as sandbox:
            slots = asyncio.Semaphore(at_once)
            evaluator = Evaluator(gateway, domain, Asking("m"), Limits(), slots)
            measurer = Measurer(info.id, archive, evaluator, sandbox, _Silent())
            measurer.load()
            proposal = Proposal(Design(SOURCE, "five"), "", (), Usage(), 0.0, "")
            member = measurer.enter(0, proposal, "seed", "pending")
            await measurer.meet(member, Split.TRAIN, splits[Split.TRAIN])
            started, cpu = time.perf_counter(), time.process_time()
            await measurer.meet(member, Split.VALIDATION, splits[Split.VALIDATION])
            wall, cpu = time.perf_counter() - started, time.process_time() - cpu
            name, peak = sandbox.name, endpoint.served.peak
        await gateway.close()
        recorder.close()
    assert member.mean() == 1.0, "every evaluation has to be answered"
    assert peak <= TOGETHER, "the calls alone would have been quicker"
    ideal = -(-count // TOGETHER) * CALLS * LATENCY
    return {
        "ratio": round(wall / ideal, 3),
        "seconds": round(wall, 3),
        "ideal_seconds": ideal,
        "host_cpu_seconds": round(cpu, 3),
        "tasks": count,
        "sandbox": name,
        "host_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "calls_at_once": peak,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(_measure(64 if sys.argv[1] == "quick" else 128, Path(folder)))
    print(json.dumps(measured))
