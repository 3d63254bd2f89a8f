from __future__ import annotations

import json
from pathlib import Path

import pytest

from metasearch.domains import load as load_domain
from metasearch.domains import task_id
from metasearch.testing.domain_contract import DomainContract
from metasearch.types import Json, Outcome, Score, Split, Task

SHIPPED = Path(__file__).parent.parent / "fixtures" / "domains" / "mgsm"
SMALL = dict.fromkeys(Split, 9)


class TestStarter(DomainContract):
    @pytest.fixture
    def load(self):
        return lambda seed: load_domain("starter", seed=seed)


class TestMgsm(DomainContract):
    @pytest.fixture
    def load(self):
        return lambda seed: load_domain(f"mgsm:{SHIPPED}", seed=seed)


class TestMgsmByProblem(DomainContract):
    @pytest.fixture
    def load(self):
        options = {"split": "by-problem"}
        return lambda seed: load_domain(f"mgsm:{SHIPPED}", seed=seed, options=options)


@pytest.mark.tasks
class TestReasoning(DomainContract):
    NAMES = "chain_sum,gsm_symbolic,word_sorting,n_queens,knights_knaves,string_insertion"

    @pytest.fixture
    def load(self):
        return lambda seed: load_domain(f"reasoning:{self.NAMES}", seed=seed, sizes=SMALL)


class FileContract(DomainContract):
    answers: tuple[object, ...]
    scorer: str | None = None

    @pytest.fixture
    def load(self, tmp_path: Path):
        file = tmp_path / "tasks.jsonl"
        rows = [
            {"input": f"Question {n}?", "answer": self.answers[n % len(self.answers)]}
            for n in range(40)
        ]
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return lambda seed: load_domain(str(file), seed=seed, scorer=self.scorer)


class TestFileOfChoices(FileContract):
    answers = ("left", "right", "straight on")


class TestFileOfNumbers(FileContract):
    answers = ("1,200", "-7", "0.5", "18")


class TestFileOfTexts(FileContract):
    answers = ("Tom Brady", "12 yards", "the old mill", "straße", "京")
    scorer = "exact"


class TestFileOfBooleans(FileContract):
    answers = (True, False)


class TestFileOfSpans(FileContract):
    part_credit = 0.05  # an overlap of words is what F1 counts, and it is kept as it was published
    answers = ("Tom Brady", "12 yards", ["5", "6"])
    scorer = "f1"


class TestFileOfMentions(FileContract):
    answers = ("Tom Brady", "12 yards", "the old mill")
    scorer = "contains"


class Broken:
    """A domain that breaks the promise that its name says."""

    def __init__(self, fault: str) -> None:
        self.name, self.description = "broken", "A domain of tasks with one fault in it."
        self.fault = fault

    def tasks(self, split: Split) -> list[Task]:
        asked = "Which?" if self.fault == "splits_hold" else f"Which of {split}?"
        kind = ("a", "b")
        gold = "b" if self.fault == "cheats_score" and split is Split.TEST else "a"
        return [Task(task_id(asked), asked, gold, kind)]

    def score(self, task: Task, answer: Json) -> Score:
        if self.fault == "strange_answers" and not isinstance(answer, str):
            return Score(1.2)
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, Outcome.ANSWERED if self.fault == "no_answer" else Outcome.BLANK)
        if self.fault in ("all_options", "cheats_score"):
            return Score(float(task.gold in answer))
        return Score(float(answer == "a" if self.fault == "gold_scores" else answer.strip() == "a"))


@pytest.mark.parametrize(
    "fault",
    ["splits_hold", "gold_scores", "no_answer", "all_options", "cheats_score", "strange_answers"],
)
def test_the_contract_finds_a_broken_promise(fault: str):
    contract = DomainContract()
    (broken,) = [
        getattr(contract, name) for name in dir(contract) if name.startswith(f"test_{fault}")
    ]
    with pytest.raises(AssertionError):
        broken(lambda seed: Broken(fault))
    broken(lambda seed: Broken("none"))
