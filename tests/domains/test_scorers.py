from __future__ import annotations

import itertools
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasearch.domains.base import Scorer
from metasearch.domains.choices import choice
from metasearch.domains.mentions import Contains
from metasearch.domains.scorers import SCORERS, exact, f1, number, scorer
from metasearch.domains.spans import align
from metasearch.types import Outcome, Score, Task

WORDS = st.text("bcdefghi", min_size=1, max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def task(gold: Any, answer_type: Any = "str", prompt: str = "Which?", extra: Any = None) -> Task:
    return Task("t0", prompt, gold, answer_type, extra=extra)


COLOURS = ("red", "green", "dark blue")
EXAMPLES: dict[str, list[Task]] = {
    "exact": [
        task("Paris"),
        task("St. Gallen"),
        task([1, "a"]),
        task(True, "bool"),
        task(7, "int"),
    ],
    "number": [task(7, "int"), task("1,234"), task(-0.5, "float"), task("12 kg")],
    "choice": [task(colour, COLOURS) for colour in COLOURS],
    "contains": [task(name) for name in ("Paris", "New York", "Oslo", "Lima", "東京")],
    "f1": [task("the old bridge"), task(["5", "6 yards"]), task("4")],
}


DUMPS = {
    "letters": "a" * 2**20,
    "spaces": " " * 2**20 + "7" * 3_000,
    "numbers": "7 " * 2**19,
}
HARD: dict[str, Any] = {
    "commas": "1," * 1_000,
    "spaces": "1 " * 1_000,
    "markers": "answer " * 285,
    "one marker": "answer" + " " * 1_990 + ".",
    "brackets": "[" * 2_000,
    "minuses": "- " * 1_000,
    "parentheses": "(" * 2_000,
    "signs of one word": "京" * 2_000,
    "a sign that NFKC makes eighteen": "\ufdfa" * 2_000,
    "words": "a b " * 500,
    "powers": "1e9" * 600,
    "many spans": ["a"] * 200_000,
    "as many spans as are read": ["a b", "b c", "c d", "d a"] * 8,
    "lists": [["x"] * 30] * 30,
    "object": {"a": {}},
    "surrogate": "\ud800",
}


def cases() -> list[Any]:
    return [
        pytest.param(scorer(name, tasks), one, id=f"{name}-{one.gold}")
        for name, tasks in EXAMPLES.items()
        for one in tasks
    ]


def verdict(score: Score) -> tuple[float, Outcome]:
    return score.value, score.outcome


@pytest.mark.parametrize(("score", "one"), cases())
class TestEveryScorer:
    def test_gold_scores_one(self, score: Scorer, one: Task):
        assert verdict(score(one, one.gold)) == (1.0, Outcome.ANSWERED)

    def test_white_space_around_gold_does_not_matter(self, score: Scorer, one: Task):
        if isinstance(one.gold, str):
            assert score(one, f"\n\t {one.gold} \u2003\n").value == 1.0

    @pytest.mark.parametrize("nothing", [None, "", " \n\t\u2003", "N/A", "n/a "])
    def test_no_answer_is_blank(self, score: Scorer, one: Task, nothing: Any):
        assert verdict(score(one, nothing)) == (0.0, Outcome.BLANK)

    @pytest.mark.parametrize("dump", DUMPS)
    def test_a_megabyte_is_unreadable_at_once(self, score: Scorer, one: Task, dump: str):
        start = time.process_time()
        assert verdict(score(one, DUMPS[dump])) == (0.0, Outcome.WRONG_FORMAT)
        assert time.process_time() - start < 0.2

    @pytest.mark.parametrize("hard", HARD)
    def test_nothing_takes_long(self, score: Scorer, one: Task, hard: str):
        start = time.process_time()
        score(one, HARD[hard])
        assert time.process_time() - start < 0.5

    def test_unfinished_and_endless_values_are_unreadable(self, score: Scorer, one: Task):
        endless: list[Any] = []
        endless.append([endless, endless])
        for value in (math.nan, math.inf, -math.inf, endless, 10**5_000):
            assert verdict(score(one, value)) == (0.0, Outcome.WRONG_FORMAT)


@pytest.mark.parametrize("name", SCORERS)
@given(answer=JSON)
def test_any_answer_has_a_score_in_range_twice_the_same(name: str, answer: Any):
    score = scorer(name, EXAMPLES[name])
    for one in EXAMPLES[name]:
        first = score(one, answer)
        assert 0.0 <= first.value <= 1.0
        assert first.value == 0.0 or first.outcome is Outcome.ANSWERED
        assert score(one, answer) == first


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("glue", [" ", ", ", " or ", "\n", "; ", "/"])
def test_all_golds_at_once_do_not_score_one(name: str, glue: str):
    score = scorer(name, EXAMPLES[name])
    golds = [one.gold for one in EXAMPLES[name] if not isinstance(one.gold, list)]
    for order in (golds, golds[::-1]):
        for one in EXAMPLES[name]:
            assert score(one, glue.join(map(str, order))).value < 1.0
            assert score(one, [one.gold, *order]).value < 1.0


@given(
    golds=st.lists(WORDS, min_size=2, max_size=12, unique=True), glue=st.sampled_from([" ", ", "])
)
def test_a_list_of_all_golds_is_no_answer_to_any(golds: list[str], glue: str):
    tasks = [task(gold) for gold in golds]
    for score in (exact, Contains.among(tasks), f1):
        for one in tasks:
            assert score(one, glue.join(golds)).value < 1.0


@given(options=st.lists(WORDS, min_size=2, max_size=6, unique=True), data=st.data())
def test_a_choice_is_one_option_in_any_dress(options: list[str], data: Any):
    gold, given = data.draw(st.sampled_from(options)), data.draw(st.sampled_from(options))
    one = task(gold, tuple(options))
    for dress in ("{}", " ({}). ", '"{}"', "**{}**", "Answer: {}", "So the answer is {}.", "{}!"):
        expected = 1.0 if given == gold else 0.0
        assert verdict(choice(one, dress.format(given.upper()))) == (expected, Outcome.ANSWERED)


@pytest.mark.parametrize(
    ("gold", "answer", "value"),
    [
        ("Paris", "PARIS", 1),
        ("Paris", "paris.", 0),
        ("New  York", "new\nyork", 1),
        ("ﬁne", "fine", 1),  # a ligature
        ("straße", "STRASSE", 1),
        ("5", 5, 1),
        (5, "5", 1),
        (5, 5.0, 1),
        (5, True, 0),
        (1, True, 0),
        (True, "True", 1),
        (True, 1, 0),
        ("N/A", "n/a", 1),
        ([1, 2], [1, 2.0], 1),
        ([1, 2], "[1, 2]", 1),
        ([1, 2], [2, 1], 0),
        ([1, 2], [1, 2, 3], 0),
        (["A"], ["a"], 1),
        ({"x": [1]}, '{"x": [1]}', 1),
    ],
)
def test_exact(gold: Any, answer: Any, value: float):
    assert exact(task(gold), answer).value == value


def test_exact_names_what_is_no_json():
    assert exact(task([1]), "one").outcome is Outcome.WRONG_FORMAT


@pytest.mark.parametrize(
    ("gold", "answer", "value"),
    [
        (18, "18 dollars", 1),
        (18, 18.0, 1),
        (18, [18], 1),
        ("1,080", "1080", 1),
        (1000, "1.000", 0),
        (-7, "\u22127", 1),
        (20, "20 999", 0),
        (0.3, 0.1 + 0.2, 1),
        (0.3, "0.3001", 0),
        (18, 0.1 * 180, 1),
        (10**15, 10**15 + 1, 0),
        (1, "eighteen or 1", 1),
    ],
)
def test_number(gold: Any, answer: Any, value: float):
    assert number(task(gold, "int"), answer).value == value


@pytest.mark.parametrize(
    "answer", [True, False, "5 or 6", [5, 6], [[5]], {"answer": 5}, "five", "½"]
)
def test_number_reads_one_number_or_none(answer: Any):
    assert verdict(number(task(5, "int"), answer)) == (0.0, Outcome.WRONG_FORMAT)


def test_number_minds_the_language_of_texts_only():
    german = task(1234, "int", extra={"language": "de"})
    assert number(german, "1.234").value == 1.0
    assert number(german, 1.234).value == 0.0
    assert number(task("1.5", "float", extra={"language": "de"}), "1,5").value == 1.0


LETTERS = ("A", "B", "C", "D")


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        *[(dress, 1.0) for dress in ("B", "b", "(B)", "B.", "B)", "B:", " b ", "Ｂ", "[b]", "'B'")],
        *[
            (dress, 1.0)
            for dress in ("It is late. Answer: B", "the answer is (b)", "Answer:\nB", ["B"])
        ],
        ("the second one", 1.0),
        ("A", 0.0),
        ("the first one", 0.0),
    ],
)
def test_choice_of_letters(answer: Any, value: float):
    options = {"A": "the first one", "B": "the second one", "C": "the third", "D": "the third"}
    score = choice(task("B", LETTERS, extra={"options": options}), answer)
    assert verdict(score) == (value, Outcome.ANSWERED)


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "A or B",
            "A, B",
            "AB",
            "E",
            "Answer: A or B",
            "Answer: B. Answer: C",
            "Answer: B\nAnswer: A",
        ),
        *("В", "Б", "the third", "B is the answer", "Because of B", ["A", "B"], {"answer": "B"}, 2),
    ],
)
def test_choice_of_letters_unreadable(answer: Any):
    options = {"A": "the first one", "B": "the second one", "C": "the third", "D": "the third"}
    score = choice(task("B", LETTERS, extra={"options": options}), answer)
    assert verdict(score) == (0.0, Outcome.WRONG_FORMAT)


def test_choice_among_signs_and_booleans():
    assert choice(task("<", ("<", ">", "=")), " < ").value == 1.0
    assert choice(task("<", ("<", ">", "=")), ">").value == 0.0
    assert choice(task("true", ("true", "false")), True).value == 1.0


@pytest.mark.parametrize(
    ("gold", "answer", "value"),
    [
        ("Paris", "I think it is Paris.", 1),
        ("Paris", "Parisians", 0),
        ("New York", "in new\nyork city", 1),
        ("東京", "答えは東京です", 1),
        ("3", "there are 3 of them", 1),
        ("3", "there are 13 of them", 0),
        ("C++", "I would use C++", 1),
        ("++", "I would use ++", 1),
    ],
)
def test_contains(gold: str, answer: str, value: float):
    assert Contains()(task(gold), answer).value == value


def test_contains_refuses_a_rival_where_answers_are_few_and_repeat():
    tasks = [task(gold) for gold in ("valid", "not valid") * 10]
    score = Contains.among(tasks)
    assert score(task("valid"), "It is valid.").value == 1.0
    assert verdict(score(task("valid"), "It is not valid.")) == (0.0, Outcome.WRONG_FORMAT)
    assert score(task("not valid"), "It is not valid.").value == 1.0


def test_contains_allows_what_the_question_and_a_sentence_mention():
    tasks = [task(gold) for gold in ("Paris", "France", "Seine", "Lyon", "Rhone", "Nice")]
    question = task("Paris", prompt="What is the capital of France?")
    score = Contains.among(tasks)
    assert score(question, "The capital of France is Paris, on the Seine.").value == 1.0
    assert score(question, "Paris, Lyon, Nice or Seine").outcome is Outcome.WRONG_FORMAT


@pytest.mark.parametrize(
    ("gold", "answer", "value"),
    [  # values of the official scorer, but for the last three
        ("4", "4.0", 1.0),
        ("1000", "1,000", 1.0),
        ("12", "12%", 1.0),
        ("12", "$12", 1.0),
        ("4", "four", 0.0),
        ("4", "4 yards", 0.6667),
        ("5", "5 or 6", 0.5),
        ("the Denver Broncos", "Broncos", 0.6667),
        ("Tom Brady", "brady tom", 1.0),
        ("well-known", "well known", 1.0),
        (["Ann", "Bob"], ["Bob", "Ann"], 1.0),
        (["Ann", "Bob"], ["Ann"], 0.5),
        ("Ann", ["Ann", "Bob"], 0.5),
        (["5 yards", "6 yards"], ["6 yards", "7 yards"], 0.5),
        (5, 5, 1.0),
        ("a", "the", 0.0),
        ("a", "A", 1.0),
    ],
)
def test_f1(gold: Any, answer: Any, value: float):
    assert f1(task(gold), answer).value == pytest.approx(value, abs=1e-4)


def test_f1_takes_the_best_reference():
    one = task("noon", extra={"references": ["noon", "12 o'clock"]})
    assert f1(one, "12 o'clock").value == 1.0
    assert f1(one, "noon").value == 1.0


def test_f1_says_what_is_exact_and_what_hedges():
    assert f1(task("Tom Brady"), "tom brady.").detail == "exact"
    assert f1(task("Tom Brady"), "Brady Tom") == Score(1.0)
    assert f1(task("5"), "5 or 6").detail == "hedge"
    assert f1(task(["5", "6"]), ["5", "6"]).detail == "exact"


@given(data=st.data(), rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_alignment_equals_trying_all_permutations(data: Any, rows: int, columns: int):
    row = st.lists(
        st.sampled_from([0.0, 0.25, 0.4, 0.5, 2 / 3, 1.0]), min_size=columns, max_size=columns
    )
    scores = data.draw(st.lists(row, min_size=rows, max_size=rows))
    wide = scores if rows <= columns else [list(column) for column in zip(*scores, strict=True)]
    best = max(
        sum(wide[place][column] for place, column in enumerate(order))
        for order in itertools.permutations(range(len(wide[0])), len(wide))
    )
    assert align(scores) == pytest.approx(best)
