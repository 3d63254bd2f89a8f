"""What every sandbox promises, as tests: subclass, provide `sandbox`, and the whole contract runs.

```python
class TestMySandbox(SandboxContract, IsolationContract):
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def sandbox(cls):
        async with MySandbox() as opened:
            yield opened
```

`SandboxContract` is what a well-meaning design relies on; `IsolationContract`, in
`isolation_contract`, is what a hostile one meets. Needs pytest and pytest-asyncio.
"""

# ruff: noqa: D102 - a test's name is its docstring

from __future__ import annotations

import asyncio
import json

import pytest

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.base import CallRefused, Job, Sandbox
from metasearch.testing.member_contract import MemberContract
from metasearch.testing.scripted import HEALTHY, QUICK, ScriptedModel, dedented, run
from metasearch.types import Json, Outcome, Task

__all__ = ["SandboxContract", "ScriptedModel", "run"]


class SandboxContract(MemberContract):
    """What a design may rely on. One loop and one sandbox serve the whole class."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    # answers

    @pytest.mark.parametrize(
        "answer",
        ["text", "", "ünïcode ☃ 𝄞", 42, -7, 2.5, True, None, [1, "a", None], {"k": [1, {"d": 2}]}],
    )
    async def test_an_answer_comes_out_as_it_is(self, sandbox: Sandbox, answer: Json) -> None:
        result = await run(sandbox, f"def solve(task):\n    return {answer!r}")
        assert (result.outcome, result.answer) == (Outcome.ANSWERED, answer)
        assert type(result.answer) is type(answer)

    async def test_a_design_sees_prompt_and_type_and_nothing_else(self, sandbox: Sandbox) -> None:
        source = """
            def solve(task):
                names = sorted(n for n in dir(task) if not n.startswith("_"))
                return [task.prompt, str(task.answer_type), names]
        """
        result = await run(sandbox, dedented(source), prompt="Wie viel?", answer_type=("A", "B"))
        assert result.answer == ["Wie viel?", "('A', 'B')", ["answer_type", "prompt"]]

    @pytest.mark.parametrize("name", ["str", "int", "float", "bool"])
    async def test_types_of_answers_are_types(self, sandbox: Sandbox, name: str) -> None:
        source = f"def solve(task):\n    return task.answer_type is {name}"
        assert (await run(sandbox, source, answer_type=name)).answer is True

    async def test_a_synchronous_and_an_asynchronous_solve(self, sandbox: Sandbox) -> None:
        for word in ("", "async "):
            result = await run(sandbox, f"{word}def solve(task):\n    return task.prompt")
            assert result.answer == "6 * 7?"

    async def test_a_module_without_solve_is_told_so(self, sandbox: Sandbox) -> None:
        result = await run(sandbox, "x = 1")
        assert result.outcome is Outcome.CRASHED
        assert "solve" in result.error

    # calls

    async def test_a_call_reaches_the_host_as_messages(self, sandbox: Sandbox) -> None:
        model = ScriptedModel("forty-two")
        source = """
            from agentkit import Agent
            async def solve(task):
                agent = Agent("sage", "a wise owl", temperature=0.25, max_tokens=99)
                reply = await agent.ask(task.prompt, "Think.")
                return [reply.text, reply.agent]
        """
        result = await run(sandbox, dedented(source), model)
        assert result.answer == ["forty-two", "sage"]
        assert model.bodies == [
            {
                "agent": "sage",
                "messages": [
                    {"role": "system", "content": "You are a wise owl."},
                    {"role": "user", "content": "6 * 7?\n\nThink."},
                ],
                "temperature": 0.25,
                "max_tokens": 99,
                "heard": 0,
            }
        ]

    async def test_fields_come_back_typed(self, sandbox: Sandbox) -> None:
        model = ScriptedModel(
            'Sure:\n```json\n{"thinking": "6*7", "answer": "42", "sure": true, "kind": "b", '
            '"parts": ["6", "7"]}\n```'
        )
        source = """
            from agentkit import Agent
            async def solve(task):
                fields = {"thinking": str, "answer": task.answer_type, "sure": bool,
                          "kind": ("A", "B"), "parts": list[int]}
                r = await Agent("a").ask(task.prompt, fields=fields)
                return [r.thinking, r["answer"], r.sure, r.kind, r.parts]
        """
        result = await run(sandbox, dedented(source), model, answer_type="int")
        assert result.answer == ["6*7", 42, True, "B", [6, 7]]
        schema = model.bodies[0]["schema"]
        assert schema["required"] == ["thinking", "answer", "sure", "kind", "parts"]
        assert schema["properties"]["answer"] == {"type": "integer"}
        assert schema["additionalProperties"] is False

    async def test_a_misfit_is_told_to_the_model_once(self, sandbox: Sandbox) -> None:
        model = ScriptedModel("I think it is 42.", '{"answer": 42}')
        source = """
            from agentkit import Agent
            async def solve(task):
                return (await Agent("a").ask(task.prompt, fields={"answer": int})).answer
        """
        result = await run(sandbox, dedented(source), model)
        assert result.answer == 42
        assert [m["role"] for m in model.bodies[1]["messages"][2:]] == ["assistant", "user"]
        assert "answer" in model.bodies[1]["messages"][-1]["content"]

    @pytest.mark.parametrize(
        ("model", "outcome"),
        [
            (ScriptedModel("no object"), Outcome.WRONG_FORMAT),
            (ScriptedModel("  "), Outcome.BLANK),
            (ScriptedModel('{"answer": "cut', finish="length"), Outcome.TRUNCATED),
            (ScriptedModel("no", finish="content_filter"), Outcome.REFUSED),
            (ScriptedModel(CallRefused("over_budget", "the cap")), Outcome.OVER_BUDGET),
            (ScriptedModel(CallRefused("refused", "no")), Outcome.REFUSED),
        ],
        ids=lambda value: value.value if isinstance(value, Outcome) else "",
    )
    async def test_a_useless_reply_has_a_name(
        self, sandbox: Sandbox, model: ScriptedModel, outcome: Outcome
    ) -> None:
        asking = """
            from agentkit import Agent, AgentError
            async def solve(task):
                return (await Agent("a").ask(task.prompt, fields={"answer": str})).answer
        """
        assert (await run(sandbox, dedented(asking), model)).outcome is outcome
        catching = dedented(asking).replace("    return", "    try:\n        return") + (
            "    except AgentError as error:\n        return error.kind\n"
        )
        result = await run(sandbox, catching, model)
        assert (result.outcome, result.answer) == (Outcome.ANSWERED, outcome.value)

    async def test_ten_calls_wait_together(self, sandbox: Sandbox) -> None:
        model = ScriptedModel("ok", seconds=0.2)
        source = """
            from agentkit import Agent, gather
            async def solve(task):
                replies = await gather(Agent(f"a{i}").ask(i) for i in range(10))
                return [reply.agent for reply in replies]
        """
        result = await run(sandbox, dedented(source), model)
        assert result.answer == [f"a{i}" for i in range(10)]
        assert model.most_open == 10
        assert result.active_seconds < result.seconds - 0.15

    async def test_replies_may_come_in_any_order(self, sandbox: Sandbox) -> None:
        async def model(body: dict[str, Json]) -> dict[str, Json]:
            number = int(body["messages"][-1]["content"])
            await asyncio.sleep(0.05 * (4 - number))
            return {"text": f"reply {number}", "finish": "stop"}

        source = """
            import asyncio
            from agentkit import Agent
            async def solve(task):
                order = []
                async def one(i):
                    order.append((await Agent("a").ask(i)).text)
                await asyncio.gather(*(one(i) for i in range(4)))
                return order
        """
        result = await run(sandbox, dedented(source), model)
        assert result.answer == ["reply 3", "reply 2", "reply 1", "reply 0"]

    async def test_no_more_calls_are_open_than_allowed(self, sandbox: Sandbox) -> None:
        model = ScriptedModel("ok", seconds=0.02)
        source = """
            from agentkit import Agent, gather
            async def solve(task):
                return len(await gather(Agent("a").ask(i) for i in range(30)))
        """
        result = await run(sandbox, dedented(source), model, open_calls=4)
        assert (result.answer, model.most_open) == (30, 4)

    async def test_timers_run_while_calls_wait(self, sandbox: Sandbox) -> None:
        source = """
            import asyncio, time
            from agentkit import Agent
            async def solve(task):
                call = asyncio.ensure_future(Agent("a").ask("x"))
                for _ in range(3):
                    await asyncio.sleep(0.02)
                done_before = call.done()
                time.sleep(0.01)
                try:
                    await asyncio.wait_for(asyncio.Event().wait(), 0.02)
                except TimeoutError:
                    pass
                return [done_before, (await call).text]
        """
        result = await run(sandbox, dedented(source), ScriptedModel("ok", seconds=0.4))
        assert result.answer == [False, "ok"]

    async def test_what_the_host_raises_comes_out_unchanged(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Agent
            async def solve(task):
                try:
                    await Agent("a").ask("x")
                except Exception:
                    return "swallowed"
        """

        class OwnError(Exception):
            pass

        with pytest.raises(OwnError, match="the endpoint is gone"):
            await run(sandbox, dedented(source), ScriptedModel(OwnError("the endpoint is gone")))
        assert (await run(sandbox, HEALTHY)).answer == "healthy: 6 * 7?"

    async def test_a_design_that_waits_for_nothing_ends(self, sandbox: Sandbox) -> None:
        source = "import asyncio\nasync def solve(task):\n    await asyncio.Event().wait()"
        result = await run(sandbox, source, wall_seconds=3.0, active_seconds=2.0)
        assert result.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT)

    # memory, code, the paper's interface

    async def test_an_agents_memory_is_shown_to_it(self, sandbox: Sandbox) -> None:
        model = ScriptedModel("blue")
        source = """
            from agentkit import Agent, Memory
            async def solve(task):
                agent = Agent("a", memory=Memory())
                await agent.ask("Which colour?")
                await agent.ask("Why?")
        """
        await run(sandbox, dedented(source), model)
        second = model.bodies[1]["messages"][-1]["content"]
        assert "Which colour?" in second
        assert "blue" in second
        assert second.endswith("Why?")

    @pytest.mark.parametrize(
        ("code", "value", "stdout", "error"),
        [
            ("x = 6\nx * 7", 42, "", ""),
            ("```python\nanswer = [1, 2]\n```", [1, 2], "", ""),
            ("print('first')\nprint('last')", "last", "first\nlast\n", ""),
            ("pass", None, "", ""),
            ("1 + 1j", "(1+1j)", "", ""),
            ("print('before')\n1 / 0", None, "before\n", "ZeroDivisionError"),
            ("def f(:", None, "", "SyntaxError"),
            ("import sys\nsys.exit(3)", None, "", "SystemExit"),
        ],
    )
    async def test_code_runs_and_has_a_value(
        self, sandbox: Sandbox, code: str, value: Json, stdout: str, error: str
    ) -> None:
        source = f"""
            from agentkit import run_code
            async def solve(task):
                run = await run_code({code!r})
                return [run.value, run.stdout, run.error, run.ok]
        """
        result = await run(sandbox, dedented(source))
        assert isinstance(result.answer, list), result.error
        assert result.answer[:2] == [value, stdout]
        assert error in result.answer[2]
        assert result.answer[3] is (not error)

    async def test_runs_of_code_are_counted(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import BudgetError, run_code
            async def solve(task):
                for i in range(9):
                    try:
                        await run_code("1")
                    except BudgetError:
                        return i
        """
        assert (await run(sandbox, dedented(source), nested_runs=2)).answer == 2

    async def test_the_interface_of_the_paper(self, sandbox: Sandbox) -> None:
        model = ScriptedModel('{"thinking": "6*7", "answer": "42"}', "no object at all")
        source = """
            def forward(self, taskInfo):
                cot = LLMAgentBase(["thinking", "answer"], "CoT", temperature=0.8)
                thinking, answer = cot([taskInfo], "Think step by step.")
                critic = LLMAgentBase(["feedback", "correct"], "Critic", role="critic")
                feedback, correct = critic([taskInfo, thinking, answer], "Check.", 0)
                assert feedback.content == "" and correct.iteration_idx == 0
                return answer
        """
        result = await run(sandbox, dedented(source), model)
        assert (result.outcome, result.answer) == (Outcome.ANSWERED, "42")
        assert [body["agent"] for body in model.bodies] == ["CoT", "Critic"]
        assert model.bodies[0]["temperature"] == 0.8
        assert "by CoT" in model.bodies[1]["messages"][-1]["content"]

    # jobs beside and after each other

    async def test_nothing_stays_from_one_job_to_the_next(self, sandbox: Sandbox) -> None:
        source = """
            import sys, json
            seen = []
            def solve(task):
                seen.append(1)
                before = getattr(json, "left_behind", "nothing")
                json.left_behind = task.prompt
                return [len(seen), before if json.__name__ == "json" else "?"]
        """
        worker = await sandbox.open(dedented(source))
        try:
            job = Job(Task("t", "p", None).public(), 0, QUICK)
            results = [await worker.run(job, ScriptedModel()) for _ in range(3)]
        finally:
            await worker.close()
        assert [result.answer[0] for result in results] == [1, 1, 1]
        self.judge_left_behind([result.answer[1] for result in results])

    def judge_left_behind(self, seen: list[str]) -> None:
        """What one job changes in a module of the standard library, the next does not see."""
        assert seen == ["nothing"] * 3

    async def test_the_seed_decides_the_random_numbers(self, sandbox: Sandbox) -> None:
        source = "import random\nfirst = random.random()\ndef solve(task):\n    return first"
        one, again, other = [(await run(sandbox, source, seed=seed)).answer for seed in (1, 1, 2)]
        assert one == again != other

    async def test_jobs_at_once_do_not_mix(self, sandbox: Sandbox) -> None:
        async def model(body: dict[str, Json]) -> dict[str, Json]:
            await asyncio.sleep(0.05)
            return {"text": body["messages"][-1]["content"], "finish": "stop"}

        source = """
            from agentkit import Agent
            async def solve(task):
                return (await Agent("a").ask(task.prompt)).text
        """
        worker = await sandbox.open(dedented(source))
        try:
            jobs = [Job(Task("t", f"job {i}", None).public(), i, QUICK) for i in range(12)]
            results = await asyncio.gather(*(worker.run(job, model) for job in jobs))
        finally:
            await worker.close()
        assert [result.answer for result in results] == [f"job {i}" for i in range(12)]

    async def test_a_cancelled_job_leaves_the_sandbox_well(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Agent
            async def solve(task):
                return (await Agent("a").ask("x")).text
        """
        model = ScriptedModel("late", seconds=30.0)
        job = asyncio.ensure_future(run(sandbox, dedented(source), model))
        while not model.bodies:
            await asyncio.sleep(0.01)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert model.open == 0
        assert (await run(sandbox, HEALTHY)).answer == "healthy: 6 * 7?"

    async def test_closing_a_worker_ends_its_jobs(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Agent
            async def solve(task):
                return (await Agent("a").ask("x")).text
        """
        worker = await sandbox.open(dedented(source))
        model = ScriptedModel("late", seconds=30.0)
        job = Job(Task("t", "p", None).public(), 0, QUICK)
        running = asyncio.ensure_future(worker.run(job, model))
        while not model.bodies:
            await asyncio.sleep(0.01)
        await worker.close()
        await worker.close()
        result = await asyncio.wait_for(running, 10.0)
        assert result.outcome is Outcome.INFRASTRUCTURE  # not the design's doing: never a score
        with pytest.raises(SandboxUnavailable):
            await worker.run(job, model)

    # failures and limits

    async def test_a_crash_shows_the_designs_own_lines(self, sandbox: Sandbox) -> None:
        source = "def solve(task):\n    return helper()\n\ndef helper():\n    return 1 / 0\n"
        result = await run(sandbox, source)
        assert result.outcome is Outcome.CRASHED
        assert "line 5, in helper" in result.error
        assert "return 1 / 0" in result.error
        assert result.error.endswith("ZeroDivisionError: division by zero")
        assert "job.py" not in result.error

    @pytest.mark.parametrize(
        "source", ["def solve(:", "x = '\0'", "(" * 5000, "import nothing_here"]
    )
    async def test_a_module_that_does_not_load_crashes(self, sandbox: Sandbox, source: str) -> None:
        result = await run(sandbox, source)
        assert result.outcome in (Outcome.CRASHED, Outcome.OUT_OF_MEMORY)
        assert result.error

    async def test_prints_are_kept_up_to_a_cap(self, sandbox: Sandbox) -> None:
        source = "def solve(task):\n    print('hello ' * 3)\n    print('x' * 5000)\n    return 1"
        result = await run(sandbox, source, output_bytes=100)
        assert result.stdout.startswith("hello hello hello")
        assert len(result.stdout) == 100

    async def test_an_answer_too_large_is_no_answer(self, sandbox: Sandbox) -> None:
        source = "def solve(task):\n    return 'x' * 2000"
        assert (await run(sandbox, source, answer_bytes=3000)).outcome is Outcome.ANSWERED
        result = await run(sandbox, source, answer_bytes=1000)
        assert (result.outcome, result.answer) == (Outcome.WRONG_FORMAT, None)

    @pytest.mark.parametrize(
        "answer",
        [
            "float('nan')",
            "float('-inf')",
            "{1, 2}",
            "object()",
            "10 ** 5000",
            "b'bytes'",
            "[float('nan')]",
        ],
    )
    async def test_an_answer_that_is_not_json_is_wrong(self, sandbox: Sandbox, answer: str) -> None:
        result = await run(sandbox, f"def solve(task):\n    return {answer}")
        assert (result.outcome, result.answer) == (Outcome.WRONG_FORMAT, None)

    async def test_strings_are_clean(self, sandbox: Sandbox) -> None:
        source = "def solve(task):\n    return {'\\ud800a': ['\\x00', '\\u202eabc', 'ok']}"
        result = await run(sandbox, source)
        assert result.outcome is Outcome.ANSWERED
        text = json.dumps(result.answer, ensure_ascii=False)
        text.encode()
        assert not set(text) & set("\x00\u202e")
        assert "ok" in text

    async def test_a_call_too_large_is_refused_inside(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Agent, AgentError
            async def solve(task):
                try:
                    await Agent("a").ask("x" * 2_000_000)
                except AgentError as error:
                    return error.kind
        """
        model = ScriptedModel()
        assert (await run(sandbox, dedented(source), model)).answer == "bad_request"
        assert model.bodies == []

    async def test_it_describes_itself(self, sandbox: Sandbox) -> None:
        told = await sandbox.describe()
        assert told["name"] == sandbox.name
        assert json.loads(json.dumps(told)) == told
