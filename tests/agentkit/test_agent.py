from __future__ import annotations

from typing import Any

import pytest


async def test_a_reply_shows_its_author_and_fields(script: Any) -> None:
    from agentkit import Agent

    script.say('{"thinking": "six sevens", "answer": 42}', "plain")
    reply = await Agent("ada").ask("6 * 7?", fields={"thinking": str, "answer": int})
    assert str(reply) == "[ada]\nthinking: six sevens\nanswer: 42"
    assert (reply.answer, reply["thinking"], "answer" in reply) == (42, "six sevens", True)
    assert str(await Agent("bob").ask(reply)) == "[bob]\nplain"
    assert script.calls[1][1]["messages"][1]["content"] == str(reply)


async def test_a_field_may_be_called_text(script: Any) -> None:
    from agentkit import Agent

    script.say('{"text": "short", "agent": "x"}')
    reply = await Agent("ada").ask("?", fields={"text": str, "agent": str})
    assert (reply.text, reply.agent) == ("short", "x")
    assert str(reply).startswith("[ada]")


async def test_a_missing_field_says_which_there_are(script: Any) -> None:
    from agentkit import Agent

    script.say('{"answer": "x"}')
    reply = await Agent("ada").ask("?", fields={"answer": str})
    with pytest.raises(AttributeError, match=r"no field 'anwser', only: answer"):
        _ = reply.anwser


async def test_what_is_not_set_is_not_sent(script: Any) -> None:
    from agentkit import Agent

    script.say("ok")
    await Agent("a").ask("x")
    assert set(script.calls[0][1]) == {"agent", "messages"}
    await Agent("a", temperature=0.0).ask("x", temperature=1)
    assert script.calls[1][1]["temperature"] == 1.0


async def test_the_name_is_not_in_the_prompt(script: Any) -> None:
    # Two agents that differ in name only make the same request, so designs share what was paid for.
    from agentkit import Agent

    script.say("ok")
    await Agent("a").ask("x")
    await Agent("b").ask("x")
    assert script.calls[0][1]["messages"] == script.calls[1][1]["messages"]


async def test_a_reply_cut_off_is_kept_when_its_object_is_whole(script: Any) -> None:
    from agentkit import Agent, ReplyError

    script.say(('{"answer": "whole"}', "length"), ("half a sent", "length"))
    reply = await Agent("a").ask("x", fields={"answer": str})
    assert reply.answer == "whole"
    with pytest.raises(ReplyError) as caught:
        await Agent("a").ask("x")
    assert (caught.value.kind, caught.value.text) == ("truncated", "half a sent")
    assert len(script.calls) == 2  # more of the same would be cut off again


async def test_a_misfit_costs_one_more_call_and_no_third(script: Any) -> None:
    from agentkit import Agent, ReplyError

    script.say("no object")
    with pytest.raises(ReplyError) as caught:
        await Agent("a").ask("x", fields={"answer": str})
    assert (caught.value.kind, caught.value.text) == ("wrong_format", "no object")
    assert len(script.calls) == 2


async def test_memory_notes_the_question_not_itself(script: Any) -> None:
    from agentkit import Agent, Memory

    script.say("one", "two", "three")
    memory = Memory()
    agent = Agent("a", memory=memory)
    for question in ("first?", "second?", "third?"):
        await agent.ask(question)
    assert str(memory).count("first?") == 1
    assert script.calls[2][1]["messages"][1]["content"].count("second?") == 1
    assert len(memory) == 3


async def test_code_is_sent_without_its_fence(script: Any) -> None:
    from agentkit import Run, run_code

    script.say({"value": 3, "stdout": "", "error": ""})
    run = await run_code("Here it is:\n```python\nx = 1\nx + 2\n```\nThat was it.", seconds=2)
    assert run == Run(3)
    assert run.ok
    assert script.calls == [("run_code", {"code": "x = 1\nx + 2", "seconds": 2.0})]


def test_without_a_transport_the_kit_says_so() -> None:
    from agentkit import _link

    before, _link._connected[:] = list(_link._connected), []
    try:
        with pytest.raises(RuntimeError, match="connect"):
            _link.call_blocking("ask", {})
    finally:
        _link._connected[:] = before
