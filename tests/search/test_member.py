"""What a member's evaluations come to, whatever the order in which they were made."""

from __future__ import annotations

import itertools

import pytest

from metasearch.search.member import Member
from metasearch.types import FRESH, Evaluation, Outcome, Split, Usage


def evaluation(task: str, repeat: int, score: float, split: Split = Split.VALIDATION) -> Evaluation:
    usage = Usage(prompt=int(100 * score), completion=repeat % FRESH)
    outcome = Outcome.ANSWERED
    return Evaluation("d", task, split, repeat, outcome, score, usage=usage, dollars=0.1 * score)


def test_scores_are_means_over_repeats_in_the_order_of_the_ids() -> None:
    made = [evaluation("b", 0, 1.0), evaluation("a", 1, 0.25), evaluation("a", 0, 0.5)]
    for order in itertools.permutations(made):
        one = Member(0, 0, None, "pending", "seed")
        for each in order:
            one.add(each)
        assert list(one.scores().items()) == [("a", 0.375), ("b", 1.0)]
        assert one.mean() == 0.6875
        assert one.mean({"a"}) == 0.375
        assert one.tokens_per_task() == (100 + 25 + 50 + 1) / 3
        assert one.dollars_per_task() == pytest.approx(0.175 / 3)


def test_each_evaluation_changes_what_was_known_before() -> None:
    one = Member(0, 0, None, "pending", "seed")
    assert (dict(one.scores()), one.mean(), one.tokens_per_task()) == ({}, 0.0, 0.0)
    one.add(evaluation("a", 0, 1.0))
    assert one.mean() == 1.0
    one.add(evaluation("a", 0, 0.0))  # it failed, and was made again
    one.add(evaluation("b", 0, 0.5))
    assert dict(one.scores()) == {"a": 0.0, "b": 0.5}


def test_finals_and_other_splits_are_kept_apart() -> None:
    one = Member(0, 0, None, "pending", "seed")
    one.add(evaluation("a", 0, 1.0))
    one.add(evaluation("a", FRESH, 0.0))
    one.add(evaluation("t", 0, 0.5, Split.TRAIN))
    assert (one.mean(), one.mean(fresh=True)) == (1.0, 0.0)
    assert dict(one.scores(Split.TRAIN)) == {"t": 0.5}
    assert [each.task_id for each in one.examples.values()] == ["t"]
