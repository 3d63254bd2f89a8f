import importlib.util
import json
import random
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from metasearch.domains.societies.base import DESIGN
from metasearch.domains.societies.ipd import (
    EIGHT,
    LONGEST,
    PUBLISHED,
    Payoffs,
    exploitability,
    load,
)
from metasearch.domains.societies.ipd.bots import HIDDEN_BOTS, AllD, Strategy, TitForTat
from metasearch.domains.societies.ipd.metrics import Side, sides
from metasearch.domains.societies.play import Referee, Reply
from metasearch.errors import ConfigError
from metasearch.search.seeds import seeds, shipped
from metasearch.types import Split
from tests.domains.societies.closed_ipd import checks, scenario
from tests.domains.societies.seed_members import seed_member
from tests.fixtures import ipd_axelrod

RECORD = json.loads(Path(ipd_axelrod.__file__).with_suffix(".json").read_text())
DOMAIN = load(sizes={Split.TRAIN: 10, Split.VALIDATION: 30, Split.TEST: 40})
GAME = DOMAIN.game


class Stream:
    """Chance as the library draws it: numpy's legacy generator, whose stream is frozen."""

    def __init__(self, seed):
        self.state = np.random.RandomState(seed)

    def random(self):
        return self.state.rand()

    def seed(self):
        return self.state.randint(low=0, high=2**32 - 1, dtype="uint64")


def replayed(one, other, noise, seed):
    """Play a match by our rules with the library's chance; return both sides' actions."""
    chance = Stream(seed)
    bots = []
    for name in (one, other):  # a strategy that draws gets its own stream, in the seats' order
        bots.append(EIGHT[name](Stream(chance.seed()) if name == "random" else None))
    society = scenario(one, other, turns=RECORD["turns"], noise=noise)
    referee = Referee(GAME.environment(society), {}, 0)
    referee.table.rng = chance
    turns = referee.begin()
    while turns:
        turns = referee.take([Reply(bots[turn.seat].act(turn.request())) for turn in turns])
    return referee.log[-1]["actions"]


@pytest.mark.parametrize(("name", "found", "expected"), checks())
def test_known_answers(name, found, expected):
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_every_pair_plays_as_the_library_move_for_move(noise):
    recorded = [match for match in RECORD["matches"] if match["noise"] == noise]
    assert {tuple(match["players"]) for match in recorded} == set(product(EIGHT, EIGHT))
    for match in recorded:
        assert replayed(*match["players"], noise, match["seed"]) == match["actions"], match


def test_the_record_is_what_the_library_plays():
    # Where the extra `oracle` is not installed, the library itself is not asked: 626 MB.
    # Continuous integration asks it in an environment of its own.
    if importlib.util.find_spec("axelrod") is None:
        assert RECORD["library"] == "axelrod 4.13.1"
    else:
        assert ipd_axelrod.recorded() == RECORD


def played(member, split, *, kind=None):
    scores = []
    for number, task in enumerate(DOMAIN.tasks(split)):
        if kind in (None, task.kind):
            log = GAME.rehearse(DOMAIN.scenario(task), member, seed=number)
            scores.append(GAME.score(log))
    return sum(scores) / len(scores)


def match(one, other, **changed):
    log = GAME.rehearse(scenario(one, other, **changed), Strategy, seed=3)
    return GAME.metrics(log)


def test_reciprocators_do_better_than_defectors_and_those_who_forgive_better_than_grim():
    scores = {name: played(bot, Split.VALIDATION) for name, bot in EIGHT.items()}
    assert scores["alld"] == min(scores.values())
    assert min(scores["tft"], scores["wsls"], scores["tf2t"]) > scores["grim"] > scores["alld"]
    assert played(AllD, Split.VALIDATION, kind="self") < 0.4


def test_preying_on_suckers_gains_no_score():
    society = scenario(DESIGN, "allc")
    honest, prey = [GAME.rehearse(society, one) for one in (TitForTat, AllD)]
    assert GAME.score(honest) == GAME.score(prey) == 1
    assert GAME.metrics(prey)["fitness"] == pytest.approx(5 / 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("tft", 0), ("allc", 2), ("alld", -2), ("wsls", 0), ("alt", 0), ("random", 0)],
)
def test_exploitability_of_strategies_that_remember_one_turn(name, expected):
    response = {
        "tft": {"CC": 1, "DC": 1},
        "allc": {"CC": 1, "CD": 1, "DC": 1, "DD": 1},
        "alld": {},
        "wsls": {"CC": 1, "DD": 1},
        "alt": {"DC": 1, "DD": 1},
        "random": dict.fromkeys(("CC", "CD", "DC", "DD"), 0.5),
    }[name]
    first = {"alld": 0, "random": 0.5}.get(name, 1)
    assert exploitability(PUBLISHED, first, response) == pytest.approx(expected, abs=1e-9)


def test_exploitability_is_read_from_what_a_member_did():
    noisy = {
        name: GAME.rehearse(scenario(DESIGN, "random", turns=250), EIGHT[name])
        for name in ("allc", "tft", "alld", "wsls")
    }
    found = {name: GAME.metrics(log)["exploitability"] for name, log in noisy.items()}
    assert found == pytest.approx({"allc": 2, "tft": 0, "alld": -2, "wsls": 0})
    # What was never seen counts as defection, so that the figure is a lower bound.
    log = GAME.rehearse(scenario(DESIGN, "tft"), Strategy)
    assert GAME.metrics(log)["exploitability"] == pytest.approx(0, abs=0.03)


def test_nice_provoked_and_forgiving():
    side = Side(meant="CCDCD", own="CCDCD", other="CDCDD")
    assert side.is_nice()
    assert side.provocability() == 1  # turn 1 was answered by D in 2; 3 came after its own D
    assert side.forgiveness() == 1  # turn 2 was answered by C in 3
    assert not Side("CDC", "CDC", "CCC").is_nice()
    assert Side("CCC", "CDC", "CCC").is_nice()  # noise is no malice
    assert Side("CC", "CC", "CC").provocability() is None
    assert Side("CC", "CC", "CC").forgiveness() is None
    assert Side("CCCC", "CCCC", "DCDC").provocability() == 0
    for name, metrics in {
        "tft": match(DESIGN, "random"),
        "alld": match("alld", DESIGN),
    }.items():
        assert 0 <= metrics.get("forgiveness", 0) <= 1, name


def test_what_a_match_gave_no_occasion_for_is_left_out():
    assert {"provocability", "forgiveness"}.isdisjoint(match(DESIGN, "allc"))
    assert {"nice", "per_turn", "cooperation"} <= match(DESIGN, "allc").keys()


def test_members_are_told_no_length_and_no_noise_and_requests_stay_short():
    heard, asked = [], []

    class Listens(Strategy):
        def observe(self, event):
            heard.append(event)

        def act(self, request):
            asked.append(request)
            return super().act(request)

    log = GAME.rehearse(scenario(DESIGN, "tft", turns=LONGEST + 20, noise=0.05), Listens)
    assert len(heard) == 1
    assert {"turns", "noise"}.isdisjoint(heard[0])
    assert {"own_history", "other_history", "kind", "reply"} == set(asked[-1])
    assert len(asked[-1]["own_history"]) == LONGEST
    done = log[-1]["actions"][0]
    assert asked[-1]["own_history"] == done[:-1][-LONGEST:]
    assert asked[3]["other_history"] == log[-1]["actions"][1][:3]


def test_noise_flips_and_is_the_same_whatever_is_played():
    changed = {"turns": 2_000, "noise": 0.05}
    flips = []
    for bot in (Strategy, AllD):
        log = GAME.rehearse(scenario(DESIGN, "tft", **changed), bot, seed=8)
        side = sides(log)[0]
        flips.append([meant != own for meant, own in zip(side.meant, side.own, strict=True)])
    assert flips[0] == flips[1]
    assert sum(flips[0]) == pytest.approx(100, abs=30)


def test_hidden_matches_are_none_of_the_search():
    for split in (Split.TRAIN, Split.VALIDATION):
        for task in DOMAIN.tasks(split):
            drawn = DOMAIN.scenario(task)
            assert 150 <= drawn.constants["turns"] <= 250
            assert drawn.constants["payoffs"] == PUBLISHED.to_json()
            assert set(drawn.seats) <= {DESIGN, "turncoat", *EIGHT}
            assert drawn.constants["noise"] in (0, 0.01, 0.05)
    for task in DOMAIN.tasks(Split.TEST):
        drawn = DOMAIN.scenario(task)
        pays = Payoffs(**drawn.constants["payoffs"])
        assert pays.is_dilemma
        assert pays != PUBLISHED
        assert not 150 <= drawn.constants["turns"] <= 250
        assert set(drawn.seats) <= {DESIGN, "turncoat", *HIDDEN_BOTS}
        assert drawn.constants["noise"] not in (0.01, 0.05)


def test_metrics_are_functions_of_the_log_alone():
    for task in DOMAIN.tasks(Split.TEST)[:4]:
        log = GAME.rehearse(DOMAIN.scenario(task), TitForTat, seed=1)
        again = json.loads(json.dumps(log))
        assert GAME.metrics(log) == GAME.metrics(again) == GAME.metrics(log)
        assert GAME.score(log) == GAME.score(again)
    assert GAME.score(log[:-1]) == 0
    assert GAME.metrics(log[:-1])["per_turn"] == 0


def test_a_member_that_replies_nonsense_defects_and_is_counted():
    class Mad(Strategy):
        def act(self, request):
            return {"play": "C"}

    metrics = GAME.metrics(GAME.rehearse(scenario(DESIGN, "tft"), Mad))
    assert metrics["invalid_rate"] == 1
    assert metrics["cooperation"] == 0


def test_an_option_is_refused():
    with pytest.raises(ConfigError, match="option"):
        load(options={"noise": 0.5})


@pytest.mark.parametrize("name", sorted(EIGHT))
def test_a_seed_plays_as_its_bot(monkeypatch, name):
    assert {seed.name for seed in seeds(shipped(DOMAIN), entry=DOMAIN.entry)} == set(EIGHT)
    member = seed_member(monkeypatch, "ipd", name)
    for other in ("random", "tf2t", "alld"):
        society = scenario(DESIGN, other, turns=300, noise=0.05)
        assert GAME.rehearse(society, member) == GAME.rehearse(society, EIGHT[name])


def test_hidden_strategies_do_what_their_papers_say():
    rng = random.Random(0)
    made = {name: bot(rng) for name, bot in HIDDEN_BOTS.items()}
    assert made["suspicious"].play("", "") == "D"
    assert made["hard_tft"].play("CCC", "DCC") == "D"
    assert made["hard_tft"].play("CCCC", "DCCC") == "C"
    assert [made["prober"].play("DCC"[:n], "CCC"[:n]) for n in range(4)] == ["D", "C", "C", "D"]
    wary = HIDDEN_BOTS["prober"](rng)
    assert [wary.play("DCCC"[:n], "CDCC"[:n]) for n in range(5)] == ["D", "C", "C", "C", "C"]
    generous = [made["generous"].play("C", "D") for _ in range(3_000)]
    assert generous.count("C") / 3_000 == pytest.approx(1 / 3, abs=0.03)
    joss = [made["joss"].play("C", "C") for _ in range(3_000)]
    assert joss.count("D") / 3_000 == pytest.approx(0.1, abs=0.02)
