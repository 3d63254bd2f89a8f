from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from metasearch.domains import load, task_id
from metasearch.domains.soundness import prove_scored
from metasearch.domains.splits import FEWEST, too_few
from metasearch.errors import ConfigError
from metasearch.stats import mcnemar
from metasearch.types import Json, Score, Split, Task


class Plugin:
    """A domain of somebody else's, with a scorer of its own."""

    name, description = "theirs", "Tasks of a plug-in."

    def __init__(self, judge: Callable[[Task, Json], Json], gold: Json = 4) -> None:
        self.judge, self.gold = judge, gold

    def tasks(self, split: Split) -> list[Task]:
        asked = [f"{split} {number}?" for number in range(9)]
        return [Task(task_id(prompt), prompt, self.gold) for prompt in asked]

    def score(self, task: Task, answer: Json) -> Score:
        return self.judge(task, answer)


def raises(task: Task, answer: Json) -> Score:
    raise ValueError(f"cannot read {answer}")


turns = count()


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        (raises, "with answer '4' raised ValueError: cannot read 4; mend the domain"),
        (lambda task, answer: Score(float("nan")), "with answer '4' scores nan; mend the domain"),
        (lambda task, answer: Score(1.2), "with answer '4' scores 1.2; mend the domain"),
        (lambda task, answer: 1.0, "with answer '4' scores 1.0; mend the domain"),
        (lambda task, answer: Score(1.0 if answer == 4 else -0.5), "with answer '?' scores -0.5"),
        (lambda task, answer: Score(next(turns) % 2), "scores 0, and 1 when asked again"),
    ],
)
def test_a_scorer_that_does_not_score_is_one_line(judge: Callable, message: str):
    with pytest.raises(ConfigError) as caught:
        prove_scored(Plugin(judge))
    assert message in str(caught.value)
    assert str(caught.value).startswith("theirs: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("gold", [None, "", "  \n"])
def test_a_task_without_an_answer_is_one_line(gold: Json):
    with pytest.raises(ConfigError, match=r"theirs: task t\w+ \('train 0\?'\) of train has no"):
        prove_scored(Plugin(lambda task, answer: Score(0.0), gold))


def test_a_sound_domain_passes_after_its_scorer_was_tried_on_every_split():
    judged: set[str] = set()

    def judge(task: Task, answer: Json) -> Score:
        judged.add(task.prompt.split()[0])
        return Score(float(answer == task.gold))

    prove_scored(Plugin(judge))
    assert judged == {str(split) for split in Split}


def test_a_plug_in_is_proven_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metasearch.plugins.load", lambda *_: lambda *a, **k: Plugin(raises))
    with pytest.raises(ConfigError, match="raised ValueError"):
        load("starter")


def written(folder: Path, answers: list[Json]) -> str:
    file = folder / "tasks.jsonl"
    rows = [{"input": f"Question {n}?", "answer": answer} for n, answer in enumerate(answers)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_answers_that_are_all_the_same_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, ["yes", "Yes", "yes "] * 10))
    assert str(caught.value).startswith("tasks.jsonl:1: all 30 answers are 'yes', so that a design")
    assert load(written(tmp_path, ["yes", "no"] * 10))


def test_eight_tasks_are_too_few_and_it_says_what_to_do(tmp_path: Path):
    domain = load(written(tmp_path, [f"a{n}" for n in range(8)]))
    (said,) = [note for note in domain.notes if "no difference" in note]
    assert said.startswith("3 validation tasks and 3 test tasks can show no difference: below 6")
    assert "cross-validate: search several times with --seed 1, 2, 3" in said
    other = load(written(tmp_path, [f"a{n}" for n in range(8)]), seed=1)
    assert {task.id for task in domain.tasks(Split.TEST)} != {
        task.id for task in other.tasks(Split.TEST)
    }


def test_the_fewest_tasks_are_those_of_the_exact_test():
    assert mcnemar(FEWEST, 0) < 0.05 < mcnemar(FEWEST - 1, 0)
    assert too_few({"train": 1, "validation": FEWEST, "test": FEWEST}) == ""
    assert too_few({"train": 9, "validation": 9, "test": 5}).startswith("5 test tasks can show no")
