"""What every domain promises, as tests: subclass `DomainContract` and override `load`.

class TestMine(DomainContract):
    @pytest.fixture
    def load(self):
        return lambda seed: my_domain(seed=seed)
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias

import pytest

from metasearch.domains.base import Domain
from metasearch.domains.questions import task_id
from metasearch.testing.red_team import gains
from metasearch.types import Json, Outcome, Split, Task

__all__ = ["DomainContract", "Load"]

Load: TypeAlias = Callable[[int], Domain]

_NOTHING: tuple[Json, ...] = (None, "", "  \n\t ")
_STRANGE: tuple[Json, ...] = (
    *(True, -1, 10**5000, 1.5, math.nan, math.inf, [], {}, [None], {"answer": "1"}),
    *("1e999999999", "\ud800", "\x00", "a" * 2**20, " " * 2**20 + "1", ["a"] * 5_000),
)


class DomainContract:
    """The promises. Every test takes the fixture `load`, a function of the seed.

    Attributes:
        seeded: whether another seed gives other tasks, or the same tasks dealt out otherwise.
        gold_is_an_answer: whether `task.gold` itself, given as the answer, scores 1.
        part_credit: what naming all right answers at once may score above the best single one,
            where the scorer gives credit for a part of the right words.
    """

    seeded = True
    gold_is_an_answer = True
    part_credit = 0.0

    @pytest.fixture
    def load(self) -> Load:
        """Override: return a function that opens the domain for a seed."""
        pytest.fail("override the fixture `load` with a function of the seed")

    def test_splits_hold_different_questions(self, load: Load) -> None:
        """No question is asked twice, in one split or in two."""
        questions = [task_id(task.prompt) for task in _all(load(0))]
        assert len(set(questions)) == len(questions)

    def test_every_split_has_tasks_with_their_own_ids(self, load: Load) -> None:
        """No split is empty, and an id is the hash of its question."""
        domain = load(0)
        for split in Split:
            assert domain.tasks(split), f"{split} is empty"
        assert all(task.id == task_id(task.prompt) for task in _all(domain))

    def test_gold_scores_one(self, load: Load) -> None:
        """The right answer scores 1, with white space around it too."""
        domain = load(0)
        for task in _all(domain) if self.gold_is_an_answer else ():
            assert domain.score(task, task.gold)[:2] == (1.0, Outcome.ANSWERED), task
            spaced = f" \n{task.gold}\t " if isinstance(task.gold, str) else task.gold
            assert domain.score(task, spaced).value == 1.0, task

    def test_no_answer_scores_zero_and_is_called_blank(self, load: Load) -> None:
        """None, "" and white space are `BLANK`."""
        domain = load(0)
        for task in _all(domain):
            for nothing in _NOTHING:
                assert domain.score(task, nothing)[:2] == (0.0, Outcome.BLANK), task

    def test_all_options_at_once_do_not_score_one(self, load: Load) -> None:
        """Naming every allowed answer is no answer."""
        domain = load(0)
        for task in _all(domain):
            if isinstance(task.answer_type, tuple):
                for glue in (" ", ", ", " or ", "\n"):
                    assert domain.score(task, glue.join(task.answer_type)).value < 1.0, task

    def test_cheats_score_no_more_than_a_constant_answer(self, load: Load) -> None:
        """No work, no score: see `metasearch.testing.red_team` for who tries what."""
        found = gains(load(0))
        assert {name for name, gain in found.items() if gain > self.part_credit} == set(), found

    def test_strange_answers_are_scored_and_never_raise(self, load: Load) -> None:
        """Whatever a design returns has a score in [0, 1]."""
        domain = load(0)
        for task in _all(domain)[::20]:
            for answer in _STRANGE:
                score = domain.score(task, answer)
                assert 0.0 <= score.value <= 1.0, (task, answer)
                assert score.value == 0.0 or score.outcome is Outcome.ANSWERED, (task, answer)

    def test_scoring_is_pure(self, load: Load) -> None:
        """The same answer scores the same again, and the task stays as it was."""
        domain = load(0)
        for task in _all(domain)[::10]:
            before = json.dumps(asdict(task), sort_keys=True)
            first = domain.score(task, task.gold)
            domain.score(task, "x")
            assert domain.score(task, task.gold) == first, task
            assert json.dumps(asdict(task), sort_keys=True) == before

    def test_tasks_are_plain_json(self, load: Load) -> None:
        """Tasks survive the archive, and their public part the sandbox."""
        for task in _all(load(0)):
            assert json.loads(json.dumps(asdict(task), allow_nan=False)), task
            json.dumps(task.public()).encode()

    def test_a_seed_gives_the_same_domain_again(self, load: Load) -> None:
        """Opening twice gives equal tasks in equal order."""
        assert _all(load(3)) == _all(load(3))

    def test_another_seed_gives_another_domain(self, load: Load) -> None:
        """The seed decides."""
        if self.seeded:
            assert _all(load(0)) != _all(load(1))

    def test_the_description_shows_no_sealed_task(self, load: Load) -> None:
        """The meta agent reads it, so it holds no question of validation or test."""
        domain = load(0)
        assert domain.name
        assert len(domain.description.split()) > 5
        for split in (Split.VALIDATION, Split.TEST):
            assert not any(task.prompt in domain.description for task in domain.tasks(split))


def _all(domain: Domain) -> list[Task]:
    return [task for split in Split for task in domain.tasks(split)]
