"""Members of `sanction` that run on the host: background, floor, and reference of tests."""

from __future__ import annotations

import random
from typing import ClassVar, Final

from metasearch.domains.societies.base import MakeBot
from metasearch.domains.societies.table import Event
from metasearch.types import Json

__all__ = ["BOTS", "HIDDEN_BOTS", "KNOWN_BOTS", "Rule"]


class Rule:
    """A member by three rules: always cooperates, chooses by lot, never punishes.

    Attributes:
        rng: its own chance.
        suffered: plays so far in which the other one defected.
        fined: rounds since it was last punished; -1 before the first time.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.suffered = 0
        self.fined = -1

    def observe(self, event: Event) -> None:
        """Count what it suffered."""
        if event["kind"] != "round":
            return
        self.suffered += sum(play["other"] == "D" for play in event["plays"])
        if any(play["punished"] for play in event["plays"]):
            self.fined = 0
        elif self.fined >= 0:
            self.fined += 1

    def act(self, request: dict[str, Json]) -> Json:
        """Decide by the rule for this kind of request."""
        if request["kind"] == "choose_partner":
            return self.choose(request["reputations"])
        if request["kind"] == "play":
            return self.play(request)
        return self.punish(request)

    def choose(self, reputations: dict[str, float]) -> str:
        """Return the id of a partner."""
        return self.rng.choice(sorted(reputations))

    def play(self, request: dict[str, Json]) -> str:
        """Return "C" or "D"."""
        del request
        return "C"

    def punish(self, request: dict[str, Json]) -> str:
        """Return "P" or "N"."""
        del request
        return "N"


class AllD(Rule):
    """Always defects."""

    def play(self, request: dict[str, Json]) -> str:
        """Defect."""
        del request
        return "D"


class TitForTat(Rule):
    """Plays what the partner last played, with whomever."""

    def play(self, request: dict[str, Json]) -> str:
        """Return the partner's last action, C where there is none."""
        return "D" if request["other_last"] == "D" else "C"


class Grim(Rule):
    """Cooperates until anybody has defected against it, then never again.

    Among strangers the grim trigger is contagious: Kandori 1992, Review of Economic Studies 59.
    """

    def play(self, request: dict[str, Json]) -> str:
        """Defect for ever after the first defection suffered."""
        del request
        return "D" if self.suffered else "C"


class RandomPunisher(Rule):
    """Cooperates, and punishes one in five, cooperators too.

    As the learners of Dasgupta & Musolesi 2023, arXiv:2301.08278, whose exploration of punishing
    stays at 20 %.
    """

    share: ClassVar[float] = 0.2

    def punish(self, request: dict[str, Json]) -> str:
        """Punish by lot."""
        del request
        return "P" if self.rng.random() < self.share else "N"


class Threshold(Rule):
    """Cooperates with those whose reputation is not below 0, chooses the best, punishes defectors.

    Discriminates by standing as in Nowak & Sigmund 1998, Nature 393; punishes only defectors.
    """

    least: ClassVar[float] = 0.0

    def choose(self, reputations: dict[str, float]) -> str:
        """Return one of the best reputation."""
        best = max(reputations.values())
        return self.rng.choice(sorted(one for one in reputations if reputations[one] == best))

    def play(self, request: dict[str, Json]) -> str:
        """Cooperate with who is in good standing."""
        return "C" if request["rep_other"] >= self.least else "D"

    def punish(self, request: dict[str, Json]) -> str:
        """Punish a defector."""
        return "P" if request["victim_action"] == "D" else "N"


class Opportunist(Rule):
    """Defects, but cooperates for three rounds after it was punished."""

    rounds: ClassVar[int] = 3

    def play(self, request: dict[str, Json]) -> str:
        """Defect unless the last fine is fresh."""
        del request
        return "C" if 0 <= self.fined < self.rounds else "D"


class Wary(Opportunist):
    """Defects until it is punished once, then never again."""

    rounds: ClassVar[int] = 1_000_000


class Stubborn(Opportunist):
    """Defects, but cooperates for two rounds after it was punished."""

    rounds: ClassVar[int] = 2


class Forgiving(TitForTat):
    """Tit for tat that forgives one defection in three.

    Generous tit for tat, Nowak & Sigmund 1992, Nature 355; punishes defectors as an onlooker.
    """

    share: ClassVar[float] = 1 / 3

    def play(self, request: dict[str, Json]) -> str:
        """Return the partner's last action, at times C in any case."""
        return "C" if self.rng.random() < self.share else super().play(request)

    def punish(self, request: dict[str, Json]) -> str:
        """Punish a defector, as an onlooker only."""
        return "P" if request["role"] == "third" and request["victim_action"] == "D" else "N"


class Sneak(TitForTat):
    """Tit for tat that defects once in five plays, in the hope that nobody minds."""

    share: ClassVar[float] = 0.2

    def play(self, request: dict[str, Json]) -> str:
        """Return the partner's last action, at times D in any case."""
        return "D" if self.rng.random() < self.share else super().play(request)


KNOWN_BOTS: Final[dict[str, MakeBot]] = {
    "allc": Rule,
    "alld": AllD,
    "tft": TitForTat,
    "grim": Grim,
    "random_punisher": RandomPunisher,
    "threshold": Threshold,
    "opportunist": Opportunist,
}
HIDDEN_BOTS: Final[dict[str, MakeBot]] = {
    "wary": Wary,
    "stubborn": Stubborn,
    "forgiving": Forgiving,
    "sneak": Sneak,
}
"""These play in the hidden scenarios only."""

BOTS: Final[dict[str, MakeBot]] = {**KNOWN_BOTS, **HIDDEN_BOTS}
