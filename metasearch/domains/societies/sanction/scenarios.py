"""Scenarios of `sanction`: the published numbers for the search, others for the final report."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple

from metasearch.domains.societies.base import DESIGN, Scenario
from metasearch.domains.societies.sanction.payoffs import COSTLY, PUBLISHED, Payoffs
from metasearch.domains.societies.sanction.surface import (
    HIDDEN_NAMES,
    HIDDEN_SURFACES,
    NAMES,
    SURFACES,
)
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["Switches", "drawn"]

SEATS: Final = 5
HIDDEN_SEATS: Final = (4, 6, 7, 8)
SPREAD: Final = 2  # rounds: 8 to 12 around the published 10, so that no last one can be known
NOISE: Final = 0.1

MIXED: Final = (  # who sits beside the design: as a resident with few of them, as a visitor
    ("tft",),
    ("opportunist", "opportunist"),
    ("random_punisher", "opportunist"),
    ("opportunist", "opportunist", "tft"),
    ("grim", "threshold", "opportunist"),
    ("alld", "opportunist", "allc"),
    ("threshold", "threshold", "opportunist", "opportunist"),
    ("opportunist", "opportunist", "opportunist", "opportunist"),
    ("tft", "tft", "alld", "opportunist"),
)
HIDDEN_MIXED: Final = (
    ("wary", "wary"),
    ("sneak", "stubborn"),
    ("forgiving", "wary", "stubborn"),
    ("stubborn", "stubborn", "wary"),
    ("sneak", "forgiving", "alld", "wary"),
    ("wary", "wary", "stubborn", "stubborn", "stubborn"),
)


@dataclass(frozen=True, slots=True)
class Switches:
    """What a user may set.

    Attributes:
        direct: each of two players may punish the other.
        third_party: onlookers may punish.
        selection: partners are chosen, else drawn.
        reputation: reputations are shown, else all are 0.
        costly: punishing a defector costs instead of paying.
        rounds: around which the number of rounds is drawn, at least 3.
    """

    direct: bool = True
    third_party: bool = True
    selection: bool = True
    reputation: bool = True
    costly: bool = False
    rounds: int = 10

    @classmethod
    def of(cls, options: Mapping[str, Json]) -> Switches:
        """Read a user's options; texts are read as JSON.

        Raises:
            ConfigError: an unknown one, or a value of the wrong kind.
        """
        known: dict[str, Json] = {one.name: one.default for one in fields(cls)}
        found: dict[str, Json] = {}
        for name, given in options.items():
            if name not in known:
                raise ConfigError(
                    f"sanction knows no option {name!r}; there are {', '.join(known)}"
                )
            value = _read(given)
            least = SPREAD + 1 if name == "rounds" else False
            if type(value) is not type(known[name]) or value < least:
                wanted = f"a whole number above {SPREAD}" if name == "rounds" else "true or false"
                raise ConfigError(f"sanction: {name} is {given!r}; give {wanted}")
            found[name] = value
        return cls(**found)


class _Table(NamedTuple):
    seats: tuple[str, ...]
    noise: float = 0.0
    joins: tuple[tuple[int, int], ...] = ()


def drawn(switches: Switches, split: Split, setting: str, rng: random.Random) -> Scenario:
    """Draw a scenario.

    Args:
        switches: of the user.
        split: TEST has other payoffs, fines, numbers of seats and rounds, names, texts, partners.
        setting: "self", "mixed" or "shock".
        rng: the only source of chance.
    """
    hidden = split is Split.TEST
    count = rng.choice(HIDDEN_SEATS) if hidden else SEATS
    rounds = switches.rounds + rng.randint(-SPREAD, SPREAD)
    if hidden:
        rounds = rng.choice((max(3, rounds // 2), rounds + switches.rounds // 2 + SPREAD))
    table = _seated(hidden, setting, count, rounds, rng)
    names = HIDDEN_NAMES if hidden else NAMES
    constants = {
        "surface": rng.choice(HIDDEN_SURFACES if hidden else SURFACES),
        "names": rng.sample(names, count),
        "payoffs": _payoffs(hidden, switches.costly, rng).to_json(),
        "direct": switches.direct,
        "third": switches.third_party,
        "selection": switches.selection,
        "reputation": switches.reputation,
        "rounds": rounds,
        "noise": table.noise,
        "joins": {str(seat): at for seat, at in table.joins},
    }
    return Scenario(setting, table.seats, constants)


def _seated(hidden: bool, setting: str, count: int, rounds: int, rng: random.Random) -> _Table:
    """Return who sits where; the design always has a seat, in "self" all of them."""
    if setting == "self":
        return _Table((DESIGN,) * count)
    if setting == "mixed":
        chosen = rng.choice(HIDDEN_MIXED if hidden else MIXED)[: count - 1]
        return _Table(_shuffled(chosen, count, rng))
    shock = rng.choice(("defector", "newcomer", "noise"))
    if shock == "noise":
        return _Table((DESIGN,) * count, noise=NOISE / 2 if hidden else NOISE)
    if shock == "defector":
        return _Table(_shuffled(("alld",), count, rng))
    newcomer = "wary" if hidden else "opportunist"
    seats = _shuffled((newcomer,), count, rng)
    return _Table(seats, joins=((seats.index(newcomer), rounds // 2),))


def _shuffled(others: tuple[str, ...], count: int, rng: random.Random) -> tuple[str, ...]:
    seats = [*others, *[DESIGN] * (count - len(others))]
    return tuple(rng.sample(seats, count))


def _payoffs(hidden: bool, costly: bool, rng: random.Random) -> Payoffs:
    """Return the numbers; hidden ones keep the dilemma, and a fine deters as the published does."""
    known = COSTLY if costly else PUBLISHED
    if not hidden:
        return known
    while True:
        sucker = rng.randint(0, 2)
        punishment = sucker + rng.randint(1, 2)
        reward = punishment + rng.randint(1, 3)
        temptation = reward + rng.randint(1, 2)
        found = replace(
            known,
            reward=reward,
            sucker=sucker,
            temptation=temptation,
            punishment=punishment,
            fine=rng.choice((4, 5, 6)),
            just=rng.choice((-1, -2, -4) if costly else (0, 1, 3)),
            unjust=rng.choice((-5, -8, -12)),
            standing=(1, rng.choice((-2, -3)), rng.choice((1, 3)), rng.choice((-2, -4))),
        )
        if found.is_dilemma:
            return found


def _read(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
