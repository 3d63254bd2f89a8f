"""A small society for tests: a pot that doubles, some who take from it, talk and think."""

from __future__ import annotations

import random
from typing import Any, ClassVar

from metasearch.domains.societies import Ask, Fields, Flag, Game, Society, Text, Whole, society
from metasearch.domains.societies.base import DESIGN, Scenario
from metasearch.domains.societies.measures import scaled
from metasearch.types import Split

SPOKEN = Fields({"text": Text(200), "end": Flag()})
NAMES = ("John", "Kate", "Jack", "Emma", "Luke")

SHARES = """
from agentkit import Player
class Member(Player):
    def act(self, request):
        if request.kind == "harvest":
            return request.stock // 2 // request.n
        if request.kind == "speak":
            return {"text": "Half of it, shared.", "end": False}
        return f"{self.name} after {len(self.events)}"
"""


class Sharer:
    """The host's twin of `SHARES`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.name, self.seen = rng, "", 0

    def observe(self, event: dict[str, Any]) -> None:
        self.seen += 1
        if event["kind"] == "rules":
            self.name = event["you"]

    def act(self, request: dict[str, Any]) -> Any:
        if request["kind"] == "harvest":
            return request["stock"] // 2 // request["n"]
        if request["kind"] == "speak":
            return {"text": "Half of it, shared.", "end": False}
        return f"{self.name} after {self.seen}"


class Year:
    """The rules of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.seats = len(scenario.seats)
        self.months, self.spoken = scenario.constants["months"], scenario.constants["spoken"]

    def play(self, table: Any) -> Any:
        for seat in range(self.seats):
            table.tell("rules", [seat], text="Take from the pot.", you=NAMES[seat])
        stock = 100
        for month in range(self.months):
            asked = {"stock": stock, "n": self.seats, "month": month}
            kind = Whole(0, stock)
            taken = yield [Ask(seat, "harvest", asked, kind, 0) for seat in range(self.seats)]
            total = min(stock, sum(taken))
            stock = min(100, 2 * (stock - total))
            table.tell("harvested", catches=dict(zip(NAMES, taken, strict=False)))
            transcript: list[dict[str, str]] = []
            for turn in range(self.spoken):
                seat = turn % self.seats
                about = {"transcript": list(transcript)}
                silent = {"text": "", "end": True}
                (said,) = yield [Ask(seat, "speak", about, SPOKEN, silent)]
                transcript.append({"who": NAMES[seat], "text": said["text"]})
                if said["end"]:
                    break
            table.tell("talk", transcript=transcript)
            yield [Ask(seat, "reflect", {}, Text(200), "") for seat in range(self.seats)]
        table.note("end", stock=stock)


class Pot(Game):
    """Scored by the stock that is left."""

    name = "pot"
    about = "A pot."
    bots: ClassVar = {"sharer": Sharer}

    def __init__(self, months: int = 5, spoken: int = 2, seats: tuple[str, ...] = ()) -> None:
        self.months, self.spoken = months, spoken
        self.seats = seats or (DESIGN, "sharer", DESIGN)

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        constants = {"months": self.months, "spoken": self.spoken, "draw": rng.random()}
        return Scenario(setting, self.seats, constants)

    def environment(self, scenario: Scenario) -> Year:
        return Year(scenario)

    def metrics(self, log: Any) -> dict[str, float]:
        return {"left": float(log[-2]["stock"])}

    def score(self, log: Any) -> float:
        ends = [event["stock"] for event in log if event["kind"] == "end"]
        return scaled(ends[0] if ends else 0.0, 0.0, 100.0)


def pot(**what: Any) -> Society:
    """Return the domain, its episodes of so many months, speeches and seats."""
    return society(Pot(**what), sizes={Split.TRAIN: 2, Split.VALIDATION: 2, Split.TEST: 2})
