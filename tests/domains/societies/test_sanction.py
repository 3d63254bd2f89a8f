import json
import random

import pytest

from metasearch.domains.societies.base import DESIGN
from metasearch.domains.societies.sanction import COSTLY, PUBLISHED, Payoffs, load
from metasearch.domains.societies.sanction import bots as bots_of
from metasearch.domains.societies.sanction.bots import HIDDEN_BOTS, AllD, Rule, Threshold
from metasearch.domains.societies.sanction.surface import HIDDEN_NAMES, NAMES
from metasearch.errors import ConfigError
from metasearch.search.seeds import seeds, shipped
from metasearch.types import Outcome, Split
from tests.domains.societies.closed_sanction import checks, scenario
from tests.domains.societies.seed_members import seed_member

DOMAIN = load(sizes={Split.TRAIN: 10, Split.VALIDATION: 40, Split.TEST: 40})
GAME = DOMAIN.game


def played(member, split=Split.VALIDATION, *, kind=None):
    scores = []
    for number, task in enumerate(DOMAIN.tasks(split)):
        if kind in (None, task.kind):
            log = GAME.rehearse(DOMAIN.scenario(task), member, seed=number)
            scores.append(GAME.score(log))
    return sum(scores) / len(scores)


def of(log, kind):
    return [event for event in log if event["kind"] == kind]


@pytest.mark.parametrize(("name", "found", "expected"), checks())
def test_known_answers(name, found, expected):
    assert found == pytest.approx(expected, abs=1e-9)


def test_cooperating_dominates_with_a_sure_punisher_and_punishing_pays_unless_it_costs():
    for other in "CD":
        assert PUBLISHED.stage("D", other) > PUBLISHED.stage("C", other)
        for punishers in (1, 2):
            assert PUBLISHED.stage("C", other) > PUBLISHED.stage("D", other, punishers)
    assert PUBLISHED.punishing("D") > 0 > PUBLISHED.punishing("C")
    assert COSTLY.punishing("D") < 0


def test_punishers_who_err_in_one_of_ten_cost_what_algebra_says():
    class Errs(Rule):
        def punish(self, request):
            return "P" if self.rng.random() < 0.1 else "N"

    for third, expected in ((False, 170), (True, 40)):
        society = scenario(rounds=400, third=third)
        log = GAME.rehearse(society, Errs, seed=3)
        reward = GAME.metrics(log)["societal_reward"] / 40
        # 4,000 or 8,000 chances: the standard error of 50 plays' reward is 6.2 or 8.7
        assert reward == pytest.approx(expected, abs=26)


def test_bots_rank_as_the_theory_says():
    scores = {name: played(bot) for name, bot in GAME.bots.items()}
    assert scores["threshold"] > scores["allc"] > scores["tft"] > scores["grim"] > scores["alld"]
    assert played(Rule, kind="self") == 1
    assert played(AllD, kind="self") == 0
    assert scores["alld"] < 0.2
    # Punishing at random costs more than it deters.
    assert played(bots_of.RandomPunisher, kind="self") < 0.7


def test_punishing_defectors_pays_beside_those_whom_it_deters():
    class Firm(Rule):
        def punish(self, request):
            return "P" if request["victim_action"] == "D" else "N"

    seats = (DESIGN, "opportunist", "opportunist", "opportunist", "opportunist")
    logs = [
        GAME.rehearse(scenario(seats=seats), member, seed=seed)
        for member in (Rule, Firm)
        for seed in range(5)
    ]
    scores = [GAME.score(log) for log in logs]
    assert max(scores[:5]) < min(scores[5:])


def test_a_friend_who_defects_to_be_punished_lowers_the_score():
    class Farm(Rule):  # all defect, all punish: +2 for each of two punishers
        def play(self, request):
            return "D"

        def punish(self, request):
            return "P"

    rich = Payoffs(fine=1, just=9)
    farmed, honest = [GAME.rehearse(scenario(rich), one, seed=1) for one in (Farm, Rule)]
    assert GAME.metrics(farmed)["societal_reward"] > GAME.metrics(honest)["societal_reward"]
    assert GAME.metrics(farmed)["plain_reward"] < 0
    assert GAME.score(farmed) == 0
    assert GAME.score(honest) == 1


def test_the_constants_of_the_search_are_published_and_the_hidden_ones_are_not():
    for split in (Split.TRAIN, Split.VALIDATION):
        for task in DOMAIN.tasks(split):
            drawn = DOMAIN.scenario(task)
            assert Payoffs.of(drawn.constants["payoffs"]) == PUBLISHED
            assert 8 <= drawn.constants["rounds"] <= 12
            assert len(drawn.seats) == 5
            assert not set(drawn.seats) & set(HIDDEN_BOTS)
            assert set(drawn.constants["names"]) <= set(NAMES)
    hidden = [DOMAIN.scenario(task) for task in DOMAIN.tasks(Split.TEST)]
    assert {len(one.seats) for one in hidden} == {4, 6, 7, 8}
    for one in hidden:
        pays = Payoffs.of(one.constants["payoffs"])
        assert pays.is_dilemma
        assert pays.fine > max(pays.temptation - pays.reward, pays.punishment - pays.sucker), (
            "a sure punisher deters, as with the published numbers"
        )
        assert pays.fine != PUBLISHED.fine
        assert pays.just != PUBLISHED.just
        assert pays.unjust != PUBLISHED.unjust
        assert not 8 <= one.constants["rounds"] <= 12
        assert set(one.constants["names"]) <= set(HIDDEN_NAMES)
        assert DESIGN in one.seats


@pytest.mark.parametrize(("switched_off", "gone"), [("direct", "direct"), ("third_party", "third")])
def test_each_kind_of_punishing_is_a_switch(switched_off, gone):
    domain = load(options={switched_off: False}, sizes=dict.fromkeys(Split, 1))
    log = domain.game.rehearse(domain.scenario(domain.tasks(Split.TRAIN)[0]), Threshold)
    roles = {one[2] for event in of(log, "dyad") for one in event["judged"]}
    assert roles == {"direct", "third"} - {gone}


def test_without_selection_nobody_is_asked_and_without_reputation_all_are_zero():
    options = {"selection": "false", "reputation": False, "rounds": "6"}
    domain = load(options=options, sizes=dict.fromkeys(Split, 1))
    heard = []

    class Listens(AllD):
        def act(self, request):
            heard.append(request)
            return super().act(request)

    log = domain.game.rehearse(domain.scenario(domain.tasks(Split.TRAIN)[0]), Listens)
    assert {request["kind"] for request in heard} == {"play", "punish"}
    assert {one["rep_own"] for one in heard} == {0.0}
    assert of(log, "end")[0]["reputation"] != [0.0] * 5
    assert len({tuple(one["seats"]) for one in of(log, "dyad")}) > 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"direct": "maybe"}, "true or false"),
        ({"rounds": 2}, "above 2"),
        ({"rounds": True}, "above 2"),
        ({"third": True}, "no option 'third'"),
    ],
)
def test_a_wrong_option_is_named(options, said):
    with pytest.raises(ConfigError, match=said):
        load(options=options)


def test_chance_does_not_depend_on_replies():
    society = scenario(selection=False)
    one, other = [GAME.rehearse(society, bot, seed=7) for bot in (Rule, AllD)]
    assert [e["seats"] for e in of(one, "dyad")] == [e["seats"] for e in of(other, "dyad")]
    assert [[j[:3] for j in e["judged"]] for e in of(one, "dyad")] == [
        [j[:3] for j in e["judged"]] for e in of(other, "dyad")
    ]


def test_letters_tell_nothing_about_who_it_is():
    offered = {}

    class Notes(Rule):
        def choose(self, reputations):
            assert sorted(reputations) == ["a", "b", "c", "d"]
            return "a"

    log = GAME.rehearse(scenario(rounds=40), Notes, seed=2)
    for event in of(log, "choice"):
        offered.setdefault(event["seat"], set()).add(event["chosen"])
    for seat, chosen in offered.items():
        assert chosen == set(range(5)) - {seat}


def test_who_joins_late_is_neither_asked_nor_met_before():
    society = scenario(seats=(*(DESIGN,) * 4, "opportunist"), joins={"4": 6})
    log = GAME.rehearse(society, Rule, seed=4)
    early = [event for event in of(log, "dyad") if event["round"] < 6]
    assert len(early) == 24
    assert not any(4 in event["seats"] for event in early)
    assert not any(4 in one[:2] for event in early for one in event["judged"])
    assert any(4 in event["seats"] for event in of(log, "dyad"))


def test_noise_flips_actions_and_bounds_move_with_it():
    log = GAME.rehearse(scenario(rounds=300, noise=0.1), Rule, seed=5)
    assert GAME.metrics(log)["cooperation"] == pytest.approx(0.9, abs=0.02)
    assert GAME.score(log) == pytest.approx(1, abs=0.03)
    log = GAME.rehearse(scenario(rounds=300, noise=0.1), AllD, seed=5)
    assert GAME.score(log) == pytest.approx(0, abs=0.03)


def test_metrics_are_functions_of_the_log_alone():
    for task in DOMAIN.tasks(Split.TEST)[:6]:
        log = GAME.rehearse(DOMAIN.scenario(task), Threshold, seed=1)
        again = json.loads(json.dumps(log))
        assert GAME.metrics(log) == GAME.metrics(again) == GAME.metrics(log)
        assert GAME.score(log) == GAME.score(again)
        assert all(isinstance(value, float | int) for value in GAME.metrics(log).values())
    score = DOMAIN.score(task, {"log": log})
    assert score.outcome is Outcome.ANSWERED
    assert GAME.metrics(log[:1])["cooperation"] == 0


def test_metrics_count_who_was_chosen_and_what_was_just():
    class Mixed(Threshold):
        def play(self, request):
            return "D" if self.rng.random() < 0.3 else "C"

    metrics = GAME.metrics(GAME.rehearse(scenario(), Mixed, seed=6))
    assert metrics["just_share"] == 1
    assert metrics["direct_rate"] == metrics["third_rate"] > 0.1
    assert metrics["chose_punisher"] > 0
    assert 0.5 < metrics["chose_cooperator"] <= 1
    assert metrics["reputation"] > 0
    assert metrics["dyads"] == 50


def test_a_member_that_replies_nonsense_defects_and_is_counted():
    class Mad:
        def __init__(self, rng):
            self.rng = rng

        def observe(self, event):
            pass

        def act(self, request):
            return self.rng.choice(["ten", 1e308, None, ["C"], {"id": "a"}])

    log = GAME.rehearse(scenario(), Mad, seed=1)
    assert GAME.metrics(log)["invalid_rate"] == 1
    assert GAME.metrics(log)["cooperation"] == 0
    assert GAME.score(log) == 0


def test_hidden_numbers_are_never_said_and_the_horizon_is_not():
    heard = []

    class Listens(Rule):
        def observe(self, event):
            super().observe(event)
            heard.append(event)

    society = GAME.scenario(Split.TEST, "self", random.Random(3))
    GAME.rehearse(society, Listens)
    rules = next(event for event in heard if event["kind"] == "rules")
    assert {"rounds", "noise", "joins", "surface", "names"}.isdisjoint(rules)
    assert rules["fine"] == society.constants["payoffs"]["fine"]


SEEDS = ("q_learner", "reputation_threshold", "tit_for_tat_third_party", "written_norms")


def test_the_seeds_are_the_domains():
    assert tuple(seed.name for seed in seeds(shipped(DOMAIN), entry=DOMAIN.entry)) == SEEDS


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_plays_a_hidden_episode_without_a_fault(monkeypatch, name):
    asked = []

    def legislator(body):
        asked.append(body)
        return {"reason": "-", "least": -2, "forgive": True, "whom": "all defectors"}

    member = seed_member(monkeypatch, "sanction", name, legislator)
    society = DOMAIN.scenario(DOMAIN.tasks(Split.TEST)[0])
    log = GAME.rehearse(society, member, seed=1)
    assert GAME.metrics(log)["invalid_rate"] == 0
    assert len(asked) == (len(society.focal) if name == "written_norms" else 0)


def test_the_threshold_seed_is_the_bot(monkeypatch):
    member = seed_member(monkeypatch, "sanction", "reputation_threshold")
    for task in DOMAIN.tasks(Split.VALIDATION)[:4]:
        society = DOMAIN.scenario(task)
        one, other = GAME.rehearse(society, member), GAME.rehearse(society, Threshold)
        assert abs(GAME.score(one) - GAME.score(other)) < 0.1
    assert GAME.score(GAME.rehearse(scenario(), member)) == 1


def test_norms_are_kept_where_the_model_says_nothing(monkeypatch):
    member = seed_member(monkeypatch, "sanction", "written_norms", lambda body: "no idea")
    log = GAME.rehearse(scenario(seats=("alld", *(DESIGN,) * 4)), member)
    assert GAME.metrics(log)["invalid_rate"] == 0
    assert GAME.metrics(log)["just_share"] == 1


def test_the_learners_of_a_long_episode_come_to_cooperate_and_to_spare_who_does(monkeypatch):
    member = seed_member(monkeypatch, "sanction", "q_learner")
    log = GAME.rehearse(scenario(rounds=60), member, seed=2)
    early, late = ([], [])
    for event in of(log, "dyad"):
        part = early if event["round"] < 4 else late if event["round"] >= 50 else []
        part.append((event["actions"].count("C"), sum(one[3] == "P" for one in event["judged"])))
    cooperated = [sum(one[0] for one in part) / len(part) / 2 for part in (early, late)]
    punished = [sum(one[1] for one in part) / len(part) for part in (early, late)]
    assert cooperated[1] > 0.95 > 0.85 > cooperated[0]
    assert punished[0] > 3 * punished[1]
