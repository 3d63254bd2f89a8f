import random

import pytest

from metasearch.domains.societies import (
    Ask,
    Choice,
    Fields,
    Flag,
    Invalid,
    OneOf,
    Real,
    Text,
    Whole,
    rehearse,
)
from metasearch.domains.societies.measures import equality
from metasearch.domains.societies.play import Referee, Reply


class Shop:
    """Two seats name a price twice; each learns of the other's first one."""

    seats = 2

    def play(self, table):
        table.tell("rules", [0], text="sell", you="Ann")
        table.tell("rules", [1], text="buy", you="Bob")
        prices = yield [self.ask(seat, bonus=table.rng.random()) for seat in (0, 1)]
        table.tell("price", [1], price=prices[0])
        table.note("secret", of="the host")
        yield []
        yield [self.ask(1, bonus=0)]

    def ask(self, seat, **about):
        return Ask(seat, "name", about, Whole(0, 10), 0)


class Steady:
    def __init__(self, value):
        self.value, self.heard, self.asked = value, [], []

    def observe(self, event):
        self.heard.append(event)

    def act(self, request):
        self.asked.append(request)
        return self.value


def test_members_learn_what_they_are_told_and_nothing_else_before_they_act():
    ann, bob = Steady(3), Steady(4)
    log = rehearse(Shop(), [ann, bob], seed=1, opening={"game": "shop"})
    assert ann.heard == [{"kind": "rules", "text": "sell", "you": "Ann"}]
    assert [event["kind"] for event in bob.heard] == ["rules", "price"]
    assert bob.heard[1] == {"kind": "price", "price": 3}
    assert bob.asked[0]["reply"] == {"type": "int", "low": 0, "high": 10}
    assert [event["kind"] for event in log] == [
        *("episode", "rules", "rules", "act", "act", "price", "secret", "act")
    ]


def test_the_same_seed_plays_the_same_episode():
    first, again, other = (
        [Steady(1), Steady(2)],
        [Steady(1), Steady(2)],
        [Steady(1), Steady(2)],
    )
    rehearse(Shop(), first, seed=5)
    rehearse(Shop(), again, seed=5)
    rehearse(Shop(), other, seed=6)
    assert first[0].asked == again[0].asked != other[0].asked


@pytest.mark.parametrize("value", ["ten", "7", 1e308, float("nan"), 11, -1, True, None, [3], 2.5])
def test_a_reply_that_is_none_becomes_the_neutral_one_and_is_named(value):
    log = rehearse(Shop(), [Steady(value), Steady(2)])
    acts = [event for event in log if event["kind"] == "act"]
    assert acts[0]["value"] == 0
    assert acts[0]["fault"] == "invalid"
    assert acts[0]["detail"]
    assert "fault" not in acts[1]


def test_who_is_late_or_gone_has_the_neutral_reply_and_the_episode_goes_on():
    referee = Referee(Shop(), {}, 0)
    assert [turn.seat for turn in referee.begin()] == [0, 1]
    turns = referee.take([Reply(fault="late", detail="5 s"), Reply(4)])
    assert [turn.seat for turn in turns] == [1]
    assert turns[0].events[-1] == {"kind": "price", "price": 0}
    assert referee.take([Reply(fault="gone")]) == []
    faults = [event.get("fault") for event in referee.log if event["kind"] == "act"]
    assert faults == ["late", None, "gone"]


def test_every_kind_of_decision_reads_what_it_says_and_refuses_the_rest():
    assert Whole(0, 5).read(5.0) == 5
    assert Real(0, 1, 0.01).read(0.123456) == 0.12
    assert Real(0, 1).read(1) == 1.0
    assert Choice(("C", "D")).read("D") == "D"
    assert Text(3).read("abcdef") == "abc"
    assert Flag().read(False) is False
    spoken = Fields({"text": Text(5), "end": Flag()})
    assert spoken.read({"text": "hi", "end": True, "x": 1}) == {"text": "hi", "end": True}
    either = OneOf((Fields({"give": Real(0, 1)}), Fields({"punish": Real(0, 9)})))
    assert either.read({"punish": 2}) == {"punish": 2.0}
    for kind, wrong in [
        (Choice((1, 2)), True),
        (Choice(("C",)), "c"),
        (Flag(), 1),
        (Text(3), 3),
        (spoken, {"text": "hi"}),
        (either, {"give": 2}),
        (Real(0, 1), float("inf")),
    ]:
        with pytest.raises(Invalid):
            kind.read(wrong)
        assert "type" in kind.told()


def test_equality_is_one_minus_gini():
    rng = random.Random(0)
    for _ in range(50):
        shares = [rng.randrange(30) for _ in range(rng.randrange(1, 8))] + [1]
        pairs = sum(abs(x - y) for x in shares for y in shares)
        assert equality(shares) == pytest.approx(1 - pairs / (2 * len(shares) * sum(shares)))
    assert equality([10, 10, 10, 10, 60]) == pytest.approx(0.6)
    assert equality([0, 0]) == 1
