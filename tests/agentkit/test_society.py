"""What a member finds in its player, its events and its requests."""

from __future__ import annotations

import random

import pytest

from metasearch.assets import asset


def test_a_member_needs_no_init_of_ours() -> None:
    from agentkit import Event, Player

    class Member(Player):
        def __init__(self) -> None:
            self.mine = self.rng.random()

    random.seed(5)
    first, second = Member(), Member()
    assert first.mine != second.mine  # of one loop on the host, too, each has its own chance
    first.observe(Event({"kind": "rules", "text": "Be kind.", "you": "Ann"}))
    first.notes["x"] = 1
    assert (first.name, len(first.events), second.name, second.notes) == ("Ann", 1, "", {})


def test_a_seat_has_the_chance_that_the_host_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from agentkit import Player

    monkeypatch.setattr(Player, "_seed", 11)
    assert Player().rng.random() == random.Random(11).random()


def test_facts_are_attributes_items_and_text() -> None:
    from agentkit import Event, Request

    event = Event({"kind": "harvested", "catches": {"Ann": 3}, "keys": [1]})
    assert (event.kind, event.catches, event["keys"]) == ("harvested", {"Ann": 3}, [1])
    assert ("catches" in event, event.get("stock", 7)) == (True, 7)
    assert str(event) == "harvested: catches={'Ann': 3}, keys=[1]"
    assert dict(**Request({"kind": "speak"})) == {"kind": "speak"}
    assert event != Request({"kind": "harvested", "catches": {"Ann": 3}, "keys": [1]})
    with pytest.raises(AttributeError, match="no 'stock', only: kind, catches, keys"):
        _ = event.stock


async def test_a_player_without_act_says_what_is_missing() -> None:
    from agentkit import Player, Request

    with pytest.raises(NotImplementedError, match="act"):
        await Player().act(Request({"kind": "speak"}))


def test_both_references_are_shipped() -> None:
    kit = asset("sandbox") / "image" / "agentkit"
    assert sorted(path.name for path in kit.glob("*.md")) == ["REFERENCE.md", "REFERENCE_MEMBER.md"]
