"""What a design meets that leaves, lies or forges; a part of `IsolationContract`."""

# ruff: noqa: D102 - a test's name is its docstring

from __future__ import annotations

import asyncio

import pytest

from metasearch.sandbox.base import CallRefused, Sandbox
from metasearch.testing.scripted import QUICK, ScriptedModel, attack
from metasearch.types import Json, Outcome

__all__ = ["FAILED", "ForgeryContract"]

FAILED = frozenset(Outcome) - {Outcome.ANSWERED, Outcome.INFRASTRUCTURE}


class ForgeryContract:
    """Nothing but this job's own outcome can come of it."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

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
