import json
import random
from dataclasses import replace
from statistics import fmean

import pytest

from metasearch.domains.societies.beauty import Beauty, load
from metasearch.errors import ConfigError
from metasearch.types import Split
from tests.domains.societies.closed_beauty import checks
from tests.domains.societies.seed_members import seed_member

GAME = Beauty()


def logs(make, split=Split.TRAIN, setting="self", episodes=15):
    drawn = [GAME.scenario(split, setting, random.Random(i)) for i in range(episodes)]
    return [GAME.rehearse(one, make, seed=number) for number, one in enumerate(drawn)]


def mean_score(make, *where):
    return fmean(GAME.score(log) for log in logs(make, *where))


class Says:
    def __init__(self, number):
        self.number, self.asked = number, []

    def observe(self, event):
        pass

    def act(self, request):
        self.asked.append(request)
        return self.number(request) if callable(self.number) else self.number


@pytest.mark.parametrize(("name", "found", "expected"), checks())
def test_values_are_as_published(name, found, expected):
    assert found == expected, name


@pytest.mark.parametrize("split", [Split.TRAIN, Split.TEST])
def test_who_learns_from_the_targets_beats_every_fixed_level(split):
    levels = [mean_score(GAME.bots[f"level-{k}"], split) for k in range(4)]
    assert mean_score(GAME.bots["adaptive"], split) > max(levels) + 0.1


def test_the_equilibrium_and_the_midpoint_win_nothing():
    for number in (0.0, None):
        assert mean_score(lambda rng, number=number: Says(number)) < 0.02


def test_each_seat_is_asked_so_often_a_round_and_told_the_targets_only():
    scenario = GAME.scenario(Split.TRAIN, "self", random.Random(1))
    members = []

    def make(rng):
        members.append(Says(30))
        return members[-1]

    log = GAME.rehearse(scenario, make)
    rounds, draws = scenario.constants["rounds"], scenario.constants["draws"]
    assert [len(member.asked) for member in members] == [rounds * draws] * 4
    told = {field for member in members for asked in member.asked for field in asked}
    assert told == {
        *("kind", "reply", "rule_text", "history", "persona"),
        *("factor", "offset", "low", "high"),
    }
    assert len(members[0].asked[-1]["history"]) == rounds - 1
    assert not {"mix", "population"} & {key for event in log[1:] for key in event}


def test_a_seat_that_gives_several_answers_stands_for_people_who_differ():
    scenario = GAME.scenario(Split.TRAIN, "self", random.Random(1))
    turns = iter(range(10_000))
    log = GAME.rehearse(scenario, lambda rng: Says(lambda request: next(turns) % 50))
    assert GAME.metrics(log)["spread"] > 1
    assert GAME.metrics(log)["calls_saved"] == 1 - 12 / 50


def test_a_background_member_answers_for_its_own_people_only():
    for log in logs(GAME.bots["adaptive"], Split.TRAIN, "mixed", 5):
        [worth] = [event for event in log if event["kind"] == "worth"][:1]
        focal = [seat for seat, who in enumerate(log[0]["seats"]) if who == "design"]
        assert 0 < len(focal) < 4
        alone = json.loads(json.dumps(log))
        for event in alone:
            if event["kind"] == "worth":
                event["won"] = [w if s in focal else 1.0 for s, w in enumerate(worth["won"])]
        assert GAME.metrics(alone)["won"] == fmean(worth["won"][seat] for seat in focal)


def test_metrics_are_the_same_of_a_log_that_was_stored():
    for log in logs(GAME.bots["level-1"], Split.TEST, "shock", 4):
        assert GAME.metrics(json.loads(json.dumps(log))) == GAME.metrics(log)


def test_hidden_rules_ranges_and_people_are_never_shown_to_the_search():
    def drawn(split):
        scenarios = [GAME.scenario(split, "self", random.Random(i)) for i in range(40)]
        return [one.constants for one in scenarios]

    known, hidden = drawn(Split.TRAIN), drawn(Split.TEST)
    for key in ("factor", "high", "rounds", "population", "wording"):
        assert not {one[key] for one in known} & {one[key] for one in hidden}, key
    people = [{kind for one in some for kind in one["personas"]} for some in (known, hidden)]
    assert not people[0] & people[1]


def test_a_hundred_thousand_people_cost_the_calls_of_a_few():
    game = Beauty(population=100_000)
    scenario = game.scenario(Split.TRAIN, "self", random.Random(3))
    scenario = replace(scenario, constants={**scenario.constants, "share": 1.0})
    log = game.rehearse(scenario, game.bots["level-1"])
    assert sum(event["kind"] == "act" for event in log) == 4 * 3 * 5
    assert game.metrics(log)["people"] == 100_000
    # All alike, so all say the first target of level 1, and nobody else pulls the mean.
    c = scenario.constants
    assert game.metrics(log)["first"] == pytest.approx(c["factor"] * 50 + c["offset"])


def test_options_are_checked():
    domain = load(options={"population": 1_000, "draws": 2}, sizes=dict.fromkeys(Split, 1))
    constants = domain.scenario(domain.tasks(Split.TRAIN)[0]).constants
    assert (constants["population"], constants["draws"]) == (1_000, 2)
    for wrong in ({"population": 10}, {"draws": True}, {"draws": "3"}, {"people": 3}):
        with pytest.raises(ConfigError):
            load(options=wrong)


def test_seeds_guess_within_the_range(monkeypatch):
    same = {"level_two": "level-2", "follow_the_line": "adaptive"}
    for seed, bot in same.items():
        make = seed_member(monkeypatch, "beauty", seed)
        assert mean_score(make) == pytest.approx(mean_score(GAME.bots[bot]), abs=0.02)
    prompts = []

    def model(body):
        prompts.append(body["messages"])
        return {"thinking": "", "number": 1e9}

    [log] = logs(seed_member(monkeypatch, "beauty", "persona", model), episodes=1)
    assert GAME.metrics(log)["invalid_rate"] == 0
    assert log[0]["constants"]["personas"][0] in prompts[0][0]["content"]
