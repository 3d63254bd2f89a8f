import json
import random
from itertools import pairwise

import pytest

from metasearch.domains.societies.base import DESIGN
from metasearch.domains.societies.commons import Setup, load, published
from metasearch.domains.societies.commons.bots import Silent
from metasearch.domains.societies.commons.scenarios import HIDDEN_MIXED, HIDDEN_SHOCKS
from metasearch.domains.societies.commons.stock import allocated, sustainable
from metasearch.domains.societies.commons.surface import (
    HIDDEN_NAMES,
    HIDDEN_SKINS,
    NAMES,
    SKINS,
)
from metasearch.errors import ConfigError
from metasearch.search.seeds import seeds, shipped
from metasearch.types import Outcome, Split
from tests.domains.societies.closed_commons import checks, fixed, log_of
from tests.domains.societies.seed_members import seed_member

DOMAIN = load(sizes={Split.TRAIN: 10, Split.VALIDATION: 20, Split.TEST: 30})
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


def scenario(**setup):
    return published(Setup(**setup), (DESIGN,) * 5)


class Noted(Silent):
    """Keeps what it has seen."""

    def __init__(self, rng):
        super().__init__(rng)
        self.seen = []

    def observe(self, event):
        super().observe(event)
        self.seen.append(event)

    def act(self, request):
        self.seen.append(request)
        return super().act(request)


def test_known_answers():
    wrong = [check for check in checks() if check[1] != pytest.approx(check[2], abs=1e-9)]
    assert not wrong


def test_bots_rank_as_the_theory_says():
    names = ("quota", "threshold", "careful", "greedy", "grabber")
    known = {name: played(GAME.bots[name]) for name in names}
    assert known["quota"] >= known["threshold"] > known["careful"] > known["greedy"]
    assert known["greedy"] > known["grabber"]
    assert played(GAME.bots["threshold"], kind="self") == 1
    hidden = {name: played(GAME.bots[name], Split.TEST) for name in names[:4]}
    assert hidden["quota"] > hidden["threshold"] > hidden["careful"] > hidden["greedy"]


def test_a_hard_coded_tenth_fails_where_constants_are_hidden():
    constant = GAME.bots["constant"]
    assert played(constant, kind="self") == 1
    assert played(constant, Split.TEST) < 0.5 < 0.9 < played(GAME.bots["threshold"], Split.TEST)


def test_plundering_the_last_month_brings_nothing():
    class Plunders(Silent):
        def harvest(self):
            return self.stock if self.months == 5 else self.share

    assert played(Plunders) <= played(Silent) + 0.01
    assert played(Plunders, Split.TEST) < played(Silent, Split.TEST)


def test_grabbing_all_at_once_beside_others_is_no_success():
    seats = (DESIGN, "threshold", "threshold", "threshold", "threshold")
    society = published(Setup(), seats, setting="mixed", months=6)
    grabbed = GAME.rehearse(society, GAME.bots["grabber"])
    assert GAME.metrics(grabbed)["focal_gain"] > 55
    assert GAME.score(grabbed) < 0.2
    assert GAME.score(GAME.rehearse(society, Silent)) == 1


def test_a_ledger_saves_the_stock_from_a_greedy_seat():
    seats = (*[DESIGN] * 4, "greedy")
    society = published(Setup(), seats, setting="shock")
    ledger = GAME.metrics(GAME.rehearse(society, GAME.bots["quota"]))
    fixed_ten = GAME.metrics(GAME.rehearse(society, fixed(10)))
    assert ledger["survived"] == 1
    assert fixed_ten["survival_time"] == 3


def test_metrics_are_pure_and_survive_json():
    for task in DOMAIN.tasks(Split.TEST)[:5]:
        log = GAME.rehearse(DOMAIN.scenario(task), GAME.bots["promiser"], seed=1)
        assert log == GAME.rehearse(DOMAIN.scenario(task), GAME.bots["promiser"], seed=1)
        again = json.loads(json.dumps(log))
        assert GAME.metrics(again) == GAME.metrics(log)
        assert all(isinstance(value, float) for value in GAME.metrics(log).values())
        assert DOMAIN.score(task, {"log": again}).value == GAME.score(log)


def test_hidden_scenarios_have_other_constants():
    known = [DOMAIN.scenario(task) for task in DOMAIN.tasks(Split.VALIDATION)]
    hidden = [DOMAIN.scenario(task) for task in DOMAIN.tasks(Split.TEST)]
    for name in ("capacity", "skin_name", "months"):
        values = [{one.constants[name] for one in split} for split in (known, hidden)]
        assert not values[0] & values[1], name
    assert {len(one.seats) for one in hidden} <= {3, 4, 6, 7, 8}
    assert {one.constants["growth"] for one in hidden} == {1.5, 2.0, 3.0}
    assert {one.constants["capacity"] for one in known} == {100}
    assert {len(one.seats) for one in known} == {5}
    assert all(one.constants["months"] in range(10, 16) for one in hidden)
    assert all(60 <= one.constants["capacity"] <= 200 for one in hidden)
    assert all(DESIGN in one.seats for one in (*known, *hidden))
    assert not set(NAMES) & set(HIDDEN_NAMES)
    assert not set(SKINS) & set(HIDDEN_SKINS)
    there = {who for seats in HIDDEN_MIXED for who in seats} | {who for who, _ in HIDDEN_SHOCKS}
    assert there <= set(GAME.bots)


def test_settings_and_skins_are_all_there():
    tasks = DOMAIN.tasks(Split.VALIDATION)
    assert {task.kind for task in tasks} == {"self", "mixed", "shock"}
    assert {DOMAIN.scenario(task).constants["skin_name"] for task in tasks} == set(SKINS)
    one = load("pasture", sizes={Split.TRAIN: 4, Split.VALIDATION: 2, Split.TEST: 2})
    skins = {one.scenario(task).constants["skin_name"] for task in one.tasks(Split.TRAIN)}
    assert skins == {"pasture"}


@pytest.mark.parametrize("condition", ["default", "universalization", "newcomer"])
def test_nobody_is_told_horizon_or_threshold(condition):
    seats = [Noted(random.Random(seat)) for seat in range(5)]
    made = iter(seats)
    GAME.rehearse(scenario(condition=condition), lambda rng: next(made))
    facts = {key for bot in seats for seen in bot.seen for key in seen}
    assert not facts & {"months", "collapse", "growth", "attainable", "month", "joins"}
    told = json.dumps([bot.seen for bot in seats])
    assert ("more than 10 tons" in told) is (condition == "universalization")
    assert "sustain" not in told


def test_without_communication_there_is_neither_report_nor_talk():
    log = log_of(GAME.bots["threshold"], condition="no_communication")
    assert not of(log, "report")
    assert not of(log, "said")
    assert {event["ask"] for event in of(log, "act")} == {"harvest", "reflect"}


def test_a_newcomer_learns_the_rules_when_it_comes():
    log = log_of(Silent, months=15, condition="newcomer")
    kinds = [event["kind"] for event in log]
    last_rules = max(place for place, kind in enumerate(kinds) if kind == "rules")
    assert kinds[:last_rules].count("harvest") == 3
    assert [event["who"] for event in of(log, "joined")] == ["Luke"]
    assert [len(event["seats"]) for event in of(log, "harvest")] == [4] * 3 + [5] * 12
    assert len({event["persona"] for event in of(log, "rules")}) == 2


def test_the_talk_goes_where_it_is_sent_and_ends():
    class Names(Silent):
        def act(self, request):
            if request["kind"] != "speak":
                return super().act(request)
            said = request["transcript"]
            names = ["Kate", "John", "John", "nobody", "Emma"]
            end = len(said) == 4
            return {"text": f"I am {self.name}", "end": end, "next": names[len(said)]}

    log = log_of(Names, months=3)
    month = [event["speaker"] for event in of(log, "said")][:5]
    assert month[1:3] == (["Kate", "John"] if month[0] != "Kate" else month[1:3])
    assert len(of(log, "said")) == 15
    assert all(one != other for one, other in pairwise(month))


def test_a_long_talk_is_cut():
    from tests.domains.societies.closed_commons import Talking

    class Floods(Talking):
        def act(self, request):
            if request["kind"] == "speak":
                return {"text": "x" * 10_000, "end": False, "next": self.name}
            return super().act(request)

    log = log_of(lambda rng: Floods(rng, 10), months=3)
    said = of(log, "said")
    assert len(said) == 27
    assert {len(event["text"]) for event in said} == {600}


def test_invalid_replies_are_neutral_and_counted():
    class Broken(Silent):
        def act(self, request):
            return {"harvest": 1e308, "speak": {"text": "hi"}, "reflect": 7}[request["kind"]]

    log = log_of(Broken, months=3)
    found = GAME.metrics(log)
    assert found["invalid_rate"] == 1
    assert found["gain"] == 0
    assert found["survived"] == 1
    assert GAME.score(log) == 0
    assert DOMAIN.constant(DOMAIN.tasks(Split.TRAIN))[1] == 0


def test_allocation_gives_out_everything_and_nobody_more_than_the_wish():
    rng = random.Random(1)
    for rule in ("stochastic", "proportional"):
        for _ in range(50):
            wishes = [rng.randint(0, 60) for _ in range(rng.randint(1, 8))]
            stock = rng.randint(0, 200)
            got = allocated(wishes, stock, rule, rng)
            assert sum(got) == min(stock, sum(wishes))
            assert all(0 <= one <= wish for one, wish in zip(got, wishes, strict=True))
    assert allocated([30, 60, 10], 50, "proportional", rng) == [15, 30, 5]


def test_the_sustainable_part_is_the_largest_that_grows_back():
    from metasearch.domains.societies.commons.stock import regrown

    for growth in (1.5, 2.0, 3.0):
        for stock in range(201):
            most = sustainable(stock, growth)
            assert regrown(stock - most, growth, 10**6) >= stock
            assert most == stock or regrown(stock - most - 1, growth, 10**6) < stock


def test_months_depend_on_nothing_that_members_do():
    first = log_of(GAME.bots["threshold"], months=4, seed=3)
    other = log_of(Silent, months=4, seed=3)
    begins = [
        [
            act["seat"]
            for act, before in ((act, before) for before, act in pairwise(log))
            if act.get("ask") == "speak" and before["kind"] == "report"
        ]
        for log in (first, other)
    ]
    assert begins[0] == begins[1]
    assert len(begins[0]) == 4


@pytest.mark.parametrize(
    ("argument", "options", "named"),
    [
        ("desert", {}, "desert"),
        ("", {"condition": "war"}, "war"),
        ("", {"months": 2}, "months"),
        ("", {"seats": True}, "seats"),
        ("", {"weather": 1}, "weather"),
        ("", {"months": 3, "spread": 2}, "spread"),
    ],
)
def test_wrong_options_are_refused(argument, options, named):
    with pytest.raises(ConfigError, match=named):
        load(argument, options=options)


def test_the_papers_sizes_are_options():
    domain = load(
        "fishery",
        sizes=dict.fromkeys(Split, 2),
        options={"months": "12", "spread": 0, "allocation": "proportional"},
    )
    constants = domain.scenario(domain.tasks(Split.TRAIN)[0]).constants
    assert (constants["months"], constants["allocation"]) == (12, "proportional")


def test_no_episode_is_a_format_error():
    task = DOMAIN.tasks(Split.TRAIN)[0]
    assert DOMAIN.score(task, {"log": []}).outcome is Outcome.WRONG_FORMAT


def test_the_seeds_are_found():
    found = {seed.name for seed in seeds(shipped(DOMAIN), entry="Member")}
    assert found >= {"generative_agent", "quota_ledger", "threshold", "universalization"}


@pytest.mark.parametrize(("seed", "reserve"), [("threshold", "PART"), ("quota_ledger", "QUOTA")])
def test_rule_based_seeds_keep_the_stock_and_a_reserve(monkeypatch, seed, reserve):
    member = seed_member(monkeypatch, "commons", seed)
    assert f"{reserve} = 0.8" in (shipped(DOMAIN) / f"{seed}.py").read_text()
    for number, task in enumerate(DOMAIN.tasks(Split.TEST)):
        if task.kind == "self":
            log = GAME.rehearse(DOMAIN.scenario(task), member, seed=number)
            found = GAME.metrics(log)
            assert (found["invalid_rate"], found["survived"], found["over_eq3"]) == (0, 1, 0)
            assert found["equality"] == pytest.approx(1)
            assert found["efficiency"] <= 0.8


def test_the_ledger_pays_an_own_excess_back(monkeypatch):
    from tests.domains.societies.seed_members import SeedMember

    member = seed_member(monkeypatch, "commons", "quota_ledger")(random.Random(0))
    assert isinstance(member, SeedMember)
    asked = {"stock": 100, "growth_text": "2 times", "n": 5, "reply": {}, "kind": "harvest"}
    member.observe({"kind": "rules", "you": "Kate", "text": ""})
    assert member.act(asked) == 8
    member.observe({"kind": "report", "catches": {"Kate": 11, "John": 8}})
    assert member.act(asked) == 5


def replies(body, quantity=10):
    """What a model says to each of the two questions."""
    asked = body["messages"][-1]["content"]
    if "How many" in asked:
        return {"thinking": "Half grows back.", "quantity": quantity}
    others = [name for name in NAMES if f'"{name}"' in json.dumps(body.get("schema") or asked)]
    return {"text": "Ten each.", "next": others[0] if others else "", "plan": "Ten again."}


@pytest.mark.parametrize("seed", ["generative_agent", "universalization"])
def test_members_with_a_model_ask_it_twice_a_month_at_most(monkeypatch, seed):
    asked = []

    def script(body):
        asked.append(body["messages"][-1]["content"])
        return replies(body)

    member = seed_member(monkeypatch, "commons", seed, script)
    log = GAME.rehearse(published(Setup(), (DESIGN,) * 5, months=3), member)
    assert GAME.score(log) == 1
    assert GAME.metrics(log)["invalid_rate"] == 0
    assert len(of(log, "harvest")) == 3
    assert len(asked) <= 2 * 5 * 3
    assert any("Ten each." in text for text in asked)
    assert any("more than 10" in text for text in asked) is (seed == "universalization")


@pytest.mark.parametrize("seed", ["generative_agent", "universalization"])
def test_members_with_a_model_live_with_nonsense(monkeypatch, seed):
    member = seed_member(monkeypatch, "commons", seed, lambda body: "ten")
    log = GAME.rehearse(published(Setup(), (DESIGN,) * 5, months=3), member)
    assert GAME.metrics(log)["gain"] == 0


def test_a_generative_agent_is_shown_what_matters(monkeypatch):
    asked = []

    def script(body):
        asked.append(body["messages"][-1]["content"])
        return replies(body)

    member = seed_member(monkeypatch, "commons", "generative_agent", script)
    GAME.rehearse(published(Setup(), (DESIGN,) * 5, months=5), member)
    last = [text for text in asked if "Month 5" in text]
    assert any("My plan: Ten again." in text for text in last)
    assert all("The month's report" in text for text in last)
    assert all(text.count("\n- ") <= 10 for text in last)
