from __future__ import annotations

import ast
import asyncio

import pytest

from metasearch.search.proposer import Parent
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.compose import assembled, part_of, ways_in
from metasearch.search.recombine.layout import LINE_LENGTH, fitted
from metasearch.search.recombine.module import merge, taken_apart
from metasearch.search.recombine.naming import changed_idea, fresh, slug_of
from metasearch.search.recombine.text import Text, Unsuitable, clipped, words_in_braces
from metasearch.types import Design
from tests.search.stage import archive

SEEDS = {one.design.name: one for one in archive()}


def parent(source: str, name: str = "given") -> Parent:
    return Parent(0, Design(source, name), 0.5, 10, 100.0)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("direct", 1),
        ("chain_of_thought", 1),
        ("dynamic_roles", 2),
        ("step_back", 2),
        ("program_of_thought", 2),
        ("self_consistency", 5),
        ("quality_diversity", 5),
        ("debate", 7),
        ("self_refine", 11),
    ],
)
def test_calls_of_the_seeds_are_read_from_their_source(name, calls):
    assert worst_calls(SEEDS[name].design.source) == calls


def calls_of(body: str, top: str = "") -> int:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return worst_calls(f"{top}\nasync def one(task):\n    return await a.ask()\n\n"
                       f"async def two(task):\n    await a.ask()\n    return await one(task)\n\n"
                       f"async def solve(task):\n{lines}\n")  # fmt: skip


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("return 1", 0),
        ("if task:\n    return await one(task)\nreturn await two(task)", 2),
        ("if task:\n    await one(task)\nreturn await two(task)", 3),
        ("return await (one(task) if task else two(task))", 2),
        ("return await gather(one(task), two(task))", 3),
        ("return await gather(tried(two, task) for _ in range(3))", 6),
        ("for _ in range(2):\n    for _ in range(1, 4):\n        await one(task)", 6),
        ("for i, name in enumerate(NAMES):\n    await one(task)", 3),
        ("return [await WAYS[0](task), await one(task)]", 3),
        ("while True:\n    await one(task)", 5),
        ("for line in task.prompt:\n    await one(task)", 5),
        ("n = 4\nreturn [await one(task) for _ in range(n)]", 4),
        ("try:\n    return await one(task)\nexcept ValueError:\n    return await two(task)", 3),
    ],
)
def test_calls_are_counted_along_the_dearest_path(body, calls):
    top = "NAMES = ('a', 'b', 'c')\nWAYS = {0: 1}" if "WAYS" not in body else ""
    if "WAYS" in body:
        source = (
            "async def one(task):\n    return await a.ask()\n\n"
            "async def two(task):\n    return [await a.ask(), await a.ask()]\n\n"
            f"WAYS = (one, two)\n\nasync def solve(task):\n    {body}\n"
        )
        assert worst_calls(source) == calls
    else:
        assert calls_of(body, top) == calls


def test_a_design_that_calls_itself_has_no_price():
    with pytest.raises(Unsuitable, match="itself"):
        worst_calls("async def solve(task):\n    return await solve(task)\n")


@pytest.mark.parametrize(
    "line",
    [
        "answer = await some_agent.ask(task.prompt, 'one', 'two', "
        "fields={'answer': task.answer_type}, temperature=0.5)",
        "values = [value_of_the_thing for value_of_the_thing in everything_that_was_said "
        "if value_of_the_thing is not None]",
        'text = "a very long sentence that goes on and on, with commas, and that no bracket holds'
        ' at all, so that it must be cut"',
        "def function(first_argument: object, second_argument: object, third_argument: object, "
        "*others: object) -> object: ...",
        "table = {'first key of the table': 'first value of it', 'second key of the table': 'second"
        " value of it'}",
        "result = call(outer(inner_one(first, second, third), inner_two(fourth, fifth, sixth)), "
        "another(seventh, eighth))",
    ],
)
def test_long_lines_are_broken_without_changing_what_they_mean(line):
    assert len(line) > LINE_LENGTH
    broken = fitted(f"{line}\n")
    assert max(map(len, broken.splitlines())) <= LINE_LENGTH
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(line))


def test_short_lines_and_their_comments_stay_as_they_are():
    source = SEEDS["self_consistency"].design.source
    assert fitted(source) == source


def test_a_line_that_cannot_be_broken_does_no_harm():
    source = f"{'x' * 120} = 1\n# {'y' * 120}\n"
    assert fitted(source) == source


def test_edits_find_their_place_behind_characters_of_several_bytes():
    text = Text('name = "Zoë – 数"; temperature = 0.5\n')
    number = next(n for n in text.nodes() if isinstance(n, ast.Constant) and n.value == 0.5)
    assert text.edited([text.replacing(number, "0.9")]).endswith("temperature = 0.9\n")


def test_names_change_inside_f_strings_and_nowhere_else():
    names = {"ROUNDS": "ROUNDS_2"}
    literal = 'f"{ROUNDS} ROUNDS {{ROUNDS}} {other.ROUNDS} {ROUNDS + 1:>{ROUNDS}}"'
    changed = words_in_braces(literal, names)
    assert changed == ('f"{ROUNDS_2} ROUNDS {{ROUNDS}} {other.ROUNDS} {ROUNDS_2 + 1:>{ROUNDS_2}}"')


def test_what_two_modules_share_is_kept_once_and_what_clashes_is_renamed():
    same = "def helper(x):\n    return x + N\n\n\nN = 1\n\n\ndef one(task):\n    return helper(1)\n"
    other = (
        "def helper(x):\n    return x + N\n\n\nN = 2\n\n\ndef two(task):\n    return helper(1)\n"
    )
    twice = merge([taken_apart(same), taken_apart(same.replace("one(", "three("))])
    assert sorted(twice.module.names()) == ["N", "helper", "one", "three"]
    # The helpers read alike but use different constants, so they are not the same.
    apart = merge([taken_apart(same), taken_apart(other)])
    assert sorted(apart.module.names()) == ["N", "N_2", "helper", "helper_2", "one", "two"]
    assert apart.names == ({}, {"helper": "helper_2", "N": "N_2"})
    assert "helper_2(1)" in apart.module.names()["two"].text


def test_comments_and_decorators_travel_with_their_function():
    source = (
        "import functools\n\n\n# Why it is kept.\n@functools.cache\ndef helper(x):\n"
        "    return x  # the same\n\n\nasync def solve(task):\n    return helper(1)\n"
    )
    rendered = taken_apart(source).pruned().rendered("An idea.")
    assert (
        "# Why it is kept.\n@functools.cache\ndef helper(x):\n    return x  # the same" in rendered
    )


def test_what_is_never_reached_is_left_out():
    source = (
        "import re\n\nUNUSED = re.compile('x')\nUSED = 1\n\n\ndef solve(task):\n    return USED\n"
    )
    rendered = taken_apart(source).pruned().rendered("An idea.")
    assert "re" not in rendered.split()
    assert "UNUSED" not in rendered


def test_an_import_from_the_future_stays_first():
    source = (
        '"""It."""\nfrom __future__ import annotations\n\nimport re\n\n\n'
        "async def solve(task: Unheard) -> Unheard:\n    return re.escape('1')\n"
    )
    frame = "import abc\n\n\nasync def solve(task):\n    return abc and await $one(task)\n"
    merged = assembled(frame, "$one.", {"one": part_of(parent(source))})
    assert merged.splitlines()[2:7] == [
        "from __future__ import annotations",
        "",
        "import abc",
        "import re",
        "",
    ]


def test_a_parts_own_variables_do_not_hide_another_parts_function():
    chain = parent("async def solve(task):\n    answer = 1\n    return answer\n", "tried")
    other = parent("async def solve(task):\n    tried = 2\n    return tried\n", "answer")
    frame = (
        "async def tried(way, task):\n    return await way(task)\n\n\n"
        "async def solve(task):\n    answer = await tried($one, task)\n"
        "    return answer or await $other(task)\n"
    )
    source = assembled(frame, "$one, $other.", {"one": part_of(chain), "other": part_of(other)})
    names = {node.name for node in ast.parse(source).body if isinstance(node, ast.AsyncFunctionDef)}
    assert names == {"tried", "solve", "tried_2", "answer_2"}
    space: dict = {}
    exec(source, space)
    assert asyncio.run(space["solve"](None)) == 1


def test_a_part_can_be_heated_and_a_plain_solve_becomes_awaitable():
    warm = part_of(SEEDS["program_of_thought"], heat=0.8).module
    assert warm.names()["program"].text.count("temperature=0.8") == 1
    assert "temperature=0.5" not in warm.names()["solve"].text
    plain = part_of(parent("def solve(task):\n    return 1\n"))
    assert plain.module.names()["solve"].text.startswith("async def solve")
    with pytest.raises(Unsuitable, match="temperature"):
        part_of(parent("def solve(task):\n    return 1\n"), heat=0.8)


def test_functions_that_could_stand_alone_are_found():
    assert ways_in(SEEDS["program_of_thought"].design.source) == ("program",)
    assert ways_in(SEEDS["debate"].design.source) == ()


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("chain_of_thought", "chain_of_thought"),
        ("vote: chain_of_thought, hotter", "vote"),
        ("Chain of Thought (v2)", "chain_of_thought"),
        ("", "attempt"),
        ("solve", "attempt"),
        ("class", "attempt"),
        ("print", "attempt"),
        ("7 agents", "attempt"),
        ("数学", "attempt"),
        ("a very long name that somebody thought of at night", "a_very_long_name_that"),
    ],
)
def test_a_designs_name_becomes_a_functions(name, slug):
    assert slug_of(name) == slug
    assert slug.isidentifier()


def test_ideas_tell_the_latest_changes_and_do_not_grow():
    idea = "Five independent chains of thought; the majority answers."
    for number in range(20):
        idea = changed_idea(idea, f"VOTERS = {number}")
        assert len(idea) <= 94
        assert f"VOTERS = {number})." in idea
    assert idea.startswith("Five independent chains of thought")
    long = changed_idea(f"{'Word ' * 30}.", "without a math enthusiast")
    long = changed_idea(long, "temperature 1.0 for 0.8")
    assert "temperature 1.0 for 0.8)." in long
    assert len(long) <= 94
    assert changed_idea("", "VOTERS = 2") == "A design without a name (now VOTERS = 2)."


def test_a_taken_name_gets_the_next_number():
    assert fresh("vote", {"vote", "vote_2"}) == "vote_3"
    assert fresh("vote_2", {"vote", "vote_2"}) == "vote_3"
    assert fresh("vote", set()) == "vote"


def test_a_clipped_text_is_safe_in_a_docstring():
    text = clipped('He said """stop""" \\ and\nwent on, then ' + "talked " * 40, 60)
    assert len(text) <= 60
    assert '"' not in text
    assert "\\" not in text
