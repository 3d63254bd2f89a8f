from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import pytest

from metasearch.domains import load
from metasearch.domains.reasoning import EXCLUDED, Scored, _executes, _stream, names
from metasearch.errors import ConfigError
from metasearch.types import Outcome, Split, Task

SMALL = dict.fromkeys(Split, 6)


class Source:
    """A generator whose scorer gives what the test says, prints, raises, or changes its entry."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def score_answer(self, answer: str, entry: dict[str, Any]) -> Any:
        print("scoring", answer)
        entry["metadata"]["seen"] = answer
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def score(result: Any, answer: Any, kind: str = "made_up") -> tuple[float, Outcome]:
    entry = {"answer": "gold", "metadata": {"valid_answers": ["_ Q\n", "Q _\n"]}}
    scorer = Scored({kind: Source(result)}, {"t1": entry})
    value = scorer(Task("t1", "Which?", "gold", kind=kind), answer)[:2]
    assert "seen" not in entry["metadata"]
    return value


@pytest.mark.parametrize("result", [0.99, 0.5, 0.0, -1.0, float("nan"), None, ValueError("x"), "1"])
def test_only_exactly_one_counts(result: Any):
    assert score(result, "x") == (0.0, Outcome.ANSWERED)


def test_a_full_score_counts_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]):
    assert score(1.0, " x\n") == (1.0, Outcome.ANSWERED)
    assert score(1.0, " ") == (0.0, Outcome.BLANK)
    assert score(1.0, "x" * 3_000) == (0.0, Outcome.WRONG_FORMAT)
    assert capsys.readouterr().out == ""


def test_generators_that_execute_answers_for_part_credit_are_scored_by_equality():
    for kind in ("binary_matrix", "spiral_matrix", "string_insertion"):
        assert score(1.0, "__import__('os').abort()", kind) == (0.0, Outcome.ANSWERED)
        assert score(0.0, " gold ", kind) == (1.0, Outcome.ANSWERED)
    assert score(1.0, "[[1]]", "n_queens") == (0.0, Outcome.ANSWERED)
    assert score(0.0, "Q _", "n_queens") == (1.0, Outcome.ANSWERED)


def test_a_task_of_another_domain_is_unreadable():
    assert Scored({}, {})(Task("t2", "Which?", "x"), "x").outcome is Outcome.WRONG_FORMAT


def test_streams_are_far_apart():
    streams = sorted(_stream("a", split, seed) for split in Split for seed in range(50))
    assert min(b - a for a, b in pairwise(streams)) > 1_000


def test_without_reasoning_gym_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(ConfigError, match=r"pip install 'metasearch\[tasks\]'"):
        load("reasoning:chain_sum")


@pytest.mark.tasks
class TestWithReasoningGym:
    def test_kinds_come_in_turn_with_typed_answers(self):
        domain = load("reasoning:chain_sum,word_sorting", sizes=SMALL)
        assert domain.name == "reasoning:chain_sum,word_sorting"
        for split in Split:
            tasks = domain.tasks(split)
            assert [task.kind for task in tasks] == ["chain_sum", "word_sorting"] * 3
            assert [task.answer_type for task in tasks] == ["int", "str"] * 3
        sum_of = domain.tasks(Split.TEST)[0]
        assert domain.score(sum_of, f"{sum_of.gold:,}").value == 1.0
        assert domain.score(sum_of, f"{sum_of.gold} or {sum_of.gold + 1}").value == 0.0

    def test_gsm_symbolic_is_not_fooled_by_a_second_number(self):
        domain = load("reasoning:gsm_symbolic", sizes=SMALL)
        task = domain.tasks(Split.TRAIN)[0]
        assert domain.score(task, task.gold).value == 1.0
        assert domain.score(task, f"{task.gold} 77777").value == 0.0
        assert domain.score(task, f"{task.gold}; 3").outcome is Outcome.WRONG_FORMAT

    def test_repeated_questions_are_dropped(self):
        domain = load("reasoning:tower_of_hanoi", sizes=dict.fromkeys(Split, 8))
        ids = [task.id for split in Split for task in domain.tasks(split)]
        assert len(set(ids)) == 24

    def test_a_generator_without_enough_questions_says_so(self):
        tiny = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
        with pytest.raises(ConfigError, match="chain_sum gives too few different questions"):
            load("reasoning:chain_sum", sizes=dict.fromkeys(Split, 300), options=tiny)

    def test_options_reach_the_generator(self):
        options = {"min_terms": 2, "max_terms": "2", "min_digits": 1, "max_digits": 1}
        domain = load("reasoning:chain_sum", sizes=SMALL, options=options)
        for task in domain.tasks(Split.TEST):
            assert abs(task.gold) <= 18

    def test_the_floor_is_told(self):
        domain = load("reasoning:isomorphic_strings", sizes=dict.fromkeys(Split, 40))
        assert domain.floor() >= 0.5
        assert f"would be right on {domain.floor():.0%}" in domain.description

    @pytest.mark.parametrize(
        ("spec", "options", "message"),
        [
            ("reasoning", {}, "needs the name of a generator, as in reasoning:ab, "),
            ("reasoning:chainsum", {}, "no generator 'chainsum'; did you mean chain_sum"),
            ("reasoning:codeio", {}, "codeio is left out: it gives other tasks each time"),
            ("reasoning:game_of_life_halting", {}, "takes any answer for right"),
            ("reasoning:chain_sum", {"max_term": 3}, "no option 'max_term'; there are allow_neg"),
            ("reasoning:chain_sum", {"max_terms": 0}, "refuses these options: max_terms must be"),
            ("reasoning:chain_sum", {"seed": 3}, "no option 'seed'"),
        ],
    )
    def test_what_cannot_be_made_is_said(self, spec: str, options: dict[str, Any], message: str):
        with pytest.raises(ConfigError, match=message):
            load(spec, options=options)

    def test_no_scorer_in_use_executes_answers(self):
        from reasoning_gym.factory import DATASETS

        assert set(EXCLUDED) <= set(DATASETS) | {"composite"}
        allowed = names()
        assert len(allowed) > 80
        assert [name for name in allowed if _executes(name, DATASETS[name][0])] == []
        refused = {name for name in DATASETS if _executes(name, DATASETS[name][0])}
        assert refused == {
            "simple_integration", "intermediate_integration", "polynomial_multiplication",
            "countdown", "puzzle24",
        }  # fmt: skip

    def test_a_new_generator_that_would_execute_answers_is_refused(self):
        class New:
            def score_answer(self, answer, entry):
                return max(eval(part) for part in answer.split())

        assert _executes("brand_new", New) == "its scorer executes the answer as code"
