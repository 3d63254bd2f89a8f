from __future__ import annotations

import pytest

from metasearch.domains.scorers import exact
from metasearch.search.checks import check
from metasearch.search.equal_cost import BASELINES, self_consistency, vote, voters
from metasearch.search.member import Member
from metasearch.search.seeds import seeds
from metasearch.types import FRESH, Design, Evaluation, Json, Outcome, Split, Task, Usage

TASKS = [Task(f"t{n}", f"Question {n}?", gold) for n, gold in enumerate(["a", "b", "c", "d"])]


def said(
    *answers: Json, tokens: int = 10, outcome: Outcome = Outcome.ANSWERED, repeat: int = 0
) -> list[Evaluation]:
    return [
        Evaluation(
            "d",
            task.id,
            Split.VALIDATION,
            repeat,
            Outcome.WRONG_FORMAT if answer is None else outcome,
            0.0,
            answer,
            usage=Usage(tokens),
            dollars=0.5,
        )
        for task, answer in zip(TASKS, answers, strict=False)
    ]


def member(design: Design, tokens: int) -> Member:
    one = Member(0, 0, design, "evaluated", "seed")
    for evaluation in said("a", "b", "c", "d", tokens=tokens):
        one.add(evaluation)
    return one


def test_the_baselines_are_shipped() -> None:
    assert set(BASELINES) <= {one.name for one in seeds()}


def test_as_many_samples_as_the_winner_s_tokens_pay_for() -> None:
    five = next(one for one in seeds() if one.name == "self_consistency")
    baseline = member(five, 500)  # 100 tokens a sample
    winner = Design("# w")
    for tokens, samples in ((20, 1), (100, 1), (149, 1), (151, 2), (740, 7), (90_000, 12)):
        assert voters(member(winner, tokens), baseline, calls_per_task=12) == samples
    assert voters(member(winner, 500), member(winner, 500), calls_per_task=12) is None
    assert voters(member(winner, 500), member(five, 0), calls_per_task=12) is None


def test_another_number_of_samples_is_the_same_design_but_for_that() -> None:
    seed = next(one for one in seeds() if one.name == "self_consistency")
    made = self_consistency(9)
    assert check(made.source).accepted
    assert "VOTERS = 9" in made.source
    assert made.source.splitlines()[4:].count("VOTERS = 5") == 0
    body = made.source.partition("async def")[2]
    assert body == seed.source.partition("async def")[2]
    assert (made.name, made.idea.split()[0]) == ("self_consistency x 9", "9")
    assert made.id != seed.id
    assert self_consistency(5).id == seed.id
    with pytest.raises(ValueError, match="0 samples"):
        self_consistency(0)


def test_the_majority_answers_and_a_tie_goes_to_the_best() -> None:
    best, second, third = (
        said("a", "x", "c", None),
        said("A ", "b", "y", None),
        said("z", "b", "z", "d"),
    )
    found = vote([best, second, third], TASKS, exact)
    assert [one.answer for one in found.values()] == ["a", "b", "c", "d"]
    assert [one.score for one in found.values()] == [1.0, 1.0, 1.0, 1.0]
    assert {(one.tokens, one.dollars) for one in found.values()} == {(30, 1.5)}
    other = vote([second, best, third], TASKS, exact)
    assert other["t2", 0].answer == "y", "three answers, so the first design's"
    assert other["t2", 0].score == 0.0


def test_a_vote_is_of_tasks_that_all_have_met_and_of_no_fresh_sample() -> None:
    assert set(vote([said("a", "b"), said("a")], TASKS, exact)) == {("t0", 0)}
    again = [said("a", repeat=0) + said("b", repeat=1) + said("a", repeat=FRESH)] * 2
    assert set(vote(again, TASKS, exact)) == {("t0", 0), ("t0", 1)}
    assert vote([], TASKS, exact) == {}
    nobody = vote([said(None), said(None)], TASKS, exact)
    assert (nobody["t0", 0].answer, nobody["t0", 0].score) == (None, 0.0)
    assert vote([said("a")], TASKS, exact, Split.TEST) == {}
