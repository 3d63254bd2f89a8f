from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from metasearch.domains import load
from metasearch.domains.starter import KINDS, SIZES
from metasearch.domains.starter.arithmetic import _text, _tree, _value
from metasearch.domains.starter.draft import Draft
from metasearch.domains.starter.syllogism import DISPUTED, VALID, _sentences
from metasearch.errors import ConfigError
from metasearch.types import Split, Task


def tasks_of(kind: str, count: int = 60, seed: int = 5) -> list[Task]:
    domain = load(f"starter:{kind}", sizes=dict.fromkeys(Split, count), seed=seed)
    return [task for split in Split for task in domain.tasks(split)]


def numbers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", text)]


def test_default_sizes_are_equal_parts_of_all_kinds():
    domain = load("starter")
    for split, size in SIZES.items():
        kinds = Counter(task.kind for task in domain.tasks(split))
        assert kinds == dict.fromkeys(KINDS, size // 10)


def test_every_ten_tasks_in_a_row_cover_all_ten_kinds():
    validation = load("starter", sizes={Split.VALIDATION: 43}).tasks(Split.VALIDATION)
    assert len(validation) == 43
    assert [task.kind for task in validation] == list(itertools.islice(itertools.cycle(KINDS), 43))


def test_questions_are_short_and_answers_typed():
    for split in Split:
        for task in load("starter").tasks(split):
            assert 4 <= len(task.prompt.split()) <= 45, task
            assert isinstance(task.gold, int) == (task.answer_type == "int")


@pytest.mark.parametrize("kind", ["syllogism", "sentiment"])
def test_a_constant_choice_is_right_half_of_the_time(kind: str):
    for split in Split:
        golds = Counter(task.gold for task in load("starter").tasks(split) if task.kind == kind)
        assert len(set(golds.values())) == 1
        assert len(golds) == 2


def test_a_constant_answer_gets_nowhere_in_the_mixture():
    assert load("starter").floor() < 0.08


def test_no_question_of_one_seed_is_in_another_split_of_another_seed():
    train = {task.id for seed in range(5) for task in load("starter", seed=seed).tasks(Split.TRAIN)}
    test = {task.id for seed in range(5) for task in load("starter", seed=seed).tasks(Split.TEST)}
    assert train
    assert not train & test


def test_a_larger_split_begins_with_the_smaller_one():
    small, large = load("starter"), load("starter", sizes={Split.TEST: 400, Split.TRAIN: 10})
    assert list(large.tasks(Split.TEST))[:100] == list(small.tasks(Split.TEST))
    assert list(large.tasks(Split.VALIDATION)) == list(small.tasks(Split.VALIDATION))


@pytest.mark.parametrize("kind", ["chain3", "chain5", "arith"])
def test_sums_are_right(kind: str):
    for task in tasks_of(kind):
        expression = re.sub(r"^(What is|Calculate) |[?.]$", "", task.prompt)
        assert eval(expression, {}) == task.gold


def test_parentheses_keep_the_meaning_of_every_tree():
    import random

    rng = random.Random(1)
    for _ in range(2_000):
        tree = _tree(rng, rng.randint(2, 6))
        assert eval(_text(tree), {}) == _value(tree)


def test_countif_counts():
    for task in tasks_of("countif"):
        *listed, bound = numbers(task.prompt)
        assert sum(number > bound for number in listed) == task.gold


def test_sortnum_ranks():
    ranks = {"smallest": 0, "second smallest": 1, "third smallest": 2, "second largest": 3}
    ranks["largest"] = 4
    for task in tasks_of("sortnum"):
        name = re.match(r"Which is the (.*) of the", task.prompt)[1]
        assert sorted(numbers(task.prompt))[ranks[name]] == task.gold


def test_letters_counts():
    for task in tasks_of("letters"):
        letter, words = re.match(r'.* "(.)" occur in the words? (.*)\?', task.prompt).groups()
        assert words.count(letter) == task.gold


def test_lastletters_joins():
    for task in tasks_of("lastletters"):
        words = re.match(r".*order: (.*)\.", task.prompt)[1].split(", ")
        assert "".join(word[-1] for word in words) == task.gold


def test_shop_sums_follow_from_their_numbers():
    for task in tasks_of("shop"):
        given = numbers(task.prompt)
        if "come back" in task.prompt:
            gold = given[2] - given[0] * given[1]
        elif "in all" in task.prompt:
            gold = given[0] * given[1] + given[2]
        elif "boxes" in task.prompt:
            assert given[2] % given[0] == 0
            gold = given[2] // given[0] * given[1]
        elif "are left" in task.prompt:
            gold = given[0] - given[1] * given[2] - given[3] * given[4]
        elif "coupon" in task.prompt:
            gold = given[0] * given[1] - given[2] + given[3]
        else:
            gold = given[0] - 3 * given[1] + given[2]
        assert gold == task.gold, task
        assert task.gold > 0


def follows(form: str, *, empty_groups: bool) -> bool:
    """Try every way in which the eight kinds of things can exist or not."""

    def holds(mood: str, one: int, other: int, world: tuple[int, ...]) -> bool:
        both = any(thing >> one & 1 and thing >> other & 1 for thing in world)
        only = any(thing >> one & 1 and not thing >> other & 1 for thing in world)
        return {"A": not only, "E": not both, "I": both, "O": only}[mood]

    minor, middle, major = 0, 1, 2
    first = (middle, major) if form[3] in "13" else (major, middle)
    second = (minor, middle) if form[3] in "12" else (middle, minor)
    for size in range(8):
        for world in itertools.combinations(range(1, 8), size):
            inhabited = all(any(thing >> group & 1 for thing in world) for group in range(3))
            premises = holds(form[0], *first, world) and holds(form[1], *second, world)
            if premises and (inhabited or empty_groups) and not holds(form[2], minor, major, world):
                return False
    return True


def test_the_listed_syllogisms_are_the_valid_ones():
    forms = ["".join(moods) + figure for moods in itertools.product("AEIO", repeat=3)
             for figure in "1234"]  # fmt: skip
    assert {form for form in forms if follows(form, empty_groups=True)} == VALID
    assert {form for form in forms if follows(form, empty_groups=False)} == VALID | DISPUTED


def test_a_syllogism_says_its_form():
    assert _sentences("EIO2", "poets", "bakers", "pilots") == (
        "no pilots are bakers",
        "some poets are bakers",
        "some poets are not pilots",
    )


def test_the_verdict_of_a_review_decides():
    for task in tasks_of("sentiment"):
        bad = re.search(r"regret|never|waste|against|spoiled", task.prompt)
        assert task.gold == ("negative" if bad else "positive")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load("starter:shop,shap"), "no kind 'shap'; there are shop"),
        (lambda: load("starter", options={"level": 3}), "no option 'level'"),
        (lambda: load("starter", sizes={Split.TEST: 0}), "size of test is 0"),
    ],
)
def test_what_cannot_be_made_is_said(call, message: str):
    with pytest.raises(ConfigError, match=message):
        call()


def test_a_kind_that_runs_out_of_questions_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(
        KINDS, "shop", lambda rng, number: Draft(f"What is {rng.randrange(40)}?", 1)
    )
    with pytest.raises(ConfigError, match="different shop questions for train, 40 are needed"):
        load("starter:shop")
