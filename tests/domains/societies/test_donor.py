import json
import random

import pytest

from metasearch.domains.societies.base import DESIGN
from metasearch.domains.societies.donor import Setup, load
from metasearch.domains.societies.donor.bots import Giver, Image, Standing
from metasearch.domains.societies.donor.metrics import selection_differential
from metasearch.domains.societies.donor.scenarios import (
    HIDDEN_MIXED,
    HIDDEN_NAMES,
    HIDDEN_SHOCKS,
    NAMES,
)
from metasearch.errors import ConfigError
from metasearch.search.seeds import seeds, shipped
from metasearch.types import Split
from tests.domains.societies.closed_donor import checks, giving, log_of
from tests.domains.societies.seed_members import seed_member

DOMAIN = load(sizes={Split.TRAIN: 5, Split.VALIDATION: 20, Split.TEST: 20})
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


def acts(log, ask):
    return [event for event in of(log, "act") if event["ask"] == ask]


def test_known_answers():
    wrong = [check for check in checks() if check[1] != pytest.approx(check[2], abs=1e-9)]
    assert not wrong


def test_bots_rank_as_the_theory_says():
    # Among themselves the more is given the better; who gives nothing ends at the floor.
    among = [played(giving(share), kind="self") for share in (0.0, 0.1, 0.5, 1.0)]
    assert among == sorted(among)
    assert among[0] == 0
    assert among[-1] == 1
    # Beside defectors image scoring drops them but ruins itself; standing does not.
    shocked = {name: played(GAME.bots[name], kind="shock") for name in GAME.bots}
    assert shocked["standing"] > shocked["image"] > shocked["giver"]
    assert shocked["standing_90"] > shocked["image_75"]


def test_selection_favours_defectors_unless_givers_look_at_the_trace():
    makers = {maker: [giving(0.0), *[maker] * 11] for maker in (Giver, Image, Standing)}
    signs = {maker: selection_differential(log_of(each), 0) for maker, each in makers.items()}
    assert signs[Giver] < 0 < signs[Standing]
    assert signs[Image] > 0


def test_a_trace_of_one_step_does_not_forgive():
    short = log_of([giving(0.0), *[Standing] * 11], trace=1)
    image = log_of([giving(0.0), *[Image] * 11])
    assert of(short, "finals")[0]["units"] == of(image, "finals")[0]["units"]


class Noted(Standing):
    """Keeps what it is asked."""

    def __init__(self, rng):
        super().__init__(rng)
        self.asked = []

    def act(self, request):
        self.asked.append(request)
        return super().act(request)


def test_the_trace_has_up_to_three_steps_and_names_are_drawn_each_round():
    seats = [Noted(random.Random(seat)) for seat in range(12)]
    log = log_of([lambda rng, bot=bot: bot for bot in seats])
    asked = [request for bot in seats for request in bot.asked if request["kind"] == "donate"]
    assert len(asked) == len(acts(log, "donate")) == 144
    lengths = {request["round"]: len(request["trace"]) for request in asked}
    assert lengths == {t: min(t - 1, 3) for t in range(1, 13)}
    assert len({request["recipient"] for request in asked}) > 12
    facts = {key for request in asked for key in request}
    assert not facts & {"rounds", "seat", "names", "orders"}


def test_survivors_strategies_are_the_advice_of_the_new():
    seats = [Noted(random.Random(seat)) for seat in range(12)]
    log = log_of([lambda rng, bot=bot: bot for bot in seats], generations=3)
    texts = acts(log, "strategy")
    assert [act["seat"] for act in texts[:12]] == list(range(12))
    assert len(texts) == 12 + 6 + 6
    for number in (0, 1):
        dropped = of(log, "finals")[number]["dropped"]
        assert [act["seat"] for act in texts[12 + 6 * number :][:6]] == dropped
    later = [bot.asked for bot in seats if sum(r["kind"] == "strategy" for r in bot.asked) > 1]
    advice = [r["advice"] for asked in later for r in asked if r["kind"] == "strategy"][1]
    assert [len(advice), set(advice[0])] == [6, {"text", "score"}]


def test_strategies_are_cut_and_fractions_rounded():
    class Codes(Giver):
        def act(self, request):
            return "x" * 900 if request["kind"] == "strategy" else 0.123456

    log = log_of([Codes] * 12)
    assert {len(act["value"]) for act in acts(log, "strategy")} == {400}
    assert {act["value"] for act in acts(log, "donate")} == {0.12}


@pytest.mark.parametrize("wrong", [1.5, -0.1, "half", None, float("nan"), {"punish": 1}])
def test_what_is_no_fraction_gives_nothing_and_is_counted(wrong):
    class Broken(Giver):
        def act(self, request):
            return "x" if request["kind"] == "strategy" else wrong

    log = log_of([Broken] * 12)
    found = GAME.metrics(log)
    assert found["invalid_rate"] == pytest.approx(144 / 156)
    assert found["final_mean"] == 10
    assert GAME.score(log) == 0


def test_a_punishment_takes_twice_what_it_costs_and_no_more_than_there_is():
    class Punisher(Giver):
        def act(self, request):
            return "x" if request["kind"] == "strategy" else {"punish": request["own_units"] * 0.1}

    log = log_of([Punisher] * 12, punishment=True, rounds=4)
    found = GAME.metrics(log)
    assert found["punished"] == 1
    assert found["donated"] == 0
    first = log_of([Punisher, *[giving(0.0)] * 11], punishment=True, rounds=4)
    units = of(first, "finals")[0]["units"]
    # It gives in two of four rounds: 10 -> 9 -> 8.1; its two partners lose 2 and 1.8.
    assert units[0] == pytest.approx(8.1)
    assert sum(units) == pytest.approx(120 - 1.9 - 3.8)

    class Ruins(Punisher):
        def act(self, request):
            return "x" if request["kind"] == "strategy" else {"punish": request["own_units"]}

    ruined = log_of([Ruins] * 12, punishment=True, rounds=4)
    assert all(unit == 0 for unit in of(ruined, "finals")[0]["units"])
    assert GAME.score(ruined) == 0


def test_metrics_are_pure_and_survive_json():
    for task in DOMAIN.tasks(Split.TEST)[:5]:
        log = GAME.rehearse(DOMAIN.scenario(task), Standing, seed=1)
        assert log == GAME.rehearse(DOMAIN.scenario(task), Standing, seed=1)
        again = json.loads(json.dumps(log))
        assert GAME.metrics(again) == GAME.metrics(log)
        assert DOMAIN.score(task, {"log": again}).value == GAME.score(log)


def test_hidden_scenarios_have_other_constants():
    known = [DOMAIN.scenario(task) for task in DOMAIN.tasks(Split.VALIDATION)]
    hidden = [DOMAIN.scenario(task) for task in DOMAIN.tasks(Split.TEST)]
    for name in ("endowment", "multiplier", "rounds"):
        values = [{one.constants[name] for one in split} for split in (known, hidden)]
        assert not values[0] & values[1], name
    assert {len(one.seats) for one in known} == {12}
    assert 12 not in {len(one.seats) for one in hidden}
    assert not set(NAMES) & set(HIDDEN_NAMES)
    assert len(set(NAMES)) == len(set(HIDDEN_NAMES)) == 16
    assert all(DESIGN in one.seats for one in (*known, *hidden))
    assert {who for seats in HIDDEN_MIXED + HIDDEN_SHOCKS for who in seats} <= set(GAME.bots)
    shocks = {one.seats.count("defector") for one in known if one.setting == "shock"}
    assert shocks == {1, 3}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seats": 7}, "even"),
        ({"rounds": True}, "rounds"),
        ({"multiplier": 1}, "multiplier"),
        ({"punishment": "perhaps"}, "true or false"),
        ({"trace": 4}, "1 to 3"),
        ({"pairs": 1}, "no option 'pairs'"),
    ],
)
def test_wrong_options_are_refused(options, named):
    with pytest.raises(ConfigError, match=named):
        load(options=options)


def test_options_as_texts():
    assert Setup.of({"multiplier": "3", "punishment": "true"}) == Setup(
        multiplier=3.0, punishment=True
    )


@pytest.mark.parametrize(
    ("seed", "bot"), [("unconditional", Giver), ("image_scoring", Image), ("standing", Standing)]
)
def test_rule_based_seeds_do_as_their_bots(monkeypatch, seed, bot):
    member = seed_member(monkeypatch, "donor", seed)
    for number, task in enumerate(DOMAIN.tasks(Split.TEST)[:10]):
        logs = [GAME.rehearse(DOMAIN.scenario(task), m, seed=number) for m in (member, bot)]
        assert of(logs[0], "finals") == of(logs[1], "finals")


def test_a_model_writes_a_strategy_once_for_each_new_seat(monkeypatch):
    asked = []

    def script(body):
        asked.append(body["messages"][-1]["content"])
        text = "My strategy will be to give half."
        return {"thinking": "Well.", "text": text, "unknown": 50, "good": 50, "low": 0}

    member = seed_member(monkeypatch, "donor", "written_strategy", script)
    log = log_of([member] * 12, generations=2)
    assert len(asked) == 12 + 6
    assert sum("give half" in text for text in asked) == 6
    assert GAME.metrics(log)["donated"] == 0.5
    assert {act["value"] for act in acts(log, "strategy")} == {"My strategy will be to give half."}


def test_a_model_that_writes_nonsense_gives_nothing(monkeypatch):
    member = seed_member(monkeypatch, "donor", "written_strategy", lambda body: "ten")
    assert GAME.metrics(log_of([member] * 12))["final_mean"] == 10


def test_the_seeds_are_found():
    found = {seed.name for seed in seeds(shipped(DOMAIN), entry="Member")}
    assert found == {"image_scoring", "standing", "unconditional", "written_strategy"}
