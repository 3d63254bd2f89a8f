import json
import random
from itertools import product
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.domains.loader import load as load_domain
from metasearch.domains.societies.payoff.haggle import Haggle, gains
from metasearch.domains.societies.payoff.pub import Pub, best, by_lot, payoffs
from metasearch.domains.societies.payoff.strike import Strike, incomes, most_income, needed
from metasearch.types import Split
from tests.domains.societies.closed_payoff import checks
from tests.domains.societies.seed_members import seed_member

GAMES = [Haggle(), Pub(), Strike()]
EPISODES = 20
PUBS = ("A", "B", "C")


def mean_score(game, bot, setting="self", split=Split.TRAIN):
    drawn = [game.scenario(split, setting, random.Random(i)) for i in range(EPISODES)]
    make = game.bots[bot] if isinstance(bot, str) else bot
    return fmean(
        game.score(game.rehearse(one, make, seed=number)) for number, one in enumerate(drawn)
    )


@pytest.mark.parametrize(("name", "found", "expected"), checks())
def test_payoffs_are_as_published(name, found, expected):
    assert found == pytest.approx(expected), name


@settings(deadline=None)
@given(st.integers(-5, 60), st.integers(-5, 60), st.integers(0, 60))
def test_a_price_moves_gain_and_makes_none(reward, cost, price):
    buyer, seller = gains(reward, cost, price)
    assert buyer + seller == reward - cost
    assert (buyer > 0 and seller > 0) == (cost < price < reward)


@st.composite
def evenings(draw):
    seats = draw(st.integers(2, 4))
    ties = [[0.0] * seats for _ in range(seats)]
    for one, other in product(range(seats), repeat=2):
        if one < other:
            ties[one][other] = ties[other][one] = draw(st.sampled_from([0.2, 0.5, 1.0]))
    pick = st.sampled_from("ABC")
    chosen, favourites = (draw(st.lists(pick, min_size=seats, max_size=seats)) for _ in range(2))
    return chosen, favourites, ties, draw(st.sampled_from(["", "A", "B"]))


@settings(max_examples=50, deadline=None)
@given(evenings())
def test_an_evening_is_worth_what_company_and_place_are(evening):
    chosen, favourites, ties, closed = evening
    worth = payoffs(*evening)
    assert all(0 <= one <= 1.5 + 1e-9 for one in worth)
    for choice, favourite, one in zip(chosen, favourites, worth, strict=True):
        if choice == closed:
            assert one == 0
        elif set(chosen) == {choice}:
            assert one == pytest.approx(1 + 0.5 * (choice == favourite))
    seats = range(len(chosen))
    most = best(seats, {}, PUBS, favourites, ties, closed)
    assert sum(worth) <= most + 1e-9
    lot = [payoffs(one, favourites, ties, closed) for one in product("ABC", repeat=len(chosen))]
    assert by_lot(seats, PUBS, favourites, closed) == pytest.approx(fmean(map(sum, lot)))
    assert by_lot(seats, PUBS, favourites, closed) < most


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 3), st.integers(1, 4), st.integers(1, 9), st.sampled_from([0.3, 0.45, 0.6, 1.0])
)
def test_no_way_of_striking_gives_more_than_just_enough_on_the_first_day(seats, days, wage, part):
    days = min(days, 12 // seats - 2)
    every = product(product(("work", "strike"), repeat=seats), repeat=days)
    found = max(sum(incomes(plan, wage, 0, part)) for plan in every)
    assert found == most_income(seats, 0, needed(seats, part), days, wage)


@settings(deadline=None)
@given(st.integers(1, 12), st.floats(0.05, 1.0))
def test_so_many_strikers_reach_the_threshold_and_one_fewer_does_not(workers, threshold):
    number = needed(workers, threshold)
    assert number / workers >= threshold - 1e-6
    assert number == 1 or (number - 1) / workers < threshold


def test_bots_score_in_the_order_of_theory():
    haggle, pub, strike = GAMES
    assert mean_score(haggle, "silent") == 0
    assert mean_score(haggle, "eager") > 0.9 > mean_score(haggle, "stubborn") > 0.1
    assert mean_score(pub, "follower") > 0.9
    assert mean_score(pub, "follower") > mean_score(pub, "loyal") + 0.3
    assert mean_score(strike, "scab") == 0
    assert mean_score(strike, "lots") == pytest.approx(1)
    assert mean_score(strike, "lots") > mean_score(strike, "militant") > 0.5


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
def test_scores_are_in_bounds_and_purely_of_the_log(game):
    for split, setting in product((Split.TRAIN, Split.TEST), ("self", "mixed", "shock")):
        for bot in game.bots.values():
            for number in range(2):
                scenario = game.scenario(split, setting, random.Random(number))
                log = game.rehearse(scenario, bot, seed=number)
                again = json.loads(json.dumps(log))
                measured = game.metrics(log)
                assert measured == game.metrics(again) == game.metrics(log)
                assert game.score(again) == game.score(log)
                assert 0 <= game.score(log) <= 1
                assert measured["focal"] <= measured["most"] + 1e-9 or game.name == "haggle"
                assert measured["invalid_rate"] == 0


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
def test_hidden_scenarios_share_no_number_or_name_with_known_ones(game):
    def drawn(split):
        rngs = (random.Random(f"{split}{i}") for i in range(40))
        return [game.scenario(split, "self", rng).constants for rng in rngs]

    known, hidden = drawn(Split.TRAIN), drawn(Split.TEST)
    differ = {
        "haggle": ("rewards", "costs", "deals", "top"),
        "pub": ("pubs", "evenings", "lines"),
        "strike": ("wage", "threshold", "days"),
    }[game.name]
    for key in differ:
        assert not {str(one[key]) for one in known} & {str(one[key]) for one in hidden}, key
    names = [{name for one in some for name in one["names"]} for some in (known, hidden)]
    assert not names[0] & names[1]


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
@pytest.mark.parametrize("reply", [None, 1e308, "ten", ["x"], {"text": 3}, True])
def test_a_member_that_replies_nonsense_is_neutral_and_the_episode_completes(game, reply):
    class Nonsense:
        def __init__(self, rng):
            pass

        def observe(self, event):
            pass

        def act(self, request):
            return reply

    scenario = game.scenario(Split.TRAIN, "self", random.Random(1))
    log = game.rehearse(scenario, Nonsense)
    chosen = [event for event in log if event["kind"] == "act" and event["ask"] == "choose"]
    assert chosen
    assert all(event["fault"] == "invalid" for event in chosen)
    assert game.metrics(log)["invalid_rate"] > 0.3


@pytest.mark.parametrize(
    ("game", "name"),
    [
        *(("haggle", "truthful"), ("haggle", "one_below"), ("pub", "follower")),
        *(("pub", "loyal"), ("strike", "militant"), ("strike", "joiner")),
    ],
)
def test_seeds_without_a_model_play_by_the_rules(game, name, monkeypatch):
    make = seed_member(monkeypatch, game, name)
    rules = load_domain(game, sizes=dict.fromkeys(Split, 1)).game
    for split, setting in product((Split.TRAIN, Split.TEST), ("self", "mixed", "shock")):
        scenario = rules.scenario(split, setting, random.Random(7))
        log = rules.rehearse(scenario, make, seed=3)
        assert rules.metrics(log)["invalid_rate"] == 0
    bots = {"truthful": "eager"}
    if (bot := bots.get(name, name)) in rules.bots:
        assert mean_score(rules, make) == pytest.approx(mean_score(rules, bot))


@pytest.mark.parametrize(("game", "score"), [("haggle", 0.5), ("pub", 0.5), ("strike", 0.6)])
def test_the_seed_with_a_model_does_as_it_is_told_within_the_usual_calls(game, score, monkeypatch):
    asked = []

    def model(body):
        asked.append(body["messages"][-1]["content"])
        fields = body["schema"]["properties"]
        told = {"thinking": "", "text": "so be it", "price": 5}
        for name, part in fields.items():
            if "enum" in part:  # what is open and most have named, else what is last
                named = {
                    one: asked[-1].count(f"to the {one}.") - 9 * asked[-1].count(f"{one} is closed")
                    for one in reversed(part["enum"])
                }
                told[name] = max(named, key=named.get)
        return {name: told[name] for name in fields}

    rules = load_domain(game, sizes=dict.fromkeys(Split, 1)).game
    make = seed_member(monkeypatch, game, "model", model)
    scores = []
    for number in range(5):
        scenario = rules.scenario(Split.TRAIN, "self", random.Random(number))
        asked.clear()
        log = rules.rehearse(scenario, make, seed=3)
        assert rules.metrics(log)["invalid_rate"] == 0
        assert 0 < len(asked) <= 32
        scores.append(rules.score(log))
    assert fmean(scores) > score
