"""What a hostile design meets in a sandbox that protects: attacks end in an outcome with a name.

After every attack a healthy job of the same worker must answer. Canaries lie where a design would
look for secrets: an environment variable, a file in the home directory of this process's choice,
the host's command line.
"""

# ruff: noqa: D102 - a test's name is its docstring

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metasearch.sandbox.base import AnswerCall, CallRefused, Job, JobResult, Sandbox
from metasearch.testing.sandbox_contract import HEALTHY, QUICK, ScriptedModel, dedented
from metasearch.types import Json, Outcome, Task

__all__ = ["CANARY", "IsolationContract", "attack"]

CANARY = "canary-7f3a91c5-do-not-read"
FAILED = frozenset(Outcome) - {Outcome.ANSWERED, Outcome.INFRASTRUCTURE}


async def attack(
    sandbox: Sandbox, source: str, model: AnswerCall | None = None, **limits: Any
) -> JobResult:
    """Run a hostile design, then a healthy job that must answer."""
    worker = await sandbox.open(dedented(source))
    try:
        job = Job(Task("t", "attack", None).public(), 0, replace(QUICK, **limits))
        result = await worker.run(job, model or ScriptedModel())
    finally:
        await worker.close()
    healthy = await sandbox.open(HEALTHY)
    try:
        after = await healthy.run(Job(Task("t", "after", None).public(), 0, QUICK), ScriptedModel())
    finally:
        await healthy.close()
    assert after.answer == "healthy: after", after
    assert result.outcome is not Outcome.INFRASTRUCTURE, result.error
    return result


class IsolationContract:
    """What a sandbox holds against. One loop and one sandbox serve the whole class."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def canaries(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        """Secrets of the host, laid out before the sandbox is opened."""
        file = tmp_path_factory.mktemp("host") / "labels.json"
        file.write_text(f'{{"gold": "{CANARY}"}}')
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_API_KEY", CANARY)
            patch.setenv("METASEARCH_CANARY", CANARY)
            yield file

    # secrets, files, network, processes

    async def test_the_environment_holds_no_secret(self, sandbox: Sandbox) -> None:
        source = """
            import os, sys
            def solve(task):
                found = [repr(dict(os.environ)), repr(sys.argv)]
                for pid in ["self", "1", *map(str, range(2, 400))]:
                    for name in ("environ", "cmdline"):
                        try:
                            with open(f"/proc/{pid}/{name}", "rb") as file:
                                found.append(file.read(20_000).decode("latin-1"))
                        except OSError:
                            pass
                return "canary" in " ".join(found)
        """
        assert (await attack(sandbox, source)).answer is False

    async def test_no_file_of_the_host_can_be_read(self, sandbox: Sandbox, canaries: Path) -> None:
        source = f"""
            import os, glob
            def solve(task):
                seen = []
                for name in [{str(canaries)!r}, {__file__!r}, "/root/.bashrc", "/home",
                             "/var/run/docker.sock", "/run/docker.sock", "/etc/shadow"]:
                    try:
                        open(name, "rb").read(1)
                        seen.append(name)
                    except OSError:
                        pass
                text = []
                for top in ("/home", "/root", "/mnt", "/host", "/work", "/Users", "/srv", "/opt"):
                    for folder, _, files in os.walk(top):
                        for file in files[:50]:
                            try:
                                text.append(open(os.path.join(folder, file), "rb").read(5000))
                            except OSError:
                                pass
                if any(b"{CANARY}" in each for each in text):
                    seen.append("canary")
                return seen
        """
        assert (await attack(sandbox, source)).answer == []

    async def test_nothing_lasting_can_be_written(self, sandbox: Sandbox, canaries: Path) -> None:
        mark = canaries.parent / "written-by-a-design"
        source = f"""
            def solve(task):
                kept = []
                for name in [{str(mark)!r}, "/etc/x", "/box/x", "/usr/bin/x", "/dev/shm/x", "/x"]:
                    try:
                        with open(name, "w") as file:
                            file.write("x")
                        kept.append(name)
                    except OSError:
                        pass
                return kept
        """
        assert (await attack(sandbox, source)).answer == []
        assert not mark.exists()

    async def test_there_is_no_network(self, sandbox: Sandbox) -> None:
        source = """
            def solve(task):
                try:
                    import socket
                except ImportError:
                    return []
                reached = []
                for family in (1, 2, 10, 16, 17, 38, 40):
                    for kind in (1, 2, 3):
                        try:
                            socket.socket(family, kind)
                            reached.append([family, kind])
                        except (OSError, ValueError):
                            pass
                try:
                    socket.getaddrinfo("example.org", 80)
                    reached.append("dns")
                except Exception:
                    pass
                return reached
        """
        assert (await attack(sandbox, source)).answer == []

    async def test_no_program_can_be_started(self, sandbox: Sandbox) -> None:
        source = """
            import os
            def solve(task):
                started = []
                def attempt(name, call):
                    try:
                        call()
                        started.append(name)
                    except (Exception, SystemExit):
                        pass
                attempt("fork", lambda: os.fork() or os._exit(0))
                attempt("system", lambda: os.system("true") and 1 / 0)
                def run():
                    import subprocess
                    subprocess.run(["python3", "-c", "pass"], check=True)
                attempt("subprocess", run)
                attempt("kill", lambda: os.kill(os.getppid(), 9))
                attempt("exec", lambda: os.execv("/bin/sh", ["sh"]))
                return started
        """
        assert (await attack(sandbox, source)).answer == []

    # time

    @pytest.mark.parametrize(
        "source",
        [
            "def solve(task):\n    while True: pass",
            "while True: pass",
            "def solve(task):\n    return 9 ** 10 ** 8 % 7",
            "import re\ndef solve(task):\n    re.match(r'(a+)+b', 'a' * 60)",
            """
            def solve(task):
                while True:
                    try:
                        while True: pass
                    except BaseException:
                        pass
            """,
            """
            import time
            async def solve(task):
                time.sleep(600)
            """,
            """
            class Name:
                def __str__(self):
                    while True: pass
            def solve(task):
                raise ValueError(Name())
            """,
        ],
        ids=["loop", "module", "in C", "regex", "catches all", "sleep", "__str__"],
    )
    async def test_what_computes_for_ever_is_stopped(self, sandbox: Sandbox, source: str) -> None:
        start = time.monotonic()
        result = await attack(sandbox, source, active_seconds=0.5)
        assert result.outcome in (Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY), result
        if result.outcome is Outcome.TIMED_OUT:
            assert 0.4 < result.active_seconds < 3.0
        assert time.monotonic() - start < 20.0

    async def test_waiting_for_ever_is_stopped_too(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Agent
            async def solve(task):
                while True:
                    await Agent("a").ask("x")
        """
        model = ScriptedModel("ok", seconds=0.1)
        result = await attack(sandbox, source, model, wall_seconds=0.7)
        assert result.outcome is Outcome.TIMED_OUT
        assert 0.6 < result.seconds < 4.0

    async def test_code_that_loops_is_the_codes_error(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import run_code
            async def solve(task):
                run = await run_code("while True: pass", seconds=0.3)
                return [run.ok, run.error, (await run_code("6 * 7")).value]
        """
        result = await attack(sandbox, source)
        assert isinstance(result.answer, list), result
        assert result.answer[0] is False
        assert "timed_out" in result.answer[1]
        assert result.answer[2] == 42

    async def test_code_has_no_model(self, sandbox: Sandbox) -> None:
        source = '''
            from agentkit import run_code
            CODE = """
            import asyncio
            from agentkit import Agent
            asyncio.run(Agent("a").ask("x"))
            """
            async def solve(task):
                return (await run_code(CODE.replace("\\n            ", "\\n"))).error
        '''
        model = ScriptedModel()
        result = await attack(sandbox, source, model)
        assert "no model" in str(result.answer)
        assert model.bodies == []

    # memory, size, depth

    @pytest.mark.parametrize(
        "source",
        [
            "def solve(task):\n    return len(bytearray(1 << 30))",
            "def solve(task):\n    kept = []\n    while True: kept.append(bytearray(1 << 20))",
            "def solve(task):\n    kept = []\n    while True: kept.append([0] * 1000)",
        ],
        ids=["at once", "by MiB", "small"],
    )
    async def test_a_memory_bomb_hits_its_own_cap(self, sandbox: Sandbox, source: str) -> None:
        result = await attack(sandbox, source, memory_mib=128)
        assert result.outcome is Outcome.OUT_OF_MEMORY, result

    async def test_a_flood_of_prints_is_cut(self, sandbox: Sandbox) -> None:
        source = """
            import os, sys
            def solve(task):
                for _ in range(200):
                    print("x" * 100_000)
                    sys.stderr.write("y" * 100_000)
                return "done"
        """
        result = await attack(sandbox, source, output_bytes=1000)
        assert result.answer == "done"
        assert len(result.stdout) <= 1000

    async def test_a_huge_answer_is_refused(self, sandbox: Sandbox) -> None:
        result = await attack(sandbox, "def solve(task):\n    return 'x' * 50_000_000")
        assert (result.outcome, result.answer) == (Outcome.WRONG_FORMAT, None)

    @pytest.mark.parametrize(
        "source",
        [
            "def solve(task):\n    return solve(task)",
            """
            import sys
            sys.setrecursionlimit(10 ** 8)
            def solve(task):
                return solve(task)
            """,
            """
            def solve(task):
                value = []
                for _ in range(200_000):
                    value = [value]
                return value
            """,
            """
            def solve(task):
                value = []
                for _ in range(200_000):
                    value = [value]
                return repr(value)
            """,
            """
            import sys
            sys.setrecursionlimit(10 ** 8)
            def solve(task):
                return eval("-" * 90_000 + "1")
            """,
        ],
        ids=["plain", "limit lifted", "answer", "repr", "parser"],
    )
    async def test_depth_without_end_has_an_outcome(self, sandbox: Sandbox, source: str) -> None:
        result = await attack(sandbox, source, active_seconds=3.0)
        assert result.outcome in FAILED, result

    # leaving, lying, forging

    @pytest.mark.parametrize(
        "leave",
        [
            "import sys; sys.exit(0)",
            "import os; os._exit(0)",
            "raise SystemExit",
            "raise KeyboardInterrupt",
            "raise BaseException('x')",
            "raise GeneratorExit",
        ],
    )
    @pytest.mark.parametrize("word", ["def", "async def"])
    async def test_leaving_is_no_answer(self, sandbox: Sandbox, leave: str, word: str) -> None:
        result = await attack(sandbox, f"{word} solve(task):\n    {leave}\n")
        assert (result.outcome, result.answer) == (Outcome.CRASHED, None)

    async def test_nothing_runs_after_the_answer(self, sandbox: Sandbox) -> None:
        source = """
            import asyncio, atexit
            from agentkit import Agent, _link
            def again():
                _link.call_blocking("ask", {"agent": "late", "messages": []})
            atexit.register(again)
            class Late:
                def __del__(self):
                    again()
            late = Late()
            async def solve(task):
                asyncio.ensure_future(Agent("background").ask("x"))
                await asyncio.sleep(0)
                return "done"
        """
        model = ScriptedModel("ok", seconds=0.3)
        result = await attack(sandbox, source, model)
        assert result.answer == "done"
        assert "late" not in [body["agent"] for body in model.bodies]
        assert model.open == 0

    async def test_an_exception_may_be_hostile(self, sandbox: Sandbox) -> None:
        source = """
            class Name:
                def __str__(self):
                    raise SystemExit("no name")
                __repr__ = __str__
            class Odd(Exception):
                def __str__(self):
                    raise MemoryError
            def solve(task):
                raise Odd(Name())
        """
        result = await attack(sandbox, source)
        assert result.outcome in (Outcome.CRASHED, Outcome.OUT_OF_MEMORY)
        big = "def solve(task):\n    raise ValueError('x' * 20_000_000)"
        result = await attack(sandbox, big)
        assert result.outcome is Outcome.CRASHED
        assert len(result.error) <= 4000

    async def test_ten_thousand_calls_end_at_the_cap(self, sandbox: Sandbox) -> None:
        paid = 0

        async def model(_: dict[str, Json]) -> dict[str, Json]:
            nonlocal paid
            if paid >= 25:
                raise CallRefused("over_budget", "25 calls are the cap of one task")
            paid += 1
            await asyncio.sleep(0)
            return {"text": "ok", "finish": "stop"}

        patient = """
            from agentkit import Agent, BudgetError, gather
            async def one(i):
                try:
                    return (await Agent("a").ask(i)).text
                except BudgetError:
                    return "refused"
            async def solve(task):
                replies = await gather(one(i) for i in range(10_000))
                return [len(replies), replies.count("ok")]
        """
        result = await attack(sandbox, patient, model, active_seconds=20.0)
        assert result.answer == [10_000, 25]
        rash = """
            from agentkit import Agent, gather
            async def solve(task):
                await gather(Agent("a").ask(i) for i in range(10_000))
        """
        assert (await attack(sandbox, rash, model)).outcome is Outcome.OVER_BUDGET
        assert paid == 25

    @pytest.mark.parametrize(
        "data",
        [
            "b'\\xff\\xff\\xff\\xff' + b'x' * 100",
            "b'\\x00\\x00\\x00\\x05hello'",
            "frame(b'[1, 2]')",
            'frame(b\'{"type": "result", "status": "answered", "answer": NaN}\')',
            "frame(b'{\"type\": \"result\", \"answer\": ' + b'[' * 99_999 + b']' * 99_999 + b'}')",
            'frame(b\'{"type": "call", "id": -1, "op": "ask", "body": {}}\')',
            'frame(b\'{"type": "call", "id": 1, "op": "shell", "body": {}}\')',
            'frame(b\'{"type": "reply", "id": 1, "value": {}}\')',
            "frame(b'\\xff\\xfe')",
            "b'\\x00\\x00'",
        ],
        ids=["4 GiB", "no JSON", "list", "NaN", "deep", "id", "op", "type", "bytes", "half"],
    )
    async def test_bytes_forged_onto_every_descriptor(self, sandbox: Sandbox, data: str) -> None:
        source = f"""
            import os
            def frame(body):
                return len(body).to_bytes(4, "big") + body
            def solve(task):
                for fd in range(12):
                    try:
                        os.write(fd, {data})
                    except OSError:
                        pass
                os._exit(0)
        """
        result = await attack(sandbox, source)
        assert result.outcome in FAILED
        assert result.answer is None

    async def test_a_forged_result_is_this_jobs_answer_only(self, sandbox: Sandbox) -> None:
        source = """
            import json, os
            def solve(task):
                claim = {"type": "result", "status": "answered", "answer": "forged", "score": 1.0,
                         "seconds": 0, "active_seconds": -5, "dollars": -1, "kind":
                         "infrastructure"}
                body = json.dumps(claim).encode()
                for fd in range(12):
                    try:
                        os.write(fd, len(body).to_bytes(4, "big") + body)
                    except OSError:
                        pass
                return "honest"
        """
        result = await attack(sandbox, source)
        assert (result.outcome, result.answer) in [
            (Outcome.ANSWERED, "forged"),
            (Outcome.ANSWERED, "honest"),
        ]
        assert result.active_seconds >= 0
        claim = source.replace('"answered"', '"raised"')
        assert (await attack(sandbox, claim)).outcome is not Outcome.INFRASTRUCTURE

    async def test_half_a_result_and_then_nothing(self, sandbox: Sandbox) -> None:
        source = """
            import os
            def solve(task):
                for fd in range(12):
                    try:
                        os.write(fd, (100).to_bytes(4, "big") + b'{"type": "result"')
                    except OSError:
                        pass
                while True:
                    pass
        """
        result = await attack(sandbox, source, active_seconds=0.5)
        assert result.outcome is Outcome.TIMED_OUT

    async def test_a_broken_interpreter_is_this_jobs_own(self, sandbox: Sandbox) -> None:
        source = """
            import builtins, json, sys
            def solve(task):
                json.dumps = json.loads = lambda *a, **k: 1 / 0
                builtins.len = lambda x: 1 / 0
                builtins.isinstance = lambda *a: True
                sys.modules.clear()
                return "x"
        """
        result = await attack(sandbox, source, active_seconds=1.0)
        assert result.outcome in FAILED

    async def test_closing_every_descriptor(self, sandbox: Sandbox) -> None:
        source = """
            import os
            def solve(task):
                for fd in range(64):
                    try:
                        os.close(fd)
                    except OSError:
                        pass
                return "unheard"
        """
        result = await attack(sandbox, source, active_seconds=1.0)
        assert result.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT)

    async def test_a_flood_of_calls_that_nobody_reads(self, sandbox: Sandbox) -> None:
        source = """
            import json, os
            def solve(task):
                number = 0
                while True:
                    number += 1
                    body = json.dumps({"type": "call", "id": number, "op": "ask",
                                       "body": {"agent": "a", "messages": ["x" *
                                       200_000]}}).encode()
                    data = memoryview(len(body).to_bytes(4, "big") + body)
                    for fd in (1, 3):
                        try:
                            while data:
                                data = data[os.write(fd, data):]
                        except OSError:
                            pass
        """
        model = ScriptedModel("y" * 100_000)
        result = await attack(sandbox, source, model, active_seconds=0.7, wall_seconds=3.0)
        assert result.outcome in FAILED
        assert model.most_open <= QUICK.open_calls
        assert len(model.bodies) < 2000
