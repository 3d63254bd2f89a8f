from __future__ import annotations

import pytest

from metasearch.assets import asset
from metasearch.search.checks import Unreadable, asks_model, check, idea_of, parse, with_idea

SEEDS = sorted((asset("seeds") / "single").glob("*.py"))
PLAIN = "async def solve(task):\n    return 1\n"
HOSTILE = {
    "brackets": "x = " + "(" * 9_000 + ")" * 9_000,
    "open brackets": "[" * 9_000,
    "minus signs": "x = " + "-" * 15_000 + "1",
    "nots": "x = " + "not " * 4_000 + "1",
    "sum": "x = 1" + "+1" * 8_000,
    "attributes": "x = a" + ".b" * 8_000,
    "calls": "x = a" + "()" * 8_000,
    "lambdas": "x = " + "lambda:" * 2_500 + "1",
    "conditions": "x = " + "1 if 1 else " * 1_500 + "1",
    "elif": "if 1:\n pass\n" + "elif 1:\n pass\n" * 1_000,
    "digits": "x = " + "9" * 9_000,
    "indentation": "".join(" " * i + "if 1:\n" for i in range(150)) + " " * 150 + "pass",
    "null byte": "x = '\0'",
    "half a character": "x = '\ud800'",
    "long": "x = 1\n" * 20_000,
    "prose": "Here is the design you asked for: it thinks, then answers.",
}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_every_seed_is_accepted_and_has_an_idea(seed):
    source = seed.read_text(encoding="utf-8")
    assert check(source) == (True, "")
    assert idea_of(source).endswith(".")


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused_with_one_line_and_does_not_hurt_the_reader(source):
    verdict = check(f"{source}\n{PLAIN}")
    assert not verdict.accepted
    assert verdict.reason
    assert "\n" not in verdict.reason
    assert len(verdict.reason) < 200


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("import os", "os"),
        ("import os.path as p", "files"),
        ("from subprocess import run", "run_code"),
        ("import socket, json", "network"),
        ("from openai import OpenAI", "agentkit.Agent"),
        ("import importlib", "importlib"),
        ("from . import seeds", "relative"),
        ("__import__('os').system('ls')", "__import__"),
        ("from agentkit import Oracle", "majority"),
        ("import agentkit._link", "_link"),
        ("import sys as json", "sys"),
        ("def helper():\n    import ctypes", "ctypes"),
    ],
)
def test_other_modules_are_refused_with_what_to_do_instead(statement, word):
    verdict = check(f"{statement}\n\n{PLAIN}")
    assert not verdict.accepted
    assert word in verdict.reason


@pytest.mark.parametrize(
    "statement",
    [
        "import json, math, re",
        "from collections import Counter",
        "from collections.abc import Callable",
        "import agentkit",
        "from agentkit import Agent, gather as together",
        "from agentkit.adas import LLMAgentBase, Info",
        "from __future__ import annotations",
    ],
)
def test_the_kit_and_plain_standard_modules_are_accepted(statement):
    assert check(f"{statement}\n\n{PLAIN}") == (True, "")


@pytest.mark.parametrize(
    "statement",
    ["class Agent: ...", "agentkit = None", "def run_code(code): ...", "import math as Task"],
)
def test_a_design_may_not_put_its_own_in_place_of_the_kit(statement):
    verdict = check(f"{statement}\n\n{PLAIN}")
    assert not verdict.accepted
    assert "name of the kit" in verdict.reason


@pytest.mark.parametrize(
    ("source", "accepted"),
    [
        ("async def solve(task):\n    return 1", True),
        ("def solve(task):\n    return 1", True),
        ("def solve(task, tries=3, *, loud=False):\n    return 1", True),
        ("def solve(*args):\n    return 1", True),
        ("def forward(self, taskInfo):\n    return 1", True),
        ("async def solve():\n    return 1", False),
        ("async def solve(task, model):\n    return 1", False),
        ("async def solve(task, *, model):\n    return 1", False),
        ("def forward(taskInfo):\n    return 1", False),
        ("async def solve(task):\n    yield 1", False),
        ("class Solver:\n    async def solve(self, task):\n        return 1", False),
        ("answer = 1", False),
        ("", False),
    ],
)
def test_a_design_must_offer_the_entry_that_the_runner_calls(source, accepted):
    verdict = check(source)
    assert verdict.accepted is accepted
    assert accepted or "solve" in verdict.reason or "forward" in verdict.reason


def test_a_generator_inside_solve_is_no_generator_itself():
    inner = "async def solve(task):\n    def each():\n        yield 1\n    return list(each())"
    assert check(inner).accepted


def test_a_syntax_error_names_its_line():
    verdict = check("import json\n\nasync def solve(task):\n    return (1\n")
    assert verdict.reason.startswith("line 4:")


def test_an_odd_escape_in_a_string_is_no_fault():
    assert check('PATTERN = "\\d+"\n\n' + PLAIN).accepted


def test_an_idea_is_added_only_where_there_is_none():
    told = with_idea(PLAIN, 'Says "one"\nwhatever \\ is asked.')
    assert idea_of(told) == "Says 'one' whatever / is asked."
    assert with_idea(told, "Another.") == told
    assert idea_of("not python at all") == ""


def test_what_parses_is_shallow_enough_for_any_visitor():
    deep = "x = " + "[" * 40 + "]" * 40
    assert parse(deep).body
    with pytest.raises(Unreadable, match="nested too deeply"):
        parse(HOSTILE["conditions"])


MEMBER = "class Member(Player):\n    async def act(self, request):\n        return 0\n"


@pytest.mark.parametrize(
    ("source", "entry", "word"),
    [
        (PLAIN, "Member", "class Member(Player)"),
        (PLAIN, "Member", "not `solve`"),
        (MEMBER, "solve", "not `class Member`"),
        ("class Member:\n    pass\n", "Member", "act"),
        ("class Member:\n    def act(self):\n        return 0\n", "Member", "act(self, request)"),
        ("class Member(Other):\n    pass\nclass Other(Member):\n    pass\n", "Member", "act"),
        ("Member = 3\n", "Member", "class Member(Player)"),
    ],
)
def test_a_design_for_the_other_kind_of_domain_is_refused_with_what_is_expected(
    source, entry, word
):
    verdict = check(source, entry)
    assert not verdict.accepted
    assert word in verdict.reason


def test_a_member_may_inherit_how_it_acts_from_a_class_of_its_module():
    inherited = MEMBER.replace("Member(Player)", "Base") + "class Member(Base):\n    pass\n"
    assert check(MEMBER, "Member").accepted
    assert check(inherited, "Member").accepted


def test_a_design_asks_a_model_where_it_imports_what_asks():
    assert all(asks_model(seed.read_text(encoding="utf-8")) for seed in SEEDS)
    assert not asks_model(f"from agentkit import Player\n{MEMBER}")
    assert asks_model(f"from agentkit import Agent as A, Player\n{MEMBER}")
