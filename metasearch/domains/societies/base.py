"""A game of several members as a domain: a task is an episode, an answer is its log."""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, TypeAlias

from metasearch.domains.base import MEMBER
from metasearch.domains.questions import task_id
from metasearch.domains.societies.play import Bot, rehearse, seat_seed
from metasearch.domains.societies.table import Environment, Log
from metasearch.domains.splits import check_sizes, prove_disjoint
from metasearch.errors import ConfigError
from metasearch.types import Json, Outcome, Score, Split, Task

__all__ = [
    "DESIGN",
    "SETTINGS",
    "Game",
    "Load",
    "MakeBot",
    "Scenario",
    "Society",
    "loader",
    "society",
]

DESIGN: Final = "design"  # who sits on a seat: the design, or a bot of this name

SETTINGS: Final = (
    *("self", "mixed", "self", "shock", "self"),
    *("mixed", "self", "shock", "self", "mixed"),
)
"""Episode i of a split is played in setting i modulo 10: half of them with the design on all seats,
three in ten with focal seats among background members, two in ten with a shock."""

SIZES: Final = {Split.TRAIN: 10, Split.VALIDATION: 30, Split.TEST: 40}

MakeBot: TypeAlias = Callable[[random.Random], Bot]


@dataclass(frozen=True, slots=True)
class Scenario:
    """How one episode is set up; the host's secret.

    Attributes:
        setting: "self", "mixed" or "shock".
        seats: who sits where: `DESIGN` or a bot's name; at least one `DESIGN`.
        constants: of the rules, plain JSON.
    """

    setting: str
    seats: tuple[str, ...]
    constants: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        constants = dict(self.constants)
        return {"setting": self.setting, "seats": list(self.seats), "constants": constants}

    @classmethod
    def of(cls, value: Mapping[str, Json]) -> Scenario:
        """Return what `to_json` had been given."""
        return cls(value["setting"], tuple(value["seats"]), value["constants"])

    @property
    def focal(self) -> tuple[int, ...]:
        """The seats of the design."""
        return tuple(seat for seat, who in enumerate(self.seats) if who == DESIGN)


class Game(ABC):
    """The rules of one kind of society, its scenarios, and what its episodes are worth.

    Attributes:
        name: of the domain: "commons".
        about: for those who write members: what the episode is, each kind of request with its
            fields and its reply, each event, how it is scored. Never a hidden constant.
        bots: background members by name; also the floor and the reference of tests.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    bots: ClassVar[Mapping[str, MakeBot]]

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> Game:
        """Return the game as a user asks for it; by default it knows no argument and no option.

        Raises:
            ConfigError: an unknown option or argument, or a value out of range.
        """
        cls.refuse(argument, options)
        return cls()

    @classmethod
    def refuse(cls, argument: str = "", options: Mapping[str, Json] | None = None) -> None:
        """Raise `ConfigError` for what is left of a user's argument and options."""
        if argument:
            raise ConfigError(f"{cls.name} takes no argument, not {argument!r}")
        if options:
            raise ConfigError(f"{cls.name} knows no option {next(iter(options))!r}")

    @abstractmethod
    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw a scenario. Train and validation use the known constants; test is hidden.

        Args:
            split: TEST draws constants, horizons, names and texts that the others never have.
            setting: "self", "mixed" or "shock".
            rng: the only source of chance.
        """

    @abstractmethod
    def environment(self, scenario: Scenario) -> Environment:
        """Return the rules of one episode."""

    @abstractmethod
    def metrics(self, log: Log) -> dict[str, float]:
        """Return all metrics of one episode, finite numbers; a pure function of its log."""

    @abstractmethod
    def score(self, log: Log) -> float:
        """Return what the design's seats have achieved, from 0 (floor) to 1 (analytic bound).

        A pure function of the log; values beyond the bounds are cut.
        """

    def opening(self, scenario: Scenario) -> dict[str, Json]:
        """Return the facts of an episode's first event: the whole scenario.

        A log can therefore be scored without anything else.
        """
        return {"game": self.name, **scenario.to_json()}

    def rehearse(self, scenario: Scenario, member: MakeBot, *, seed: int = 0) -> Log:
        """Play one episode on the host, with `member` on the design's seats.

        Args:
            scenario: who sits where, and the constants.
            member: makes the bot of one seat; our own code only.
            seed: of the episode's chance, that of all seats included.
        """
        makers = [member if who == DESIGN else self.bots[who] for who in scenario.seats]
        bots = [make(random.Random(seat_seed(seed, seat))) for seat, make in enumerate(makers)]
        environment = self.environment(scenario)
        return rehearse(environment, bots, seed=seed, opening=self.opening(scenario))


class Society:
    """A game as a domain. Immutable.

    Attributes:
        entry: what a design has to define.
    """

    entry = MEMBER

    def __init__(self, game: Game, splits: Mapping[Split, tuple[Task, ...]]) -> None:
        self.game = game
        self._splits = dict(splits)
        prove_disjoint(self._splits, game.name)

    @property
    def name(self) -> str:
        """The game's name."""
        return self.game.name

    @property
    def description(self) -> str:
        """What the game says to those who write members."""
        return self.game.about

    def tasks(self, split: Split) -> Sequence[Task]:
        """Return the episodes of one split, in a fixed order."""
        return self._splits[split]

    def scenario(self, task: Task) -> Scenario:
        """Return how an episode is set up."""
        return Scenario.of(task.extra)

    def score(self, task: Task, answer: Json) -> Score:
        """Score an episode by its log; pure, never raises. The answer is `{"log": [...]}`."""
        del task
        log = answer.get("log") if isinstance(answer, dict) else None
        if not isinstance(log, list) or not log:
            return Score(0.0, Outcome.WRONG_FORMAT, "no episode was played")
        return Score(min(1.0, max(0.0, self.game.score(log))))

    def constant(self, tasks: Sequence[Task]) -> tuple[Json, float]:
        """Return the floor: the mean score in [0, 1] of members that never decide anything."""
        logs = [self.game.rehearse(self.scenario(task), _Idle) for task in tasks]
        return "nothing", sum(min(1.0, max(0.0, self.game.score(log))) for log in logs) / len(logs)

    def metrics(self, answer: Json) -> dict[str, float]:
        """Return an episode's metrics, {} where none was played."""
        log = answer.get("log") if isinstance(answer, dict) else None
        return self.game.metrics(log) if isinstance(log, list) and log else {}


class _Idle:
    """A member whose every action is the neutral one."""

    def __init__(self, rng: random.Random) -> None:
        del rng

    def observe(self, event: Json) -> None:
        """Take no notice."""

    def act(self, request: Json) -> Json:
        """Decide nothing."""
        del request


class Load(Protocol):
    """Makes a game's domain; what is registered as a plug-in."""

    def __call__(
        self,
        argument: str = "",
        *,
        sizes: Mapping[Split, int] | None = None,
        seed: int = 0,
        options: Mapping[str, Json] | None = None,
    ) -> Society:
        """Return the domain.

        Args:
            argument: what followed the colon of `--domain`; see the game's `of`.
            sizes: episodes of a split; 10, 30 and 40 by default.
            seed: another seed draws other scenarios.
            options: what else the game knows; see its `of`.

        Raises:
            ConfigError: an unknown option or argument, or a value out of range.
        """
        ...


def loader(game: type[Game]) -> Load:
    """Return the function that makes a game's domain as a user asks for it."""

    def load(
        argument: str = "",
        *,
        sizes: Mapping[Split, int] | None = None,
        seed: int = 0,
        options: Mapping[str, Json] | None = None,
    ) -> Society:
        return society(game.of(argument, options or {}), sizes=sizes, seed=seed)

    return load


def society(game: Game, *, sizes: Mapping[Split, int] | None = None, seed: int = 0) -> Society:
    """Return a game's domain with so many episodes in each split.

    Args:
        game: whose rules.
        sizes: episodes of a split; 10, 30 and 40 by default.
        seed: another seed draws other scenarios.

    Raises:
        ConfigError: the game cannot draw so many scenarios.
    """
    wanted = {**SIZES, **check_sizes(sizes)}
    splits = {split: _drawn(game, split, wanted[split], seed) for split in Split}
    return Society(game, splits)


def _drawn(game: Game, split: Split, size: int, seed: int) -> tuple[Task, ...]:
    tasks: list[Task] = []
    for number in range(size):
        setting = SETTINGS[number % len(SETTINGS)]
        rng = random.Random(f"{game.name}/{seed}/{split}/{number}")
        scenario = game.scenario(split, setting, rng).to_json()
        # Two episodes of equal constants differ in their chance, so the number is part of it.
        episode = {"game": game.name, "episode": f"{seed}/{split}/{number}", **scenario}
        prompt = json.dumps(episode, sort_keys=True)
        tasks.append(Task(task_id(prompt), prompt, None, kind=setting, extra=scenario))
    return tuple(tasks)
