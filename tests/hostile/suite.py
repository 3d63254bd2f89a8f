"""Runs the attacks of `attacks/` in a sandbox and says which were contained.

An attack is a design with a header: the first line of its docstring is the idea, the lines after
it say what must come of it.

```
threats: 3, 10          numbers of the list in README.md; none for one of our own
docker: answered        outcomes that are right, by sandbox, with "|" between them
wasm: crashed | timed_out
answer: []              what it must return where it answers, as JSON
active: 0.5             limits other than those of `LIMITS`: active, wall, memory
times: 12               runs it so often, one after another, for what is left behind in a place
                        that is used again; twice where no place is
together: 4             runs it so often at once
alone: yes              in a worker of its own, beside nothing else
```

Canaries lie in the host's environment, in a file of the host, in the gold answer of every task, in
the inputs and replies of a job that waits in the same worker and of one that waits in another
design's, and in the input of a job that ended before. None may be in anything that comes out. After
every attack a healthy job of the same worker must answer, and at the end those that waited must.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from metasearch.sandbox.base import Job, JobResult, Limits, Sandbox, Worker
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.wasm import WasmSandbox
from metasearch.types import Json, Outcome, Task

HERE = Path(__file__).parent
LIMITS = Limits(active_seconds=20.0, wall_seconds=60.0, memory_mib=128)
AT_ONCE = 4
LATE_SECONDS = 5.0  # after its limit, on a busy machine
SANDBOXES: dict[str, Callable[[], Sandbox]] = {
    "docker": lambda: DockerSandbox(jobs=8, nested=2),  # few places, each used again soon
    "wasm": lambda: WasmSandbox(parallel=6),
}
CANARY = re.compile(r"canary-[0-9a-f]{16}")

HEALTHY = "def solve(task):\n    return 'healthy: ' + task.prompt\n"
WAITING = """
from agentkit import Agent
async def solve(task):
    return [task.prompt, (await Agent("waiting").ask(task.prompt)).text]
"""
# One design for all attacks, so that they share a container: the task says which one is meant.
DISPATCH = """
import sys, types
FILES = {files!r}
def module(name):
    made = sys.modules[name] = types.ModuleType(name)
    exec(compile(FILES[name], name + ".py", "exec"), made.__dict__)
    return made
def solve(task):
    name = task.prompt.partition(" ")[0]
    if name not in FILES:
        name = "healthy"
    elif "hostile" in FILES[name]:
        module("hostile")
    return module(name).solve(task)
"""


@dataclass(frozen=True, slots=True)
class Attack:
    """One file of `attacks/`; the fields are those of its header."""

    name: str
    idea: str
    source: str
    threats: tuple[int, ...]
    outcomes: dict[str, frozenset[str]]
    has_answer: bool = False
    answer: Json = None
    limits: dict[str, float] = field(default_factory=dict)
    times: int = 1
    together: int = 1
    alone: bool = False

    def fits(self, sandbox: str, result: JobResult) -> list[str]:
        """Return what is wrong with a result."""
        problems = []
        answered = result.outcome is Outcome.ANSWERED
        if result.outcome.value not in self.outcomes[sandbox]:
            problems.append(f"{result.outcome.value}: {result.answer!r} {result.error[-500:]}")
        elif self.has_answer and answered and result.answer != self.answer:
            problems.append(f"achieved {result.answer!r}")
        limits = self.limit()
        if result.active_seconds > limits.active_seconds + LATE_SECONDS:
            problems.append(f"computed for {result.active_seconds:.1f} s")
        if result.seconds > limits.wall_seconds + LATE_SECONDS or result.active_seconds < 0:
            problems.append(f"took {result.seconds:.1f} s, {result.active_seconds:.1f} s active")
        if len(result.stdout) > limits.output_bytes or len(result.error) > 4_000:
            problems.append("more text came out than there is room for")
        return problems

    def limit(self) -> Limits:
        """Return the limits of its jobs."""
        names = {"active": "active_seconds", "wall": "wall_seconds", "memory": "memory_mib"}
        values = {names[key]: value for key, value in self.limits.items()}
        if "memory_mib" in values:
            values["memory_mib"] = int(values["memory_mib"])
        return replace(LIMITS, **values)  # type: ignore[arg-type]


def attacks() -> list[Attack]:
    """Return every attack, by name."""
    return [_read(path) for path in sorted((HERE / "attacks").glob("*.py"))]


def _read(path: Path) -> Attack:
    source = path.read_text(encoding="utf-8")
    idea, *lines = (ast.get_docstring(ast.parse(source)) or "").splitlines()
    header = dict(line.split(": ", 1) for line in lines if ": " in line)
    known = {"threats", "docker", "wasm", "answer", "times", "together", "alone"}
    limits = {key: float(header[key]) for key in ("active", "wall", "memory") if key in header}
    assert set(header) <= known | set(limits), f"{path.name}: {set(header) - known - set(limits)}"
    return Attack(
        name=path.stem,
        idea=idea,
        source=source,
        threats=tuple(int(n) for n in header.get("threats", "").split(", ") if n),
        outcomes={
            name: frozenset(str(Outcome(part)) for part in header[name].split(" | "))
            for name in ("docker", "wasm")
        },
        has_answer="answer" in header,
        answer=json.loads(header.get("answer", "null")),
        limits=limits,
        times=int(header.get("times", 1)),
        together=int(header.get("together", 1)),
        alone="alone" in header,
    )


@dataclass(frozen=True, slots=True)
class Canaries:
    """Secrets, each a word that stands nowhere else; `folder` holds one of them in a file."""

    folder: Path
    environment: str
    file: str
    gold: str
    sibling: str
    other: str
    reply: str
    earlier: str

    def problems(self, *texts: str) -> list[str]:
        """Return the canaries that are in what came out."""
        found = {word for text in texts for word in CANARY.findall(text)}
        words = {getattr(self, name): name for name in self.__slots__ if name != "folder"}
        return [f"the canary of {words.get(word, 'nobody')} came out" for word in sorted(found)]


@contextmanager
def laid(folder: Path) -> Iterator[Canaries]:
    """Lay out the canaries of the host; the sandbox has to be opened inside."""
    words = [f"canary-{secrets.token_hex(8)}" for _ in range(7)]
    canaries = Canaries(folder, *words)
    (folder / "labels.json").write_text(f'{{"gold": "{canaries.file}"}}')
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "METASEARCH_CANARY"):
            patch.setenv(name, canaries.environment)
        yield canaries


class Model:
    """Answers calls, with a `gate` when it opens; notes who asked and the secrets in it."""

    def __init__(self, text: str = "ok", gate: asyncio.Event | None = None) -> None:
        self.text, self.gate = text, gate
        self.asked = asyncio.Event()
        self.agents: list[Json] = []
        self.leaked: set[str] = set()

    async def __call__(self, body: dict[str, Json]) -> dict[str, Json]:
        """Answer one call."""
        self.agents.append(body.get("agent"))
        self.leaked.update(CANARY.findall(str(body)))
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        return {"text": self.text, "finish": "stop"}


async def run_all(
    sandbox: Sandbox, chosen: list[Attack], canaries: Canaries
) -> dict[str, list[str]]:
    """Run attacks.

    Returns:
        name of each attack, and "" for all of them together: what was not contained.
    """
    async with AsyncExitStack() as stack:
        worker = await _opened(sandbox, _dispatch(chosen, canaries), stack)
        bystanders = _Bystanders(sandbox, canaries)
        await bystanders.begin(worker, stack)
        room = asyncio.Semaphore(AT_ONCE)
        found: dict[str, list[str]] = {}

        async def contained(attack: Attack, on: Worker) -> None:
            async with room:
                found[attack.name] = await _attacked(sandbox.name, attack, on, canaries)

        await asyncio.gather(*(contained(each, worker) for each in chosen if not each.alone))
        for each in chosen:
            if each.alone:
                source = _dispatch([each], canaries)
                async with AsyncExitStack() as own:
                    await contained(each, await _opened(sandbox, source, own))
        found[""] = await bystanders.end() + _left_on_host(canaries)
        return found


async def _opened(sandbox: Sandbox, source: str, stack: AsyncExitStack) -> Worker:
    worker = await sandbox.open(source)
    stack.push_async_callback(worker.close)
    return worker


def _dispatch(chosen: list[Attack], canaries: Canaries) -> str:
    prelude = (HERE / "prelude.py").read_text(encoding="utf-8")
    prelude = prelude.replace("@FILE@", str(canaries.folder / "labels.json"))
    prelude = prelude.replace("@FOLDER@", str(canaries.folder / "open"))
    files = {"hostile": prelude, "healthy": HEALTHY, "waiting": WAITING}
    return DISPATCH.format(files=files | {each.name: each.source for each in chosen})


def _job(prompt: str, canaries: Canaries, limits: Limits) -> Job:
    return Job(Task("t", prompt, canaries.gold).public(), 0, limits)


async def _attacked(sandbox: str, attack: Attack, worker: Worker, canaries: Canaries) -> list[str]:
    problems = []

    async def once() -> None:
        model = Model()
        result = await worker.run(_job(attack.name, canaries, attack.limit()), model)
        problems.extend(attack.fits(sandbox, result))
        problems.extend(canaries.problems(repr(result)) + canaries.problems(*model.leaked))
        nonce = secrets.token_hex(4)
        after = await worker.run(_job(nonce, canaries, LIMITS), Model())
        if (after.outcome, after.answer) != (Outcome.ANSWERED, f"healthy: {nonce}"):
            problems.append(f"afterwards a healthy job: {after.outcome} {after.error[-300:]}")

    times = attack.times if sandbox == "docker" else min(attack.times, 2)
    for _ in range(times):
        await asyncio.gather(*(once() for _ in range(attack.together)))
    return sorted(set(problems))


class _Bystanders:
    """A job that has ended, one that waits in the same worker, and one of another design."""

    def __init__(self, sandbox: Sandbox, canaries: Canaries) -> None:
        self._sandbox, self._canaries = sandbox, canaries
        self._gate = asyncio.Event()
        self._models = [Model(canaries.reply, self._gate) for _ in range(2)]
        self._waiting: list[asyncio.Task[JobResult]] = []

    async def begin(self, worker: Worker, stack: AsyncExitStack) -> None:
        words = self._canaries
        await worker.run(_job(f"healthy {words.earlier}", words, LIMITS), Model())
        other = await _opened(self._sandbox, WAITING, stack)
        limits = replace(LIMITS, wall_seconds=300.0)
        for place, word, model in zip(
            (worker, other), (words.sibling, words.other), self._models, strict=True
        ):
            job = _job(f"waiting {word}", words, limits)
            self._waiting.append(asyncio.create_task(place.run(job, model)))
            await asyncio.wait_for(model.asked.wait(), 60.0)

    async def end(self) -> list[str]:
        """Let them go on, and return what is wrong with their answers."""
        words, problems = self._canaries, []
        self._gate.set()
        for name, model, waiting in zip(
            ("sibling", "other"), self._models, self._waiting, strict=True
        ):
            result = await waiting
            if result.answer != [f"waiting {getattr(words, name)}", words.reply]:
                problems.append(f"the job of {name} that waited: {result.outcome} {result.error}")
            if model.agents != ["waiting"]:
                problems.append(f"the job of {name} has asked what it did not ask")
        return problems


def _left_on_host(canaries: Canaries) -> list[str]:
    left = [path.name for path in (canaries.folder / "open").iterdir()]
    kept = (canaries.folder / "labels.json").read_text()
    problems = [f"written on the host: {left}"] if left else []
    return problems + ([] if canaries.file in kept else ["a file of the host was changed"])
