from __future__ import annotations

import pytest

from metasearch.domains.base import TaskSet, task_id
from metasearch.domains.scorers import exact
from metasearch.domains.splits import in_turn, prove_disjoint, split_tasks
from metasearch.errors import ConfigError
from metasearch.types import Split, Task


def tasks(count: int, kind: str = "") -> list[Task]:
    prompts = [f"Question {kind}{number}?" for number in range(count)]
    return [Task(task_id(prompt), prompt, str(len(prompt)), kind=kind) for prompt in prompts]


def test_case_white_space_and_full_width_do_not_make_another_question():
    one = task_id("What is 2 + 2?")
    assert one == task_id("  what IS\n2 +\u00a02? ") == task_id("What is ２ + ２?")
    assert one != task_id("What is 2 + 3?")
    assert len(one) == 11
    assert one[0] == "t"


def test_the_order_of_the_tasks_does_not_matter():
    assert split_tasks(tasks(50), seed=4) == split_tasks(tasks(50)[::-1], seed=4)
    assert split_tasks(tasks(50), seed=4) != split_tasks(tasks(50), seed=5)


def test_sizes_are_shares_unless_asked_for():
    assert [len(part) for part in split_tasks(tasks(100)).values()] == [20, 40, 40]
    sizes = {Split.VALIDATION: 70, Split.TEST: 10}
    assert [len(part) for part in split_tasks(tasks(100), sizes).values()] == [20, 70, 10]
    assert [len(part) for part in split_tasks(tasks(3)).values()] == [1, 1, 1]
    assert [len(part) for part in split_tasks(tasks(4000)).values()] == [200, 200, 800]
    assert len(split_tasks(tasks(4000), {Split.VALIDATION: 3000})[Split.VALIDATION]) == 3000


@pytest.mark.parametrize(
    ("count", "sizes", "message"),
    [
        (2, {}, r"f: 2 different questions, but 3 are needed \(train 1, validation 1, test 1\)"),
        (9, {Split.TEST: 8}, r"9 different questions, but 10 are needed \(.*test 8\)"),
        (9, {Split.TEST: -1}, "size of test is -1"),
        (9, {Split.TEST: True}, "size of test is True"),
        (9, {"dev": 3}, "no split is named 'dev'; there are train, validation, test"),
    ],
)
def test_too_few_tasks_are_said(count: int, sizes: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        split_tasks(tasks(count), sizes, source="f")


def test_a_question_in_two_splits_is_found_whatever_its_id_says():
    one, other = Task("t1", "What is 2 + 2?", 4), Task("t2", "what is  2 + 2?", 4)
    with pytest.raises(ConfigError, match=r"both train #1 and test #1 \('what is 2 \+ 2\?'\)"):
        prove_disjoint({Split.TRAIN: [one], Split.TEST: [other]}, "mine")


def test_a_task_set_is_checked_when_it_is_made():
    first, second = tasks(2)
    with pytest.raises(ConfigError, match="mine: the split test is empty"):
        TaskSet("mine", "", {Split.TRAIN: (first,), Split.VALIDATION: (second,)}, exact)
    with pytest.raises(ConfigError, match="validation #1 and test #1"):
        TaskSet("mine", "", {Split.TRAIN: (first,), Split.VALIDATION: (second,),
                             Split.TEST: (second,)}, exact)  # fmt: skip


def test_kinds_come_in_turn():
    rows = [tasks(2, "a"), tasks(2, "b"), tasks(1, "c")]
    assert [task.kind for task in in_turn(rows, 5)] == ["a", "b", "c", "a", "b"]


def test_the_floor_is_the_share_of_the_most_frequent_gold():
    golds = ["a", "a", "a", "b", "c"]
    made = [Task(task_id(str(place)), str(place), gold) for place, gold in enumerate(golds)]
    splits = {Split.TRAIN: made[:1], Split.VALIDATION: made[1:3], Split.TEST: made[3:]}
    domain = TaskSet("mine", "", {split: tuple(part) for split, part in splits.items()}, exact)
    assert domain.floor() == pytest.approx(0.6)
