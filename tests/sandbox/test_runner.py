"""The runner under CPython: what it must do alike in a container and on WebAssembly."""

from __future__ import annotations

import asyncio

import pytest

from metasearch.testing.scripted import ScriptedModel, dedented
from metasearch.types import Outcome
from tests.sandbox.plain_link import run_plainly


async def test_a_design_may_run_a_loop_of_its_own() -> None:
    source = """
        import asyncio
        from agentkit import Agent
        def solve(task):
            async def inside():
                first = await Agent("a").ask("x")
                return first.text
            return [asyncio.run(inside()), asyncio.run(inside())]
    """
    assert (await run_plainly(dedented(source), ScriptedModel("ok"))).answer == ["ok", "ok"]


async def test_blocking_and_waiting_calls_mix() -> None:
    source = """
        import asyncio
        from agentkit import Agent, _link
        async def solve(task):
            waiting = asyncio.ensure_future(Agent("slow").ask("x"))
            await asyncio.sleep(0)
            fast = _link.call_blocking("ask", {"agent": "fast", "messages": []})
            return [fast["text"], (await waiting).text]
    """

    async def model(body: dict[str, object]) -> dict[str, object]:
        await asyncio.sleep(0.1 if body["agent"] == "slow" else 0.2)
        return {"text": str(body["agent"]), "finish": "stop"}

    assert (await run_plainly(dedented(source), model)).answer == ["fast", "slow"]


async def test_a_cancelled_call_does_not_disturb_the_others() -> None:
    source = """
        import asyncio
        from agentkit import Agent
        async def solve(task):
            async def one(i):
                return (await asyncio.wait_for(Agent("a").ask(i), 0.05 if i == "slow" else 5)).text
            got = await asyncio.gather(*map(one, ["slow", "b", "c"]), return_exceptions=True)
            return [type(got[0]).__name__, *got[1:], (await Agent("a").ask("d")).text]
    """

    async def model(body: dict[str, list[dict[str, str]]]) -> dict[str, object]:
        text = body["messages"][-1]["content"]
        await asyncio.sleep(0.2 if text == "slow" else 0.01)
        return {"text": text, "finish": "stop"}

    result = await run_plainly(dedented(source), model)
    assert result.answer == ["TimeoutError", "b", "c", "d"]


async def test_cancelled_calls_in_the_queue_are_never_sent() -> None:
    source = """
        import asyncio
        from agentkit import Agent
        async def solve(task):
            calls = [asyncio.ensure_future(Agent(str(i)).ask("x")) for i in range(6)]
            await asyncio.sleep(0.02)
            for call in calls[2:]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            return (await Agent("last").ask("x")).text
    """
    model = ScriptedModel("ok", seconds=0.1)
    assert (await run_plainly(dedented(source), model, open_calls=2)).answer == "ok"
    assert [body["agent"] for body in model.bodies] == ["0", "1", "last"]


async def test_threads_may_compute_but_not_call() -> None:
    source = """
        import asyncio
        from agentkit import AgentError, _link
        async def solve(task):
            def compute():
                return 6 * 7
            def call():
                try:
                    _link.call_blocking("ask", {})
                except AgentError as error:
                    return str(error)
            return [await asyncio.to_thread(compute), await asyncio.to_thread(call)]
    """
    answer = (await run_plainly(dedented(source))).answer
    assert answer[0] == 42
    assert "main thread" in answer[1]


async def test_a_deadlock_is_told_at_once() -> None:
    source = "import asyncio\nasync def solve(task):\n    await asyncio.Event().wait()"
    result = await run_plainly(source)
    assert result.outcome is Outcome.CRASHED
    assert "never happen" in result.error
    assert result.seconds < 5


async def test_replies_and_infos_stand_for_their_answers() -> None:
    for field, wanted in (("answer", "42"), ("other", '{"other": "42"}')):
        source = f"""
            from agentkit import Agent
            async def solve(task):
                return await Agent("a").ask("x", fields={{"{field}": str}})
        """
        result = await run_plainly(dedented(source), ScriptedModel(f'{{"{field}": "42"}}'))
        assert result.answer == wanted


async def test_input_and_stdin_are_empty() -> None:
    source = "import sys\ndef solve(task):\n    return [sys.stdin.read(), input()]"
    result = await run_plainly(source)
    assert result.outcome is Outcome.CRASHED
    assert "EOFError" in result.error


async def test_prints_before_a_crash_are_kept() -> None:
    result = await run_plainly("print('loading')\ndef solve(task):\n    print('in'); 1 / 0")
    assert (result.outcome, result.stdout) == (Outcome.CRASHED, "loading\nin\n")


async def test_the_module_can_see_itself() -> None:
    source = """
        import dataclasses, pickle, sys, typing
        @dataclasses.dataclass
        class Note:
            text: "str"
        def solve(task):
            return [__name__, typing.get_type_hints(Note)["text"] is str,
                    sys.modules[Note.__module__].Note is Note]
    """
    assert (await run_plainly(dedented(source))).answer == ["design", True, True]


async def test_what_designs_of_the_paper_expect_to_be_there() -> None:
    source = """
        def forward(self, taskInfo):
            return json.dumps(copy.copy([random.random() < 1, taskInfo.content]))
    """
    assert (await run_plainly(dedented(source))).answer == '[true, "6 * 7?"]'


async def test_an_asynchronous_forward_and_a_plain_answer() -> None:
    source = "async def forward(self, taskInfo):\n    return Info('answer', 'me', 'x', -1)"
    assert (await run_plainly(source)).answer == "x"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("(1, 2)", [1, 2]),
        ("{1: 'a'}", {"1": "a"}),
        ("type('S', (str,), {})('x')", "x"),
        ("type('D', (dict,), {})(a=1)", {"a": 1}),
        ("True", True),
    ],
)
async def test_near_json_becomes_json(answer: str, wanted: object) -> None:
    assert (await run_plainly(f"def solve(task):\n    return {answer}")).answer == wanted


async def test_an_answer_may_be_deep_but_not_endless() -> None:
    source = "def solve(task):\n    v = 1\n    for _ in range({}): v = [v]\n    return v"
    assert (await run_plainly(source.format(50))).outcome is Outcome.ANSWERED
    result = await run_plainly(source.format(80))
    assert result.outcome is Outcome.WRONG_FORMAT
    assert "nested" in result.error
