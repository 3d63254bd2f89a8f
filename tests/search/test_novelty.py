from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasearch.assets import asset
from metasearch.search.novelty import agreement, distance, normalised

SEEDS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((asset("seeds") / "single").glob("*.py"))
}
VOTE = SEEDS["self_consistency"]
OTHER_WORDS = '''
from agentkit import majority, gather
from agentkit import Task, Agent

# Half a dozen less one.
HOW_MANY = 5


def unused():
    return "nothing calls this"


async def solve(question: Task):
    """Nothing new."""
    team = [Agent(f"voter {one}", temperature=0.80) for one in range(1, HOW_MANY + 1)]
    said = await gather(
        member.ask(question.prompt, 'Think   step by step, then answer.',
                   fields={"thinking": str, "answer": question.answer_type})
        for member in team
    )
    return majority(each.answer for each in said)
'''


def test_cosmetics_do_not_make_a_design_new():
    assert normalised(VOTE) == normalised(OTHER_WORDS)
    assert distance(VOTE, OTHER_WORDS) == 0.0


def test_a_constant_may_be_named_or_written_in_place():
    inlined = re.sub(r"VOTERS = 5\n", "", VOTE).replace("VOTERS", "5")
    assert normalised(inlined) == normalised(VOTE)


def test_the_order_of_functions_does_not_matter():
    source = SEEDS["program_of_thought"]
    head, fit, program, solve = re.split(r"\n\n\n", source)
    assert normalised("\n\n\n".join([head, solve, program, fit])) == normalised(source)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("VOTERS = 5", "VOTERS = 3"),
        ("temperature=0.8", "temperature=0.2"),
        ("step by step", "of an example"),
        ("majority(reply.answer for reply in replies)", "replies[0].answer"),
    ],
)
def test_what_changes_behaviour_is_new_and_still_a_near_duplicate(old, new):
    changed = VOTE.replace(old, new)
    assert changed != VOTE
    assert normalised(changed) != normalised(VOTE)
    assert 0.0 < distance(VOTE, changed) < 0.4


def test_the_seeds_are_all_different():
    assert len({normalised(source) for source in SEEDS.values()}) == len(SEEDS)
    for one, other in itertools.combinations(SEEDS.values(), 2):
        assert distance(one, other) > 0.15


def test_distance_is_symmetric_and_bounded():
    for one, other in itertools.product(SEEDS.values(), repeat=2):
        assert 0.0 <= distance(one, other) <= 1.0
        assert distance(one, other) == distance(other, one)


@given(st.text(max_size=200))
def test_any_text_at_all_has_a_name(text):
    assert len(normalised(text)) == 16
    assert distance(text, text) == 0.0


def test_agreement_compares_answers_as_a_scorer_would_read_them():
    first = {"a": 3, "b": "Yes", "c": None, "d": [1, 2]}
    assert agreement(first, {"a": 3.0, "b": " yes", "c": None, "d": [1, 2]}) == 1.0
    assert agreement(first, {"a": 3, "b": "no", "c": 0, "z": 1}) == pytest.approx(1 / 3)
    assert agreement(first, {"z": 1}) == 0.0
    assert agreement({}, {}) == 0.0
