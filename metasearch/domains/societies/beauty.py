"""`beauty`: everybody names a number; who is closest to a part of the mean wins.

Pan et al. 2024, "Very large-scale multi-agent simulation in AgentScope", arXiv:2407.17789; levels
of reasoning after Nagel 1995. Each of N people names a number in [low, high]; the target is
`factor * mean + offset`; in a mixture everybody within .5 percent of the range of it has won. The
last winning numbers are known to all. The rules have one equilibrium, `offset / (1 - factor)`: 0
for 2/3 of the mean, 10 for 5 + half of it. Level k answers k times over: 50, 33.33, 22.22, 14.81,
9.88 ... for 2/3.

The design's seats are archetypes: each is asked `draws` times a round and stands for all people of
its kind (see `archetypes`), so that a million people cost no more calls than a hundred. The rest
of the population is a hidden mixture of levels 0 to 3 and of people who pick by lot.

Worth: the share of (round, person of the design) that won. Floor 0 (the midpoint, which is never a
target here), bound 1. How close to the equilibrium a number is counts nothing.

Cheating: a constant 0, or recall of the classic game (factor, offset and range vary, and people
who pick by lot keep the target off the equilibrium); agreeing on a number through a side channel
(the design is a quarter of the population, so the others move the target; members share nothing).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from metasearch.domains.societies.archetypes import Archetypes
from metasearch.domains.societies.base import DESIGN, Game, MakeBot, Scenario, loader
from metasearch.domains.societies.decisions import Real
from metasearch.domains.societies.measures import invalid_rate
from metasearch.domains.societies.table import Ask, Event, Log, Play, Table
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["Beauty", "Contest", "best_reply", "equilibrium", "level", "load"]

TOLERANCE: Final = 0.005  # of the range: .5 of 100
LEVELS: Final = 4  # 0 to 3; the fifth kind picks by lot
NOISE: Final = 0.01  # of the range: standard deviation of what a level says
DESIGN_SHARE: Final = 0.25  # of the population
SEATS: Final = 4
MOST_POPULATION: Final = 1_000_000
MOST_DRAWS: Final = 20
RULES_KNOWN: Final = ((2 / 3, 0), (0.5, 0), (0.5, 5), (0.51, 0))  # factor, offset
HIDDEN_RULES: Final = ((0.8, 4), (0.4, 12), (0.6, -3))
PERSONAS: Final = (
    *("a school pupil", "a student of arts", "an accountant", "a retired nurse"),
    *("a game theorist", "a shopkeeper"),
)
HIDDEN_PERSONAS: Final = ("a bus driver", "a poet", "a statistician", "a farmer", "a judge")


def level(k: int, factor: float, offset: float, start: float) -> float:
    """Return what level k says: the rule applied k times to what level 0 says."""
    for _ in range(k):
        start = factor * start + offset
    return start


def equilibrium(factor: float, offset: float) -> float:
    """Return the number that is its own target; `factor` is not 1."""
    return offset / (1 - factor)


def best_reply(factor: float, others_mean: float, people: int, offset: float = 0.0) -> float:
    """Return the number that is the target itself, one's own part in the mean reckoned with.

    With no offset `r (N - 1) m / (N - r)`.
    """
    return (factor * (people - 1) * others_mean + offset * people) / (people - factor)


class Contest:
    """Some rounds of one population.

    Args:
        constants: `factor`, `offset`, `low`, `high`, `rounds`, `population`, `share` (of it, the
            seats'), `draws`, `personas` (one a seat), `mix` (shares of levels 0 to 3 and of lots),
            `wording`, and `later`: the factor from the middle on.
    """

    def __init__(self, constants: Mapping[str, Json]) -> None:
        self.constants = constants
        self.seats = len(constants["personas"])

    def play(self, table: Table) -> Play:
        """Play all rounds."""
        c = self.constants
        low, high = float(c["low"]), float(c["high"])
        for seat in range(self.seats):
            table.tell("rules", [seat], text=RULES, you=f"Seat {seat}")
        rng = np.random.default_rng(table.rng.getrandbits(63))
        mine = max(self.seats, round(c["share"] * c["population"]))
        # Everybody of a kind is asked the same, so the kind is the key.
        people = Archetypes.by(np.resize(np.arange(self.seats, dtype=np.int32), mine))
        crowd = rng.choice(len(c["mix"]), size=c["population"] - mine, p=c["mix"])
        history: list[float] = []
        anchor = (low + high) / 2
        for number in range(c["rounds"]):
            factor = c["later"] if number >= c["rounds"] / 2 else c["factor"]
            asks = self._asks(factor, history)
            answers = np.empty((self.seats, c["draws"]))
            for draw in range(c["draws"]):
                answers[:, draw] = yield asks
            said = people.spread(answers, rng)
            others = _crowd(crowd, level_numbers(factor, c["offset"], anchor), low, high, rng)
            mean = (said.sum() + others.sum()) / (len(said) + len(others))
            target = float(min(high, max(low, factor * mean + c["offset"])))
            won = np.abs(said - target) <= TOLERANCE * (high - low)
            shares = np.bincount(people.of, won, self.seats) / people.counts
            anchor = target
            history = [*history, round(target, 6)]
            table.tell("round", number=number, winning_number=history[-1])
            table.note(
                "worth",
                won=[float(share) for share in shares],
                mean=float(mean),
                spread=float(said.std()),
            )

    def _asks(self, factor: float, history: Sequence[float]) -> list[Ask]:
        c = self.constants
        text = TEXTS[c["wording"]].format(
            low=c["low"], high=c["high"], factor=round(factor, 4), offset=c["offset"]
        )
        about = {"factor": factor, "offset": c["offset"], "low": c["low"], "high": c["high"]}
        reply, middle = Real(c["low"], c["high"]), (c["low"] + c["high"]) / 2
        return [
            Ask(
                seat,
                "guess",
                {"rule_text": text, "history": list(history), "persona": persona, **about},
                reply,
                middle,
            )
            for seat, persona in enumerate(c["personas"])
        ]


RULES: Final = (
    "Many people name a number at the same time, in several rounds. Win as often as you can."
)
TEXTS: Final = (
    "Everybody names a number from {low} to {high}. Closest to {factor} times the mean of all "
    "numbers, plus {offset}, wins.",
    "Pick any number between {low} and {high}. The prize goes to whoever is nearest to {offset} "
    "more than {factor} of the average pick.",
)


def level_numbers(factor: float, offset: float, anchor: float) -> NDArray[np.float64]:
    """Return what each level says, (levels,)."""
    return np.array([level(k, factor, offset, anchor) for k in range(LEVELS)])


def _crowd(
    kinds: NDArray[np.int64],
    numbers: NDArray[np.float64],
    low: float,
    high: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    lots = rng.uniform(low, high, size=len(kinds))
    thought = numbers[np.minimum(kinds, LEVELS - 1)]
    thought += rng.normal(0, NOISE * (high - low), size=len(kinds))
    return np.clip(np.where(kinds == LEVELS, lots, thought), low, high)


class Level:
    """Says what its level says, the last winning number being level 0.

    Args:
        k: the level.
    """

    def __init__(self, k: int) -> None:
        self.k = k

    def observe(self, event: Event) -> None:
        """Take no notice: the history comes with each request."""

    def act(self, request: dict[str, Json]) -> Json:
        """Guess."""
        return self.within(request, self.guess(request))

    def within(self, request: dict[str, Json], number: float) -> float:
        """Return the number, brought into the range."""
        return float(min(request["high"], max(request["low"], number)))

    def guess(self, request: dict[str, Json]) -> float:
        """Return the level's number."""
        middle = (request["low"] + request["high"]) / 2
        anchor = request["history"][-1] if request["history"] else middle
        return level(self.k, request["factor"], request["offset"], anchor)


class Adaptive(Level):
    """Expects the mean to answer the last target as it has answered the one before."""

    def __init__(self) -> None:
        super().__init__(2)

    def guess(self, request: dict[str, Json]) -> float:
        """Fit a line through the targets so far; level 2 where there are too few."""
        history = request["history"]
        if len(history) < 2:
            return super().guess(request)
        middle = (request["low"] + request["high"]) / 2
        before = [middle, *history[:-1]]
        if len(set(before)) < 2:
            return float(history[-1])
        slope, intercept = np.polyfit(before, history, 1)
        return float(slope * history[-1] + intercept)


class Beauty(Game):
    """Guessing a part of the average.

    Args:
        population: people in all, 20 to a million; None is 200, and other numbers in hidden ones.
        draws: how often each seat is asked a round.
    """

    name: ClassVar[str] = "beauty"
    bots: ClassVar[Mapping[str, MakeBot]] = {
        "level-0": lambda rng: Level(0),  # noqa: ARG005 - a bot without chance
        "level-1": lambda rng: Level(1),  # noqa: ARG005
        "level-2": lambda rng: Level(2),  # noqa: ARG005
        "level-3": lambda rng: Level(3),  # noqa: ARG005
        "adaptive": lambda rng: Adaptive(),  # noqa: ARG005
    }
    about: ClassVar[str] = """\
A large population names numbers at the same time, in several rounds; everybody within .5 percent \
of the range of `factor` * mean + `offset` wins the round. Each member stands for many people of \
one kind and is asked several times a round; each of them says one of its answers.
Request "guess": `rule_text`, `factor`, `offset`, `low`, `high`, `persona` (the kind of people), \
`history` (winning numbers so far); reply: a number from low to high (neutral: the midpoint).
Event "round": number, winning_number.
Most of the population is not of the design: people of unknown depth of reasoning, and some who \
pick by lot. The factor may change on the way.
Score: the share of your people that win, over all rounds."""

    def __init__(self, population: int | None = None, draws: int = 3) -> None:
        self.population = population
        self.draws = draws

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> Beauty:
        """Return the game of a `population` (20 to 1,000,000) and so many `draws` (1 to 20)."""
        left = dict(options)
        population = _whole(left.pop("population", None), "population", 20, MOST_POPULATION)
        draws = _whole(left.pop("draws", None), "draws", 1, MOST_DRAWS)
        cls.refuse(argument, left)
        return cls(population, draws or 3)

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw rule, mixture and kinds of people; hidden ones have other rules and ranges."""
        hidden = split is Split.TEST
        factor, offset = rng.choice(HIDDEN_RULES if hidden else RULES_KNOWN)
        low, high = rng.choice(((10, 60), (0, 250))) if hidden else (0, 100)
        weights = [rng.random() for _ in range(LEVELS)]
        lots = rng.uniform(0.1, 0.3)
        mix = [(1 - lots) * weight / sum(weights) for weight in weights]
        others = {"self": 0, "mixed": rng.choice((1, 2)), "shock": 0}[setting]
        bots = [rng.choice(sorted(self.bots)) for _ in range(others)]
        constants: dict[str, Json] = {
            "factor": factor,
            "later": rng.choice((0.3, 0.9)) if setting == "shock" else factor,
            "offset": offset,
            "low": low,
            "high": high,
            "rounds": 7 if hidden else 5,
            "population": self.population or (rng.choice((150, 500)) if hidden else 200),
            "share": DESIGN_SHARE,
            "draws": self.draws,
            "personas": rng.sample(HIDDEN_PERSONAS if hidden else PERSONAS, SEATS),
            "mix": [*mix, 1 - sum(mix)],
            "wording": int(hidden),
        }
        return Scenario(setting, (*[DESIGN] * (SEATS - others), *bots), constants)

    def environment(self, scenario: Scenario) -> Contest:
        """Return the rounds."""
        return Contest(scenario.constants)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return the share of wins (`won`) of the focal seats' people, in [0, 1], and more.

        `first` and `last`: the mean number of the first and the last round; `spread`: mean standard
        deviation of the design's numbers; `people`; `calls_saved`: share against asking everybody
        once; `invalid_rate`.
        """
        scenario, c = Scenario.of(log[0]), log[0]["constants"]
        rounds = [event for event in log if event["kind"] == "worth"]
        focal = scenario.focal
        won = [one["won"][seat] for one in rounds for seat in focal]
        people = max(len(scenario.seats), round(c["share"] * c["population"]))
        return {
            "won": sum(won) / len(won) if won else 0.0,
            "first": rounds[0]["mean"] if rounds else 0.0,
            "last": rounds[-1]["mean"] if rounds else 0.0,
            "spread": sum(one["spread"] for one in rounds) / max(1, len(rounds)),
            "people": float(people),
            "calls_saved": 1 - len(scenario.seats) * c["draws"] / people,
            "invalid_rate": invalid_rate(log, focal),
        }

    def score(self, log: Log) -> float:
        """Return the share of wins."""
        return self.metrics(log)["won"]


load = loader(Beauty)


def _whole(value: Json, name: str, low: int, high: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"beauty: {name} is a whole number from {low} to {high}, not {value!r}")
    return value
