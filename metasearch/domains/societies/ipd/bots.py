"""Members of `ipd` that run on the host: the eight of the search, and those it never meets.

Each sees `own_history` and `other_history`, texts such as "CCDC", and replies "C" or "D".
"""

from __future__ import annotations

import random
from typing import ClassVar, Final

from metasearch.domains.societies.base import MakeBot
from metasearch.domains.societies.table import Event
from metasearch.types import Json

__all__ = ["BOTS", "EIGHT", "HIDDEN_BOTS", "Strategy"]


class Strategy:
    """A member that always cooperates.

    Attributes:
        rng: its own chance.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def observe(self, event: Event) -> None:
        """Take no notice: requests say everything."""

    def act(self, request: dict[str, Json]) -> Json:
        """Play."""
        return self.play(request["own_history"], request["other_history"])

    def play(self, own: str, other: str) -> str:
        """Return the next action."""
        del own, other
        return "C"


class AllD(Strategy):
    """Always defects."""

    def play(self, own: str, other: str) -> str:
        """Defect."""
        del own, other
        return "D"


class TitForTat(Strategy):
    """Begins with C, then does as the other one did (Rapoport; Axelrod 1980)."""

    def play(self, own: str, other: str) -> str:
        """Return the other's last action."""
        del own
        return other[-1:] or "C"


class TitForTwoTats(Strategy):
    """Defects after two defections in a row (Maynard Smith; Axelrod 1984)."""

    def play(self, own: str, other: str) -> str:
        """Look at the other's last two actions."""
        del own
        return "D" if other.endswith("DD") else "C"


class Grim(Strategy):
    """Cooperates until the other one has defected (Friedman; Axelrod 1980)."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.offended = False

    def play(self, own: str, other: str) -> str:
        """Remember a defection for ever, beyond what requests show."""
        del own
        self.offended = self.offended or other.endswith("D")
        return "D" if self.offended else "C"


class WinStayLoseShift(Strategy):
    """Cooperates after both did the same (Nowak & Sigmund 1993, Nature 364)."""

    def play(self, own: str, other: str) -> str:
        """Repeat what paid well, change what did not."""
        return "C" if own[-1:] == other[-1:] else "D"


class Alternator(Strategy):
    """Begins with C, then takes turns with D, by what it has really done."""

    def play(self, own: str, other: str) -> str:
        """Return what it did not do last."""
        del other
        return "D" if own.endswith("C") else "C"


class Random(Strategy):
    """Cooperates half of the time."""

    def play(self, own: str, other: str) -> str:
        """Draw."""
        del own, other
        return "C" if self.rng.random() < 0.5 else "D"


class Turncoat(Strategy):
    """Cooperates for 40 turns, then never again."""

    turns: ClassVar[int] = 40

    def play(self, own: str, other: str) -> str:
        """Look at how many turns there were."""
        del other
        return "C" if len(own) < self.turns else "D"


class Generous(TitForTat):
    """Tit for tat that forgives one in three (Nowak & Sigmund 1992, Nature 355)."""

    def play(self, own: str, other: str) -> str:
        """Draw in each turn, so that its chance does not depend on the other one."""
        forgives = self.rng.random() < 1 / 3
        return "C" if forgives else super().play(own, other)


class Joss(TitForTat):
    """Tit for tat that defects in one of ten turns all the same (Axelrod 1980)."""

    def play(self, own: str, other: str) -> str:
        """Draw in each turn."""
        sneaks = self.rng.random() < 0.1
        return "D" if sneaks else super().play(own, other)


class HardTitForTat(Strategy):
    """Defects if the other one has, in any of the last three turns."""

    def play(self, own: str, other: str) -> str:
        """Look at the other's last three actions."""
        del own
        return "D" if "D" in other[-3:] else "C"


class Suspicious(TitForTat):
    """Tit for tat that begins with D (Boyd & Lorberbaum 1987, Nature 327)."""

    def play(self, own: str, other: str) -> str:
        """Return the other's last action, D at first."""
        return super().play(own, other) if other else "D"


class Prober(TitForTat):
    """Tries D, C, C; who does not mind is defected against from then on, others get tit for tat.

    Mathieu, Beaufils & Delahaye 1999, "Studies on dynamics in the classical iterated prisoner's
    dilemma with few strategies".
    """

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.prey = False

    def play(self, own: str, other: str) -> str:
        """Probe in the first three turns."""
        if len(own) < 3:
            return "DCC"[len(own)]
        if len(own) == 3:
            self.prey = other[1:] == "CC"
        return "D" if self.prey else super().play(own, other)


EIGHT: Final[dict[str, MakeBot]] = {
    "tft": TitForTat,
    "allc": Strategy,
    "alld": AllD,
    "grim": Grim,
    "wsls": WinStayLoseShift,
    "alt": Alternator,
    "tf2t": TitForTwoTats,
    "random": Random,
}
HIDDEN_BOTS: Final[dict[str, MakeBot]] = {
    "generous": Generous,
    "joss": Joss,
    "hard_tft": HardTitForTat,
    "suspicious": Suspicious,
    "prober": Prober,
}
"""These play in the hidden scenarios only."""

BOTS: Final[dict[str, MakeBot]] = {**EIGHT, "turncoat": Turncoat, **HIDDEN_BOTS}
