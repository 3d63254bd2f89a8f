from __future__ import annotations

from typing import Any


def test_fields_come_in_declared_order_and_misfits_are_empty(script: Any) -> None:
    from agentkit import adas

    adas.begin(str)
    script.say('{"answer": 7, "thinking": "t", "more": 1}', '{"thinking": "t"}', "nothing", "  ")
    agent = adas.LLMAgentBase(["thinking", "answer"], "CoT")
    task = adas.Info("task", "User", "question", -1)
    assert [info.content for info in agent([task], "Think.")] == ["t", "7"]
    assert [info.content for info in agent([task], "Think.")] == ["t", ""]
    assert [info.content for info in agent([task], "Think.")] == ["", ""]
    assert [info.content for info in agent([task], "Think.")] == ["", ""]
    assert len(script.calls) == 4  # never asked twice


def test_infos_are_numbered_and_the_own_marked(script: Any) -> None:
    from agentkit import adas

    adas.begin(("A", "B"))
    script.say('{"thinking": "mine", "answer": "a"}')
    agent = adas.LLMAgentBase(["thinking", "answer"], "Debater", role="Sceptic", temperature=0.8)
    other = adas.LLMAgentBase(["thinking", "answer"], "Other")
    task = adas.Info("task", "User", "question", -1)
    mine = agent([task], "Go.", 0)
    theirs = other([task], "Go.")
    agent([mine[0], task, theirs[0]], "Again.", 1)
    system, user = (m["content"] for m in script.calls[2][1]["messages"])
    assert system == "You are a Sceptic."
    assert user.index("question") < user.index("mine")
    assert "### thinking #1 by Debater aaaa (yourself), iteration 1:\nmine" in user
    assert "### thinking #2 by Other aaab:\nmine" in user
    assert "Again." in user
    assert mine[1].content == "A"  # the choice as it is spelled in the task
    assert script.calls[0][1]["temperature"] == 0.8
    assert script.calls[0][1]["schema"]["properties"]["answer"]["enum"] == ["A", "B"]


def test_a_cap_is_not_swallowed(script: Any) -> None:
    import pytest

    from agentkit import BudgetError, adas

    script.say(BudgetError("the cap"))
    with pytest.raises(BudgetError):
        adas.LLMAgentBase(["answer"], "A")([], "x")
