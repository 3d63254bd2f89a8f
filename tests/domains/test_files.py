from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metasearch.domains import load
from metasearch.domains.base import TaskSet
from metasearch.errors import ConfigError
from metasearch.types import Outcome, Split


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, rows: list[Any] | str | bytes) -> str:
    if isinstance(rows, bytes):
        Path(name).write_bytes(rows)
    else:
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        Path(name).write_text(text, encoding="utf-8")
    return name


def rows(answers: list[Any], **more: Any) -> list[dict[str, Any]]:
    return [{"input": f"Question {n}?", "answer": a, **more} for n, a in enumerate(answers)]


def opened(answers: list[Any], **how: Any) -> TaskSet:
    domain = load(write("tasks.jsonl", rows(answers)), **how)
    assert isinstance(domain, TaskSet)
    return domain


def by_prompt(domain: TaskSet) -> dict[str, Any]:
    return {task.prompt: task for split in Split for task in domain.tasks(split)}


def fails(spec: str, **how: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(spec, **how)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_jsonl_and_csv_give_the_same_tasks(folder: Path):
    table = [{"input": f'Say "{n}, please"', "answer": f"x{n}", "kind": "k"} for n in range(9)]
    quoted = "".join(
        '"{}",{},{}\n'.format(row["input"].replace('"', '""'), row["answer"], "k") for row in table
    )
    first = load(write("tasks.jsonl", table))
    second = load(write("tasks.csv", "\ufeffInput, ANSWER ,kind\r\n" + quoted))
    assert first.name == second.name == "tasks"
    assert by_prompt(first) == by_prompt(second)
    assert {task.kind for task in by_prompt(first).values()} == {"k"}


@pytest.mark.parametrize(
    ("answers", "scorer", "answer_type"),
    [
        ([1, 2, 30], "number", "int"),
        (["1", "2,000", "-7"], "number", "int"),
        ([1, 2.5, 3], "number", "float"),
        (["0.5", "12", "3"], "number", "float"),
        (["007", "012", "03"], "exact", "str"),
        (["Apollo 11", "Apollo 12", "Apollo 13"], "exact", "str"),
        ([True, False, True], "exact", "bool"),
        (["yes", "no", "no"] * 3, "choice", ("no", "yes")),
        (["Yes", "no ", "yes"] * 3, "choice", ("no", "Yes")),
        (["yes", "no", "no"], "exact", "str"),
        (["a" * 41, "b"] * 9, "exact", "str"),
        ([["a", 1], ["b", 2], ["c", 3]], "exact", "str"),
    ],
)
def test_scorer_and_type_are_guessed_and_said(folder: Path, answers, scorer, answer_type):
    domain = opened(answers)
    assert {task.answer_type for task in by_prompt(domain).values()} == {answer_type}
    assert f"scored by {scorer}:" in domain.description
    assert any(note.startswith(f"scorer {scorer}: guessed") for note in domain.notes)
    for task in by_prompt(domain).values():
        assert domain.score(task, task.gold).value == 1.0


def test_the_scorer_asked_for_is_taken(folder: Path):
    domain = opened(["the cat|a kitten", "dog", "cow"], scorer="f1")
    task = by_prompt(domain)["Question 0?"]
    assert task.gold == "the cat"
    assert domain.score(task, "kitten").value == 1.0
    assert not any(note.startswith("scorer") for note in domain.notes)
    assert opened([1, 2, 3], scorer="choice").tasks(Split.TEST)[0].answer_type == ("1", "2", "3")
    assert opened(["x", "y", "z"], scorer="contains").score(task, "the cat").value == 1.0


def test_own_splits_are_kept_under_any_common_name(folder: Path):
    names = ["train", "Training", "dev", "valid", "val", "validation", "test", "TEST"]
    table = [{"input": f"Q{n}", "answer": f"a{n}", "split": name} for n, name in enumerate(names)]
    domain = load(write("tasks.jsonl", table))
    assert {task.prompt for task in domain.tasks(Split.TRAIN)} == {"Q0", "Q1"}
    assert {task.prompt for task in domain.tasks(Split.VALIDATION)} == {"Q2", "Q3", "Q4", "Q5"}
    assert {task.prompt for task in domain.tasks(Split.TEST)} == {"Q6", "Q7"}


def test_a_missing_split_is_taken_from_train_and_said(folder: Path):
    table = rows([f"a{n}" for n in range(30)], split="train")
    table += [{"input": f"T{n}", "answer": f"t{n}", "split": "test"} for n in range(5)]
    domain = load(write("tasks.jsonl", table), sizes={Split.VALIDATION: 12})
    assert len(domain.tasks(Split.VALIDATION)) == 12
    assert {task.prompt[0] for task in domain.tasks(Split.TEST)} == {"T"}
    assert {task.prompt[0] for task in domain.tasks(Split.VALIDATION)} == {"Q"}
    assert "no validation in the file: taken from others" in domain.notes


def test_unread_columns_and_unused_examples_are_said(folder: Path):
    table = rows([f"a{n}" for n in range(40)], source="x", splits="train")
    domain = load(write("tasks.jsonl", table), sizes=dict.fromkeys(Split, 10))
    assert "columns that are not read: source, splits" in domain.notes
    assert any(note.startswith("30 of 40 examples are used") for note in domain.notes)
    assert any(note.startswith("validation has only 10 tasks") for note in domain.notes)


def test_own_words_open_the_description(folder: Path):
    domain = opened(["a", "b", "c"], options={"description": "Riddles of the sea"})
    assert domain.description.startswith("Riddles of the sea. An answer is a text.")
    assert "no option 'descripton'" in fails("tasks.jsonl", options={"descripton": "x"})


GOOD = '{"input": "Q%d", "answer": "a%d"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "tasks.jsonl: no examples in it; write one a line"),
        ("\n \n", "tasks.jsonl: no examples in it"),
        (
            "".join(GOOD % (n, n) for n in range(16)) + '{"input": "Q", "answer": }\n',
            "tasks.jsonl:17: not valid JSON: Expecting value at column 26; mend this line",
        ),
        ('\n{"input": "Q", "answer": NaN}', "tasks.jsonl:2: not valid JSON: NaN is no JSON number"),
        ("[" * 5000, "tasks.jsonl:1: not valid JSON: "),
        ('[{"input": "Q"}]', "tasks.jsonl:1: a list, not an object; write one"),
        (
            '{"input": "Q", "label": "a"}',
            "tasks.jsonl:1: no column 'answer'; there are input, label",
        ),
        ('{"question": "Q", "answer": "a"}', "no column 'input'; there are question, answer"),
        ('{"input": "Q", "answer": " "}', "tasks.jsonl:1: 'answer' is ' '; give the right answer"),
        ('{"input": "Q", "answer": null}', "tasks.jsonl:1: 'answer' is None"),
        ('{"input": 5, "answer": "a"}', "tasks.jsonl:1: 'input' is 5; it must be a text"),
        ('{"input": "\\ud800", "answer": "a"}', "tasks.jsonl:1: not plain text and JSON"),
        (
            '{"input": "Q", "answer": "a", "split": "tets"}',
            "tasks.jsonl:1: split 'tets' is unknown",
        ),
        (
            GOOD % (1, 1) + '{"input": "Q", "answer": "a", "split": "test"}',
            "tasks.jsonl:1: no split, but other lines have one; mark all or none",
        ),
        (
            '{"input": "Q", "answer": "a", "split": "test"}',
            "tasks.jsonl: only test tasks; mark some as train, or leave 'split' out",
        ),
        (
            GOOD % (1, 1) + "\n" + GOOD % (2, 2) + '{"input": " q1", "answer": "a1"}',
            "tasks.jsonl:4: the same question as line 1, with the same answer; keep one of the two",
        ),
        (GOOD % (1, 1) + GOOD % (1, 2), "the same question as line 1, with another answer"),
        (
            '{"input": "Q", "answer": "a", "split": "dev"}\n'
            '{"input": "q", "answer": "a", "split": "test"}',
            "tasks.jsonl:2: the same question as line 1, in test here and in validation there",
        ),
        (GOOD % (1, 1) + GOOD % (2, 2), "tasks.jsonl: 2 different questions, but 3 are needed"),
    ],
)
def test_a_bad_jsonl_gets_one_line_with_its_place(folder: Path, text: str, message: str):
    assert message in fails(write("tasks.jsonl", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input,answer\nQ1,a\nQ2,b,c\n", "tasks.csv:3: 3 fields, but the header has 2"),
        ("input,answer\nQ1\n", "tasks.csv:2: 1 fields, but the header has 2"),
        ('input,answer\n"Q\n1",a\nQ2,"b\n', "tasks.csv:4: not valid CSV"),
        ("input;answer\nQ1;a\n", "tasks.csv:2: no column 'input'; there are input;answer"),
        ("input,answer\n", "tasks.csv: no examples in it"),
        ("input,answer\nQ1,\n", "tasks.csv:2: 'answer' is ''"),
    ],
)
def test_a_bad_csv_gets_one_line_with_its_place(folder: Path, text: str, message: str):
    assert message in fails(write("tasks.csv", text))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b'{"input": "Q", "answer": "a"}\n{"input": "caf\xe9"}',
            "tasks.jsonl:2: byte 0xe9 is not UTF-8",
        ),
        (
            '{"input": "Q"}'.encode("utf-16"),
            "tasks.jsonl:1: this is UTF-16; save the file as UTF-8",
        ),
    ],
)
def test_a_file_in_another_encoding_is_named(folder: Path, data: bytes, message: str):
    assert message in fails(write("tasks.jsonl", data))


def test_a_line_separator_inside_a_text_is_no_line_end(folder: Path):
    text = "".join(f'{{"input": "Q{n}\u2028more", "answer": "a{n}"}}\n' for n in range(3))
    assert len(by_prompt(load(write("tasks.jsonl", text)))) == 3


@pytest.mark.parametrize(
    ("spec", "how", "message"),
    [
        ("nowhere.jsonl", {}, "nowhere.jsonl: No such file or directory; check the path"),
        ("notes.txt", {}, "notes.txt: a task file is one of .jsonl, .csv, .py"),
        ("startr", {}, "no domain is named 'startr'; did you mean starter? there are "),
        (
            "starter",
            {"scorer": "exact"},
            "starter has its own scorer; --scorer goes with a task file",
        ),
        ("tasks.jsonl", {"scorer": "exakt"}, "no scorer is named 'exakt'; did you mean exact?"),
        (
            "tasks.jsonl",
            {"scorer": "number"},
            "tasks.jsonl:1: the answer 'a' cannot be scored (holds no",
        ),
        ("tasks.jsonl", {"scorer": "own.py"}, "own.py: no such Python file"),
        ("tasks.jsonl", {"sizes": {Split.TEST: 9}}, "tasks.jsonl: 3 different questions, but 11"),
    ],
)
def test_what_cannot_be_opened_is_said(folder: Path, spec: str, how: dict, message: str):
    write("tasks.jsonl", rows(["a", "b", "c"]))
    write("notes.txt", "x")
    assert message in fails(spec, **how)


def test_choices_that_read_alike_are_refused(folder: Path):
    write("tasks.jsonl", rows(["yes", "yes.", "no"]))
    assert "the choices 'yes' and 'yes.' read alike" in fails("tasks.jsonl", scorer="choice")


LENGTH = """
def score(task, answer):
    return 1 - abs(len(str(answer)) - len(task.gold)) / 100
"""


def test_an_own_scorer_scores(folder: Path):
    write("length.py", LENGTH)
    domain = opened(["aaa", "bb", "c"], scorer="length.py")
    task = by_prompt(domain)["Question 0?"]
    assert domain.score(task, "xyz") == (1.0, Outcome.ANSWERED, "")
    assert domain.score(task, "x").value == pytest.approx(0.98)
    assert domain.score(task, " \n").outcome is Outcome.BLANK
    late = domain.score(task, "x" * 500)
    assert late[:2] == (0.0, Outcome.WRONG_FORMAT)
    assert "length.py: score returned -3.9" in late.detail


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return int(answer) == 1", "score raised ValueError: invalid literal for int()"),
        ("return float('nan')", "score returned nan, not a number from 0 to 1"),
        ("return 1.2", "score returned 1.2, not a number from 0 to 1"),
        ("return None", "score returned None"),
        ("return 'yes'", "score returned 'yes'"),
        ("import random; return random.random()", "score is different when asked again"),
    ],
)
def test_an_own_scorer_that_fails_is_found_before_the_search(folder: Path, body: str, message: str):
    write("own.py", f"def score(task, answer): {body}\n")
    write("tasks.jsonl", rows(["a", "b", "c"]))
    said = fails("tasks.jsonl", scorer="own.py")
    assert f"own.py: {message}" in said
    assert "('Question 0?') and answer 'a'" in said
    assert "it must return the same number from 0 to 1 each time" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "own.py: no function score(task, answer); define"),
        ("async def score(task, answer): return 1\n", "own.py: an async score; define"),
        ("import os\n\nos.nothing\n", "own.py:3: AttributeError: module 'os' has no attribute"),
        ("x = 1\nif x\n", "own.py:2: SyntaxError: expected ':'"),
        ("import sys\nsys.exit(3)\n", "own.py:2: SystemExit: 3"),
    ],
)
def test_an_own_file_that_does_not_work_is_named_with_its_line(
    folder: Path, text: str, message: str
):
    write("own.py", text)
    write("tasks.jsonl", rows(["a", "b", "c"]))
    assert message in fails("tasks.jsonl", scorer="own.py")


DOMAIN = """
from dataclasses import dataclass
from numbers_beside import FIRST

description = "Doubling"

@dataclass
class Pair:
    question: str
    answer: int

def tasks():
    pairs = [Pair(f"Double {n}.", 2 * n) for n in range(FIRST, FIRST + 40)]
    return [{"input": pair.question, "answer": pair.answer} for pair in pairs]
"""


def test_a_python_file_is_a_domain(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    write("numbers_beside.py", "FIRST = 7\n")
    write("doubling.py", DOMAIN)
    domain = load("doubling.py")
    assert domain.name == "doubling"
    assert domain.description.startswith("Doubling. An answer is a whole number.")
    assert len(by_prompt(domain)) == 40
    write("half.py", DOMAIN + "\ndef score(task, answer):\n    return 0.5\n")
    half = load("half.py")
    assert half.score(half.tasks(Split.TEST)[0], "anything").value == 0.5
    assert "the user's own function" in half.description
    exact = load("half.py", scorer="exact")
    assert exact.score(exact.tasks(Split.TEST)[0], "anything").value == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "own.py: no function tasks(); define one that returns a list of dicts"),
        ("def tasks(): return 5\n", "own.py: tasks() raised TypeError"),
        ("def tasks(): return [5]\n", "own.py: task 1: int, not a dict with input and answer"),
        ("def tasks(): return [{'input': 'Q'}]\n", "own.py: task 1: no column 'answer'"),
        ("def tasks(): return [{'input': 'Q', 'answer': {1}}]\n", "own.py: task 1: not plain text"),
        (
            "def tasks(): return [{'input': 'Q', 'answer': 1}] * 2\n",
            "own.py: task 2: the same question as",
        ),
    ],
)
def test_a_python_domain_that_does_not_work_is_named(folder: Path, text: str, message: str):
    assert message in fails(write("own.py", text))
