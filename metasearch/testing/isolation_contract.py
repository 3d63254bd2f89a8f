"""What a hostile design meets in a sandbox that protects: attacks end in an outcome with a name.

After every attack a healthy job of the same worker must answer. Canaries lie where a design would
look for secrets: an environment variable, a file in the home directory of this process's choice,
the host's command line.
"""

# ruff: noqa: D102 - a test's name is its docstring

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.sandbox.base import Sandbox
from metasearch.testing.forgery_contract import FAILED, ForgeryContract
from metasearch.testing.member_contract import MemberIsolationContract
from metasearch.testing.scripted import ScriptedModel, attack
from metasearch.types import Outcome

__all__ = ["CANARY", "IsolationContract"]

CANARY = "canary-7f3a91c5-do-not-read"


class IsolationContract(ForgeryContract, MemberIsolationContract):
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
