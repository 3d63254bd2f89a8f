"""`haggle`: a buyer and a seller talk, the buyer offers a price, the seller takes it or leaves it.

Haggling of Concordia (Vezhnevets et al. 2023, arXiv:2312.03664). The buyer has `reward - price`,
the seller `price - cost`, both 0 without a deal; the two sum to `reward - cost`. Any price
strictly between cost and reward is a mutual gain. Each knows its own value only. Roles change with
each deal.

Worth: in *self* the sum of both over the sum of `reward - cost` of all deals that are worth it; in
*mixed* and *shock* what the design's seat has gained over the most that any price leaves it which
the other takes (`reward - cost` less what that one keeps). Floor 0: no deal at all. In every
episode some deal is worth it for all.

Cheating: values are drawn in each deal, so no price is right by heart; a deal at a loss costs;
what is said is cut at 200 characters; the hidden scenarios have other values, names and more
deals.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import ClassVar, Final

from metasearch.domains.societies.base import DESIGN, Game, MakeBot, Scenario, loader
from metasearch.domains.societies.measures import equality, invalid_rate, scaled
from metasearch.domains.societies.payoff.talk import (
    Member,
    Said,
    choose,
    draw_names,
    open_table,
    speak,
)
from metasearch.domains.societies.table import Log, Play, Table
from metasearch.types import Json, Split

__all__ = ["Haggle", "Market", "gains", "load"]

ACCEPT: Final = "accept"
REJECT: Final = "reject"
KEEPS: Final = {"eager": 1, "firm": 2, "stubborn": 3}  # what a bot wants to gain at least


def gains(reward: int, cost: int, price: int | None) -> tuple[int, int]:
    """Return what buyer and seller gain; no price is no deal."""
    return (0, 0) if price is None else (reward - price, price - cost)


class Market:
    """Two seats, some deals.

    Args:
        constants: `names`, `deals`, `lines` of talk a deal, `rewards` and `costs` (lowest and
            highest), `top` (highest price).
    """

    seats = 2

    def __init__(self, constants: Mapping[str, Json]) -> None:
        self.constants = constants

    def play(self, table: Table) -> Play:
        """Play all deals."""
        c = self.constants
        open_table(table, c["names"], RULES)
        values = [(0, 0)]
        while max(reward - cost for reward, cost in values) <= KEEPS["stubborn"]:
            values = [
                (table.rng.randint(*c["rewards"]), table.rng.randint(*c["costs"]))
                for _ in range(c["deals"])
            ]
        for number, (reward, cost) in enumerate(values):
            buyer, seller = number % 2, 1 - number % 2
            own = {buyer: ("buyer", reward), seller: ("seller", cost)}
            said: Said = []
            for line in range(c["lines"]):
                seat = (buyer, seller)[line % 2]
                role, value = own[seat]
                [text] = yield [speak(seat, said, role=role, value=value, deal=number)]
                said.append({"by": c["names"][seat], "text": text})
            about = {"role": "buyer", "value": reward, "deal": number}
            [price] = yield [choose(buyer, range(c["top"] + 1), said, **about)]
            about = {"role": "seller", "value": cost, "deal": number, "offer": price}
            [reply] = yield [choose(seller, (REJECT, ACCEPT), said, **about)]
            deal = price if reply == ACCEPT else None
            table.tell("deal", number=number, offer=price, reply=reply)
            table.note("worth", reward=reward, cost=cost, buyer=buyer, price=deal)


RULES: Final = (
    "You trade in turns as buyer and seller. The buyer gains its value less the price, the seller "
    "the price less its value, both nothing without a deal. Only you know your value."
)


class Truthful(Member):
    """Names its value, offers the midpoint of both, takes what leaves it `keeps` at least."""

    keeps = 1

    def say(self, request: dict[str, Json]) -> str:
        """Tell its value."""
        return f"{request['value']} is what it is worth to me."

    def pick(self, request: dict[str, Json]) -> Json:
        """Offer, or take a gain."""
        value = request["value"]
        if request["role"] == "seller":
            return ACCEPT if request["offer"] >= value + self.keeps else REJECT
        named = [int(number) for number in re.findall(r"\d+", self.heard(request))]
        asked = named[-1] if named else 0
        best = value - self.keeps
        price = (value + asked) // 2 if named and asked < value else value // 2
        return max(0, min(best, price, request["options"][-1]))


class Firm(Truthful):
    """As `Truthful`, but wants 2 and tells a value that is better for it."""

    keeps = KEEPS["firm"]

    def say(self, request: dict[str, Json]) -> str:
        """Tell what it wants."""
        want = self.keeps if request["role"] == "seller" else -self.keeps
        return f"I can do {request['value'] + want}."


class Stubborn(Firm):
    """As `Firm`, but wants 3 and says nothing."""

    keeps = KEEPS["stubborn"]

    def say(self, request: dict[str, Json]) -> str:
        """Say nothing."""
        del request
        return ""


class Haggle(Game):
    """Bargaining over private values."""

    name: ClassVar[str] = "haggle"
    bots: ClassVar[Mapping[str, MakeBot]] = {
        "silent": Member,
        "eager": Truthful,
        "firm": Firm,
        "stubborn": Stubborn,
    }
    about: ClassVar[str] = """\
Two members make several deals, in turns as buyer and seller; each knows its own value only.
Request "speak": `role` ("buyer" or "seller"), `value` (own), `deal` (from 0), `transcript` [{by, \
text}]; reply: a text of at most 200 characters.
Request "choose" of the buyer: also `options` (prices); reply one: the offer. Of the seller: \
`offer`, `options` ["reject", "accept"].
Event "deal": number, offer, reply.
The buyer gains value - price, the seller price - value, nothing without a deal; values are whole \
and may leave nothing to gain.
Score: among members of the design, the share of all possible gain that was made; with another \
partner, your own gain over the most that could be had from that one."""

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw names and partner; hidden ones have other values and more deals."""
        hidden = split is Split.TEST
        constants: dict[str, Json] = {
            "names": draw_names(rng, 2, hidden=hidden),
            "deals": rng.choice((8, 12)) if hidden else 6,
            "lines": rng.choice((2, 4)),
            "rewards": [15, 40] if hidden else [4, 10],
            "costs": [5, 25] if hidden else [1, 6],
            "top": 50 if hidden else 12,
        }
        other = "stubborn" if setting == "shock" else rng.choice(("eager", "firm"))
        pair = [DESIGN, DESIGN if setting == "self" else other]
        rng.shuffle(pair)
        return Scenario(setting, tuple(pair), constants)

    def environment(self, scenario: Scenario) -> Market:
        """Return the market."""
        return Market(scenario.constants)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return gains: of the design's seats (`focal`), of `both`, the `most` possible.

        `deals`: share of the worthwhile ones made; `losses`: of deals, where somebody lost;
        `equality` of the two seats' gains; `invalid_rate`.
        """
        scenario = Scenario.of(log[0])
        worth = [event for event in log if event["kind"] == "worth"]
        own = [0, 0]
        for one in worth:
            buyer, seller = gains(one["reward"], one["cost"], one["price"])
            own[one["buyer"]] += buyer
            own[1 - one["buyer"]] += seller
        keeps = sum(KEEPS.get(who, 0) for who in scenario.seats)
        most = [one["reward"] - one["cost"] - keeps for one in worth]
        losses = sum(min(gains(one["reward"], one["cost"], one["price"])) < 0 for one in worth)
        wanted = [one for one in worth if one["reward"] - one["cost"] > keeps]
        made = sum(one["price"] is not None for one in wanted)
        return {
            "focal": float(sum(own[seat] for seat in scenario.focal)),
            "both": float(sum(own)),
            "most": float(sum(max(0, one) for one in most)),
            "deals": made / len(wanted) if wanted else 1.0,
            "losses": losses / len(worth) if worth else 0.0,
            "equality": equality([max(0, one) for one in own]),
            "invalid_rate": invalid_rate(log, scenario.focal),
        }

    def score(self, log: Log) -> float:
        """Return the design's gain over the most there was."""
        measured = self.metrics(log)
        return scaled(measured["focal"], 0, max(1.0, measured["most"]))


load = loader(Haggle)
