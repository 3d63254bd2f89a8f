"""Background members of `commons`: rules without a model."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Final

from metasearch.domains.societies.base import MakeBot
from metasearch.domains.societies.commons.stock import fair_share, sustainable
from metasearch.domains.societies.table import Event
from metasearch.types import Json

__all__ = ["APPETITES", "BOTS", "Greedy", "Quota", "Sharer", "growth_of"]

TIMES: Final = re.compile(r"(\d+(?:\.\d+)?) times")


def growth_of(text: str) -> float:
    """Return the multiplier that a text about growth names; 1.0, no growth, if it names none."""
    found = TIMES.search(text)
    return float(found[1]) if found else 1.0


class Sharer:
    """Takes the equal share of what is sustainable, whatever the others do; says so once."""

    silent = False

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.name = rng, ""
        self.stock, self.members, self.share = 0, 1, 0
        self.capacity, self.growth = 1, 1.0
        self.months = 0

    def observe(self, event: Event) -> None:
        """Take up the own name."""
        if event["kind"] == "rules":
            self.name = event["you"]

    def act(self, request: dict[str, Json]) -> Json:
        """Harvest, speak or think."""
        if request["kind"] == "harvest":
            self.stock, self.members = request["stock"], request["n"]
            self.capacity, self.growth = request["capacity"], growth_of(request["growth_text"])
            self.share = fair_share(self.stock, self.growth, self.members)
            wish = self.harvest()
            self.months += 1
            return max(0, min(self.stock, wish))
        if request["kind"] == "speak":
            lines = request["transcript"]
            spoke = any(line["speaker"] == self.name for line in lines)
            if self.silent or spoke:
                return {"text": "", "end": self.silent or spoke, "next": ""}
            return {"text": self.line(), "end": False, "next": ""}
        return ""

    def harvest(self) -> int:
        """Return the wish."""
        return self.share

    def line(self) -> str:
        """Return what to say."""
        return f"I took {self.share}: an equal part of what grows back. Let us all do so."


class Silent(Sharer):
    """The same, without a word: it ends any talk that it is asked to join."""

    silent = True


class Careful(Silent):
    """Takes half of the equal share."""

    def harvest(self) -> int:
        """Return half of it."""
        return self.share // 2


class Constant(Silent):
    """Takes a tenth of the capacity, whatever grows and however many there are."""

    def harvest(self) -> int:
        """Return it."""
        return self.capacity // 10


class Greedy(Silent):
    """Takes k times the equal share; 1 unit more than it where that is the same.

    Args:
        k: from 1.
    """

    def __init__(self, rng: random.Random, k: float = 2.0) -> None:
        super().__init__(rng)
        self.k = k

    def harvest(self) -> int:
        """Return it."""
        return max(self.share + 1, round(self.k * self.share))


class Promiser(Greedy):
    """Speaks of sharing and takes half as much again."""

    silent = False

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, 1.5)


class Grabber(Silent):
    """Takes all there is."""

    def harvest(self) -> int:
        """Return the stock."""
        return self.stock


class Creeper(Silent):
    """Takes one unit more each month from the third on, at most twice the equal share."""

    def harvest(self) -> int:
        """Return it."""
        return min(2 * self.share, self.share + max(0, self.months - 1))


class Once(Silent):
    """A newcomer that takes 30 % of the capacity in its first month, then equal shares."""

    def harvest(self) -> int:
        """Return it."""
        return self.share if self.months else round(0.3 * self.capacity)


class Quota(Sharer):
    """Keeps a ledger: expects excess to go on, and leaves room for it in proportion.

    Whoever took more than the equal share last month is expected to take as much more again; the
    rest of what is sustainable is shared by those who did not. With the catches kept secret it does
    as `Sharer` does.
    """

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.excess: dict[str, int] = {}

    def observe(self, event: Event) -> None:
        """Enter everybody's excess."""
        super().observe(event)
        if event["kind"] == "report":
            self.excess = {
                name: got - self.share
                for name, got in event["catches"].items()
                if name != self.name and got > self.share
            }

    def harvest(self) -> int:
        """Return the equal share less its part in the others' excess."""
        takers = min(len(self.excess), self.members - 1)
        expected = takers * self.share + sum(self.excess.values())
        left = sustainable(self.stock, self.growth) - expected
        return max(0, left) // (self.members - takers)

    def line(self) -> str:
        """Say the quota, and who was above it."""
        above = ", ".join(f"{name} took {more} too much" for name, more in self.excess.items())
        return f"The quota was {self.share} each. {above or 'Everybody kept to it'}."


BOTS: Final[Mapping[str, MakeBot]] = {
    "threshold": Sharer,
    "silent": Silent,
    "quota": Quota,
    "careful": Careful,
    "constant": Constant,
    "once": Once,
    "greedy": Greedy,
    "greedy_3": lambda rng: Greedy(rng, 3.0),
    "grabber": Grabber,
    "promiser": Promiser,
    "creeper": Creeper,
}
APPETITES: Final[Mapping[str, float]] = {
    "greedy": 2.0,
    "greedy_3": 3.0,
    "promiser": 1.5,
    "creeper": 2.0,
}
"""Equal shares that a bot takes of the full stock in the end, where that is more than one."""
