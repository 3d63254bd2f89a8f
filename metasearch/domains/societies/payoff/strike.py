"""`strike`: workers talk, then each works or strikes; enough strikers at once raise all wages.

Labour collective action of Concordia (Vezhnevets et al. 2023, arXiv:2312.03664). A day of work is
worth the wage plus the (negative) daily expenses, a day of strike the expenses alone. Pressure is
strikers / workers; when it reaches the boss's threshold (.45: two of four), wages are doubled from
the next day on, once. A strike pays all of them back iff `workers * days left * wage` exceeds what
the strikers forgo; for one of them alone iff `days left * wage > wage`.

Worth: the focal seats' income between two analytic bounds: nobody of them ever strikes (floor),
and just as many of them as it takes strike on the first day, if that pays (bound).

Cheating: knowing the last day is harmless (a late strike pays nothing anyhow); letting others
strike is a free ride that pays whoever does it and is counted as `equality`; expenses are sunk and
scaled away. The threshold, wages, days and numbers of workers of the hidden scenarios are other
ones.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
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

__all__ = ["Strike", "Works", "incomes", "load", "most_income", "needed"]

WORK: Final = "work"
STRIKE: Final = "strike"
FACTOR: Final = 2
RULES: Final = (
    "Each day you talk, then each works for the wage or strikes for nothing; expenses are paid by "
    "all. If enough strike on the same day, wages double from the next day on, once."
)


def needed(workers: int, threshold: float) -> int:
    """Return how few strikers raise wages: two of four at .45."""
    return max(1, math.ceil(workers * threshold - 1e-9))


def incomes(days: Sequence[Sequence[str]], wage: int, expenses: int, threshold: float) -> list[int]:
    """Return what each worker has in the end.

    Args:
        days: [day][worker] "work" or "strike".
        wage: of the first day, positive.
        expenses: of each day, not positive.
        threshold: of pressure, in (0, 1].
    """
    own = [0] * len(days[0]) if days else []
    raised = False
    for choices in days:
        paid = wage * FACTOR if raised else wage
        own = [had + expenses + paid * (one == WORK) for had, one in zip(own, choices, strict=True)]
        raised = raised or choices.count(STRIKE) >= needed(len(choices), threshold)
    return own


def most_income(focal: int, strikers: int, lacking: int, days: int, wage: int) -> int:
    """Return the most that some workers can have in sum, expenses left out.

    Args:
        focal: how many they are.
        strikers: others who strike until wages are raised.
        lacking: how many strikers it takes in all.
        days: in all, at least 1.
        wage: of the first day.
    """
    own = max(0, lacking - strikers)
    idle = focal * days * wage
    if own > focal or days < 1:
        return idle
    raised = focal * wage - own * wage + focal * (days - 1) * wage * FACTOR
    return max(idle, raised)


class Works:
    """Workers, and a boss who only counts.

    Args:
        constants: `names`, `days`, `wage`, `expenses`, `threshold`.
    """

    def __init__(self, constants: Mapping[str, Json]) -> None:
        self.constants = constants
        self.seats = len(constants["names"])

    def play(self, table: Table) -> Play:
        """Play all days."""
        c, everybody = self.constants, range(self.seats)
        open_table(table, c["names"], RULES)
        said: Said = []
        wage, raised = c["wage"], False
        for day in range(c["days"]):
            about = {"day": day, "wage": wage, "expenses": c["expenses"], "workers": self.seats}
            texts = yield [speak(seat, said, **about) for seat in everybody]
            said = [{"by": n, "text": t} for n, t in zip(c["names"], texts, strict=True)]
            picked = yield [choose(seat, (WORK, STRIKE), said, **about) for seat in everybody]
            strikers = list(picked).count(STRIKE)
            if not raised and strikers >= needed(self.seats, c["threshold"]):
                raised, wage = True, wage * FACTOR
            table.tell("day", day=day, strikers=strikers, wage=wage)
            table.note("worked", choices=list(picked))


class Militant(Member):
    """Calls for a strike and strikes until wages rise."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.first_wage = 0

    def is_raised(self, request: dict[str, Json]) -> bool:
        """Return whether wages have risen since the first day."""
        self.first_wage = self.first_wage or request["wage"]
        return bool(request["wage"] > self.first_wage)

    def say(self, request: dict[str, Json]) -> str:
        """Call."""
        return "" if self.is_raised(request) else "Let us strike today!"

    def pick(self, request: dict[str, Json]) -> Json:
        """Strike until then."""
        return WORK if self.is_raised(request) else STRIKE


class Joiner(Militant):
    """Strikes when somebody else calls for it, and calls for it then the day after."""

    def say(self, request: dict[str, Json]) -> str:
        """Back the call of the day before."""
        called = STRIKE in self.heard(request) and not self.is_raised(request)
        return "I strike again." if called else "Who would join a walk-out?"

    def pick(self, request: dict[str, Json]) -> Json:
        """Join."""
        if self.is_raised(request):
            return WORK
        return STRIKE if STRIKE in self.heard(request) else WORK


class Lots(Militant):
    """The first half by name strike, one more of them each day, until wages rise."""

    def say(self, request: dict[str, Json]) -> str:
        """Show up, so that the order of names is known."""
        return "" if self.is_raised(request) else "Let us strike by turns, in order of names."

    def pick(self, request: dict[str, Json]) -> Json:
        """Strike if among the first half by name, and more of us each day without a raise."""
        if self.is_raised(request):
            return WORK
        names = sorted(line["by"] for line in request["transcript"])
        enough = math.ceil(len(names) / 2) + request["day"]
        return STRIKE if names.index(self.me) < enough else WORK


class Strike(Game):
    """Collective action with a threshold."""

    name: ClassVar[str] = "strike"
    bots: ClassVar[Mapping[str, MakeBot]] = {
        "scab": Member,
        "militant": Militant,
        "joiner": Joiner,
        "lots": Lots,
    }
    about: ClassVar[str] = """\
Workers play some days, the number of which is not told. Each day everybody speaks at the same \
time, then everybody works or strikes.
Request "speak": `day` (from 0), `wage` (today), `expenses` (negative, paid each day), `workers`, \
`transcript` [{by, text}] of the talk before (on "speak": of yesterday); reply: a text of at most \
200 characters. A text with the word "strike" is understood as a call for one.
Request "choose": the same, `options` ["work", "strike"]; reply one.
Event "day": day, strikers, wage (of tomorrow). Wages double once, the day after enough of all \
workers struck at the same time; how many that is, is not told.
Score: the income of the design's members, from never striking (0) to just enough of them \
striking once, on the first day (1)."""

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw workers and wages; hidden ones have other thresholds, days and numbers."""
        hidden = split is Split.TEST
        seats = rng.choice((5, 6)) if hidden else 4
        constants: dict[str, Json] = {
            "names": draw_names(rng, seats, hidden=hidden),
            "days": rng.choice((5, 9)) if hidden else rng.choice((6, 7, 8)),
            "wage": rng.choice((3, 12)) if hidden else rng.choice((5, 8)),
            "expenses": -rng.choice((2, 3)) if hidden else -rng.choice((1, 4)),
            "threshold": rng.choice((0.35, 0.6)) if hidden else 0.45,
        }
        others = {
            "self": [],
            "mixed": rng.choice((["scab"], ["militant"], ["joiner", "joiner"])),
            "shock": ["scab", "scab"],
        }[setting]
        seated = [*others, *[DESIGN] * (seats - len(others))]
        rng.shuffle(seated)
        return Scenario(setting, tuple(seated), constants)

    def environment(self, scenario: Scenario) -> Works:
        """Return the days."""
        return Works(scenario.constants)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return the focal seats' income (`focal`), its bounds (`idle`, `most`), and more.

        `raised_on`: the day after which wages rose, the number of days where they never did;
        `strike_days` of all seats; `equality` of all seats' days of work; `invalid_rate`.
        """
        scenario, c = Scenario.of(log[0]), log[0]["constants"]
        days = [event["choices"] for event in log if event["kind"] == "worked"]
        seats, focal = len(scenario.seats), scenario.focal
        own = incomes(days, c["wage"], 0, c["threshold"]) if days else [0] * seats
        lacking = needed(seats, c["threshold"])
        # Joiners strike when called, so they count like militants once one of the focal calls.
        helpers = sum(who in ("militant", "joiner", "lots") for who in scenario.seats)
        most = most_income(len(focal), helpers, lacking, c["days"], c["wage"])
        raised = [day for day, one in enumerate(days) if one.count(STRIKE) >= lacking]
        return {
            "focal": float(sum(own[seat] for seat in focal)),
            "idle": float(len(focal) * c["days"] * c["wage"]),
            "most": float(most),
            "raised_on": float(raised[0] if raised else c["days"]),
            "strike_days": float(sum(one.count(STRIKE) for one in days)),
            "equality": equality(own),
            "invalid_rate": invalid_rate(log, focal),
        }

    def score(self, log: Log) -> float:
        """Return the focal seats' income between never striking and striking just enough."""
        measured = self.metrics(log)
        return scaled(measured["focal"], measured["idle"], measured["most"])


load = loader(Strike)
