"""Every seed against its paper: how many calls, by whom, how warm, and who sees what."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from metasearch.assets import asset
from metasearch.sandbox.base import Sandbox
from metasearch.types import Task
from tests.seeds.stage import SEEDS, SUM, Asked, fitting, play

CHOICE = Task("t2", "Is the sea blue?", "yes", ("yes", "no"))
TEXT = Task("t3", "Name a bird.", "wren")
LAST = "Reply with only one JSON object"  # where the kit's own sentence begins


@pytest.fixture(params=["fake", pytest.param("wasm", marks=pytest.mark.wasm)])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    if request.param == "wasm":
        from metasearch.sandbox.wasm import WasmSandbox

        chosen: Sandbox = WasmSandbox()
    else:
        from metasearch.testing.fake_sandbox import FakeSandbox

        chosen = FakeSandbox()
    async with chosen:
        yield chosen


def content_with(critic: bool):
    """Replies in which the critic always, or never, finds the attempt correct."""

    def script(call: Asked, number: int):
        return {**fitting(call, number), "correct": critic}

    return script


def programs(text: str):
    """Replies in which the programmer writes this."""

    def script(call: Asked, number: int):
        return text if call.agent == "programmer" else fitting(call, number)

    return script


LEAST_AND_MOST = {
    "direct": (fitting, fitting),
    "chain_of_thought": (fitting, fitting),
    "self_consistency": (fitting, fitting),
    "self_refine": (content_with(True), content_with(False)),
    "debate": (fitting, fitting),
    "step_back": (fitting, fitting),
    "quality_diversity": (fitting, fitting),
    "dynamic_roles": (fitting, fitting),
    "program_of_thought": (programs("answer = 5"), programs("1 / 0")),
}


def table() -> dict[str, tuple[int, int]]:
    """The calls per task that the README promises."""
    rows = re.findall(
        r"`single/(\w+)\.py` .* \| ([^|]+) \|\n", (asset("seeds") / "README.md").read_text()
    )
    calls = {name: [int(number) for number in re.findall(r"\d+", cell)] for name, cell in rows}
    return {name: (min(numbers), max(numbers)) for name, numbers in calls.items()}


def test_the_table_has_every_seed():
    assert set(table()) == set(SEEDS) == set(LEAST_AND_MOST)
    assert table()["self_refine"] == (2, 11)


@pytest.mark.parametrize("seed", sorted(SEEDS))
async def test_calls_per_task_are_those_of_the_table(sandbox: Sandbox, seed: str):
    played = [await play(sandbox, seed, script) for script in LEAST_AND_MOST[seed]]
    assert tuple(len(one.asked) for one in played) == table()[seed]
    assert all(isinstance(one.answer, int) for one in played)


@pytest.mark.parametrize("seed", sorted(SEEDS))
@pytest.mark.parametrize("task", [CHOICE, TEXT], ids=["choice", "text"])
async def test_every_seed_answers_in_the_tasks_own_type(sandbox: Sandbox, seed: str, task: Task):
    played = await play(sandbox, seed, programs("answer = 'YES'"), task)
    assert isinstance(played.answer, str)
    assert task is TEXT or played.answer == "yes"
    assert all(call.user.startswith(task.prompt) for call in played.asked)


async def test_direct_asks_for_the_answer_only(sandbox: Sandbox):
    played = await play(sandbox, "direct", fitting)
    [call] = played.asked
    assert (call.fields, call.temperature) == (["answer"], 0.0)
    assert call.user.partition(LAST)[0] == f"{SUM.prompt}\n\n"
    assert "think" not in call.user.lower()


async def test_chain_of_thought_thinks_before_it_answers(sandbox: Sandbox):
    played = await play(
        sandbox, "chain_of_thought", lambda *_: {"thinking": "2, 3: 5", "answer": 5}
    )
    [call] = played.asked
    assert (call.fields, call.temperature) == (["thinking", "answer"], 0.5)
    assert call.schema["properties"]["answer"] == {"type": "integer"}
    assert played.answer == 5


async def test_self_consistency_asks_five_times_the_same_and_takes_the_first_most_common(
    sandbox: Sandbox,
):
    votes = [4, 7, 5, 7, 4]  # a tie of 4 and 7: 4 came first
    played = await play(
        sandbox, "self_consistency", lambda _, number: {"thinking": "", "answer": votes[number]}
    )
    assert played.answer == 4
    assert len({(call.system, call.user) for call in played.asked}) == 1
    assert {call.temperature for call in played.asked} == {0.8}


async def test_self_refine_accumulates_attempts_and_feedback(sandbox: Sandbox):
    played = await play(
        sandbox,
        "self_refine",
        lambda call, number: {**fitting(call, number), "correct": number == 5},
    )
    first, review, second, review_2, third, review_3 = played.asked
    assert [call.agent for call in played.asked] == ["thinker", "critic"] * 3
    assert review.fields == ["feedback", "correct"]
    assert "<thinking 0>" in review.user
    assert "<feedback" not in review.user
    assert ["<thinking 0>" in second.user, "<feedback 1>" in second.user] == [True, True]
    # the critic sees the latest attempt only, the thinker all of them in order
    assert "<thinking 2>" in review_2.user
    assert "<thinking 0>" not in review_2.user
    order = ["<thinking 0>", "<feedback 1>", "<thinking 2>", "<feedback 3>"]
    places = [third.user.index(mark) for mark in order]
    assert places == sorted(places)
    assert "correct" not in third.user.replace("correct: ", "")
    assert "<thinking 4>" in review_3.user
    assert played.answer == 4  # the attempt that the critic let pass
    assert {call.temperature for call in played.asked} == {0.5}
    assert "<" not in first.user


async def test_self_refine_gives_the_last_attempt_when_the_critic_is_never_satisfied(
    sandbox: Sandbox,
):
    played = await play(sandbox, "self_refine", content_with(False))
    assert played.answer == 10
    assert [call.agent for call in played.asked[-2:]] == ["critic", "thinker"]


async def test_self_refine_answers_with_what_it_has_when_its_calls_are_spent(sandbox: Sandbox):
    played = await play(sandbox, "self_refine", content_with(False), calls=8)
    assert (len(played.asked), played.answer) == (8, 6)


async def test_debate_round_two_sees_the_thoughts_of_round_one_own_first(sandbox: Sandbox):
    played = await play(sandbox, "debate", fitting)
    first, second, judge = played.asked[:3], played.asked[3:6], played.asked[6]
    roles = ["a math professor", "a grade school teacher", "a math enthusiast"]
    for round_ in (first, second):
        assert [call.system for call in round_] == [f"You are {role}." for role in roles]
        assert {call.temperature for call in round_} == {0.8}
    assert all("<" not in call.user for call in first)
    seen = [re.findall(r"<thinking (\d)>", call.user) for call in second]
    assert seen == [["0", "1", "2"], ["1", "0", "2"], ["2", "0", "1"]]
    assert "You thought: <thinking 1>" in second[1].user
    assert f"{roles[2]} thought: <thinking 2>" in second[1].user
    assert all("answer: " not in call.user for call in second)  # thoughts only, no answers
    assert judge.temperature == 0.1
    assert re.findall(r"<thinking (\d)>", judge.user) == ["3", "4", "5"]
    assert re.findall(r"answer: (\d)", judge.user) == ["3", "4", "5"]
    assert played.answer == 6


async def test_step_back_hands_thoughts_and_principle_on(sandbox: Sandbox):
    played = await play(sandbox, "step_back", fitting)
    theorist, thinker = played.asked
    assert (theorist.fields, thinker.fields) == (["thinking", "principle"], ["thinking", "answer"])
    assert "<thinking 0>" in thinker.user
    assert "<principle 0>" in thinker.user
    assert {call.temperature for call in played.asked} == {0.5}
    assert played.answer == 1


async def test_quality_diversity_shows_all_earlier_attempts(sandbox: Sandbox):
    played = await play(sandbox, "quality_diversity", fitting)
    for number, call in enumerate(played.asked):
        seen = [str(earlier) for earlier in range(number)]
        assert re.findall(r"<thinking (\d)>", call.user) == seen
        assert re.findall(r"answer: (\d)", call.user) == seen
    assert [call.temperature for call in played.asked] == [0.5] * 4 + [0.1]
    assert played.answer == 4


@pytest.mark.parametrize(
    ("choice", "role"),
    [
        ("Math Professor", "a math professor"),
        ("Grade School Teacher", "a grade school teacher"),
        ("Math Enthusiast", "a math enthusiast"),
        ("Helpful Assistant", "a helpful assistant"),
    ],
)
async def test_dynamic_roles_asks_the_expert_that_the_router_picks(
    sandbox: Sandbox, choice: str, role: str
):
    replies = [{"choice": choice}, {"thinking": "", "answer": 5}]
    played = await play(sandbox, "dynamic_roles", lambda _, number: replies[number])
    router, expert = played.asked
    assert len(router.schema["properties"]["choice"]["enum"]) == 4
    assert expert.system == f"You are {role}."
    assert {router.temperature, expert.temperature} == {0.5}


@pytest.mark.parametrize(
    ("program", "task", "answer"),
    [
        ("answer = 2 + 3", SUM, 5),
        ("```python\nx = 2\nanswer = x + 3.0\n```", SUM, 5),
        ("print('5')", SUM, 5),
        ("answer = 0.1 * 3 * 10 + 2", SUM, 5),
        ("answer = ' Yes'", CHOICE, "yes"),
        ("answer = 'wren'", TEXT, "wren"),
        ("answer = 2 ** 70", SUM, 2**70),
        ("answer = 1 / 4", Task("t", "A quarter?", 0.25, "float"), 0.25),
        ("answer = 2 > 3", Task("t", "Is it?", False, "bool"), False),
    ],
)
async def test_a_programs_value_becomes_the_tasks_type(
    sandbox: Sandbox, program: str, task: Task, answer: object
):
    played = await play(sandbox, "program_of_thought", programs(program), task)
    assert played.answer == answer
    assert type(played.answer) is type(answer)
    assert [call.agent for call in played.asked] == ["programmer"]
    assert played.asked[0].temperature == 0.0


@pytest.mark.parametrize(
    ("program", "task"),
    [
        ("answer = 1 / 0", SUM),
        ("I cannot write programs.", SUM),
        ("answer = 2.5", SUM),
        ("answer = 'five'", SUM),
        ("answer = None", SUM),
        ("answer = 'maybe'", CHOICE),
        ("answer = float('nan')", Task("t", "A quarter?", 0.25, "float")),
        ("", SUM),
    ],
    ids=["raises", "prose", "half", "word", "none", "no choice", "nan", "blank"],
)
async def test_a_program_that_gives_nothing_is_followed_by_a_chain_of_thought(
    sandbox: Sandbox, program: str, task: Task
):
    played = await play(sandbox, "program_of_thought", programs(program), task)
    programmer, thinker = played.asked
    assert (programmer.agent, thinker.agent) == ("programmer", "thinker")
    assert thinker.fields == ["thinking", "answer"]
    assert thinker.user.partition(LAST)[0].endswith("Think step by step, then answer.\n\n")
    assert played.answer is not None
