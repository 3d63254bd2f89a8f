import re
from collections import Counter

import pytest

from metasearch.domains.societies.commons.subskills import SKILLS, load
from metasearch.errors import ConfigError
from metasearch.testing.domain_contract import DomainContract
from metasearch.types import Split, Task

SMALL = dict.fromkeys(Split, 8)


class TestSkills(DomainContract):
    @pytest.fixture
    def load(self):
        return lambda seed: load(sizes=SMALL, seed=seed)


def test_each_skill_has_150_questions():
    domain = load()
    counts = Counter(task.kind for split in Split for task in domain.tasks(split))
    assert counts == dict.fromkeys(SKILLS, 150)


def test_answers_are_exact():
    for task in load().tasks(Split.VALIDATION):
        stock = int(re.search(r"There are (\d+) [a-z ]+ now", task.prompt)[1])
        if task.kind == "forecast":
            each = int(re.search(r"Each of the 5 takes (\d+)", task.prompt)[1])
            assert task.gold == min(100, max(0, 2 * (stock - 5 * each)))
            assert 0 <= each <= stock // 5
        else:
            assert task.gold == stock // 2 // 5


@pytest.mark.parametrize(
    ("most", "right", "wrong"), [(6, (1, 6, "4"), (0, 7, -1, 2.5)), (0, (0,), (1, -1))]
)
def test_a_harvest_is_right_up_to_the_share_and_above_zero(most, right, wrong):
    domain = load(sizes=SMALL)
    task = Task("t", "How many?", most, "int", "harvest")
    assert [domain.score(task, answer).value for answer in right] == [1.0] * len(right)
    assert [domain.score(task, answer).value for answer in wrong] == [0.0] * len(wrong)


def test_skills_are_chosen_by_argument_or_option():
    kinds = [
        {task.kind for task in domain.tasks(Split.TEST)}
        for domain in (load("equal"), load(options={"skill": "equal,belief"}))
    ]
    assert kinds == [{"equal"}, {"equal", "belief"}]
    assert len(load("equal").tasks(Split.TEST)) == 75


@pytest.mark.parametrize(("argument", "options"), [("fishing", {}), ("", {"level": 1})])
def test_what_is_unknown_is_refused(argument, options):
    with pytest.raises(ConfigError, match="commons-skills knows no"):
        load(argument, options=options)
