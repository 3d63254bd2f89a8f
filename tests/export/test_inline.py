"""Many modules in one file: no name of a design can get in the way of the kit."""

from __future__ import annotations

import types
from typing import Any

import pytest

from metasearch.errors import ConfigError
from metasearch.export.inline import flattened, rewritten
from metasearch.export.sources import kit

KIT = kit()


def executed(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"_export_types": types}
    text = f"from __future__ import annotations\n{flattened(KIT)}\n{source}"
    exec(compile(text, "agent.py", "exec", dont_inherit=True), names)
    return names


@pytest.mark.parametrize(
    "imports",
    [
        "from agentkit import Agent, majority as vote",
        "from agentkit import (\n    Agent,\n    majority as vote,\n)",
        "from agentkit import *\nvote = majority",
        "import agentkit\nAgent, vote = agentkit.Agent, agentkit.majority",
        "import json, agentkit as kit\nAgent, vote = kit.Agent, kit.majority\njson.dumps",
        "from __future__ import annotations\nfrom agentkit import Agent, majority as vote",
        "from __future__ import annotations; from agentkit import Agent, majority as vote",
        "def inner():\n    from agentkit import Agent, majority\n    return Agent, majority\n"
        "Agent, vote = inner()",
        "from agentkit import Agent; from agentkit import majority as vote",
    ],
)
def test_every_form_of_import_finds_the_kit(imports: str):
    names = executed(rewritten(imports, KIT))
    assert names["Agent"]("a").role == "a helpful assistant"
    assert names["vote"](["x", "y", "y"]) == "y"


def test_the_interface_of_published_archives_is_found_too():
    source = (
        "from agentkit.adas import Info\nfrom agentkit import adas\nimport agentkit.adas as other"
    )
    names = executed(rewritten(source, KIT))
    assert names["Info"]("task", "User", "?", -1).content == "?"
    assert names["adas"] is names["other"]


def test_a_module_that_keeps_a_global_still_keeps_it():
    names = executed(rewritten("from agentkit.adas import LLMAgentBase, begin", KIT))
    first = [names["LLMAgentBase"](["answer"], "a").id for _ in range(2)]
    names["begin"](int)  # counts anew, by way of `global`
    assert names["LLMAgentBase"](["answer"], "a").id == first[0] != first[1]


def test_a_designs_names_do_not_reach_into_the_kit():
    taken = (
        "json = re = asyncio = _link = _schema = whole = checked = request = Reply = Memory = None"
    )
    names = executed(rewritten(f"from agentkit import Agent, majority, Task\n{taken}", KIT))
    agent = names["Agent"]("a", "a poet")
    assert agent._messages("Why?", {"answer": int})[1]["content"].startswith("Why?\n\nReply with")
    assert names["majority"]([1, 1, 2]) == 1


def test_what_is_not_of_the_kit_stays_to_the_letter():
    source = (
        "import json\nfrom agentkit import Agent\n\n"
        "PROMPT = '''line one\n    from agentkit import Agent\n  line three — ✓'''\n"
        "agent = Agent('ü'); x = 1  # from agentkit import Agent\n"
    )
    expected = source.replace("\nfrom agentkit import Agent\n\n", "\nAgent = _agentkit.Agent\n\n")
    assert rewritten(source, KIT) == expected


def test_a_main_block_goes_and_what_is_imported_there_too():
    source = (
        "from agentkit import Agent\nX = 1\n"
        "if __name__ == '__main__':\n    from agentkit import Task\n    raise SystemExit\n"
    )
    names = executed(rewritten(source, KIT))
    assert names["X"] == 1
    assert "Task" not in names


def test_strings_over_several_lines_keep_their_inner_lines():
    module = 'TEXT = """one\n  two\nthree"""\n\ndef f(x):\n    return f"""{x}\n{x}"""\n'
    names: dict[str, Any] = {"_export_types": types}
    exec(flattened({"pack.a": module}), names)
    assert names["_pack_a"].TEXT == "one\n  two\nthree"
    assert names["_pack_a"].f(1) == "1\n1"


def test_a_module_that_the_kit_does_not_have_is_an_error():
    with pytest.raises(ConfigError, match=r"agentkit\.tools, which the kit does not have"):
        rewritten("from agentkit.tools import search", KIT)
