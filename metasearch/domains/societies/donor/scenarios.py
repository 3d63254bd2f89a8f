"""Scenarios of `donor`: the published numbers for the search, others for the final report."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from metasearch.domains.societies.base import DESIGN, Scenario
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["HIDDEN_NAMES", "NAMES", "Setup", "drawn", "published"]

ENDOWMENT: Final = 10
HIDDEN_ENDOWMENTS: Final = (4, 25, 60)
HIDDEN_MULTIPLIERS: Final = (1.5, 2.5, 3.0)
HIDDEN_SEATS: Final = (8, 10, 14)
NAMES: Final = tuple(f"{a}{b}" for a in ("Ar", "Be", "Co", "Du") for b in ("lo", "mi", "na", "ri"))
HIDDEN_NAMES: Final = tuple(f"{a}{b}" for a in ("Va", "We", "Xi", "Yo") for b in "ksty")

MIXED: Final = (
    ("image", "image"),
    ("standing", "standing", "standing", "giver"),
    ("image", "standing", "defector"),
    ("image",) * 6,
    ("standing",) * 9,
)
HIDDEN_MIXED: Final = (
    ("image_75", "image_75"),
    ("standing_90", "stingy", "image_75"),
    ("standing_90",) * 5,
    ("image_75", "standing_90", "image_75", "stingy"),
)
SHOCKS: Final = (("defector",), ("defector",) * 3)
HIDDEN_SHOCKS: Final = (("defector",) * 2, ("stingy",) * 3)

SURFACE: Final = (
    "{members} people begin with {endowment} coins each and meet in pairs drawn anew each round."
)
HIDDEN_SURFACE: Final = (
    "{members} households hold {endowment} sacks of seed each and are matched anew each season."
)
RULES: Final = (
    " One of the two, the donor, decides which part of its units to give up; the other gets"
    " {multiplier:g} times that. Roles swap the next round. Donors see what the recipient gave"
    " last, what the one who got it had given before, and so on, {trace} step{s} at most. Have as"
    " many units as you can after the last round, whose number nobody knows: the better half stays,"
    " and others take the places of the rest, after reading the strategies of those who stay."
)
PUNISHING: Final = (
    " Instead of giving, a donor may spend units to take twice as many from the recipient."
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a user may set.

    Attributes:
        seats: an even number, 4 to 16.
        rounds: around which the number of rounds is drawn, 4 to 40.
        spread: at most so many rounds more or fewer, 0 to 3.
        generations: 1 to 20.
        multiplier: of a gift, 1.5, 2 or 3 in the paper, above 1 and at most 5.
        trace: how many gifts back a donor sees, 1 to 3.
        punishment: whether donors may punish instead.
    """

    seats: int = 12
    rounds: int = 12
    spread: int = 1
    generations: int = 2
    multiplier: float = 2.0
    trace: int = 3
    punishment: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Json]) -> Setup:
        """Read a user's options; texts are read as JSON.

        Raises:
            ConfigError: an unknown one, or a value out of range.
        """
        known = [one.name for one in fields(cls)]
        found: dict[str, Json] = {}
        for name, given in options.items():
            if name not in known:
                raise ConfigError(f"donor knows no option {name!r}; there are {', '.join(known)}")
            found[name] = _checked(name, given)
        return cls(**found)


def published(setup: Setup, seats: tuple[str, ...], *, setting: str = "self") -> Scenario:
    """Return the paper's society; seats in their own order, the first half gives first."""
    orders = [list(range(len(seats)))] * setup.generations
    return _scenario(setup, setting, seats, orders, NAMES, (ENDOWMENT, SURFACE))


def drawn(setup: Setup, split: Split, setting: str, rng: random.Random) -> Scenario:
    """Draw a scenario: and who meets whom.

    Args:
        setup: of the user.
        split: TEST has another endowment, multiplier, number of seats and of rounds, other names,
            partners and another text.
        setting: "self", "mixed" or "shock".
        rng: the only source of chance.
    """
    hidden = split is Split.TEST
    count = rng.choice([n for n in HIDDEN_SEATS if n != setup.seats]) if hidden else setup.seats
    rounds = setup.rounds + rng.randint(-setup.spread, setup.spread)
    if hidden:
        far = setup.spread + rng.randint(1, 2)
        rounds = max(3, setup.rounds + rng.choice((-far, far)))
    multipliers = [one for one in HIDDEN_MULTIPLIERS if one != setup.multiplier]
    seats = _seated(hidden, setting, count, rng)
    chosen = Setup(
        seats=count,
        rounds=rounds,
        generations=setup.generations,
        multiplier=rng.choice(multipliers) if hidden else setup.multiplier,
        trace=setup.trace,
        punishment=setup.punishment,
    )
    orders = [rng.sample(range(count), count) for _ in range(setup.generations)]
    names = HIDDEN_NAMES if hidden else NAMES
    surface = HIDDEN_SURFACE if hidden else SURFACE
    endowment = rng.choice(HIDDEN_ENDOWMENTS) if hidden else ENDOWMENT
    return _scenario(chosen, setting, seats, orders, names, (endowment, surface))


def _seated(hidden: bool, setting: str, count: int, rng: random.Random) -> tuple[str, ...]:
    others: tuple[str, ...] = ()
    if setting == "mixed":
        others = rng.choice(HIDDEN_MIXED if hidden else MIXED)[: count - 1]
    elif setting == "shock":
        others = rng.choice(HIDDEN_SHOCKS if hidden else SHOCKS)
    return tuple(rng.sample([*others, *[DESIGN] * (count - len(others))], count))


def _scenario(
    setup: Setup,
    setting: str,
    seats: tuple[str, ...],
    orders: list[list[int]],
    names: tuple[str, ...],
    told: tuple[int, str],
) -> Scenario:
    endowment, surface = told
    text = (surface + RULES + (PUNISHING if setup.punishment else "")).format(
        members=len(seats),
        endowment=endowment,
        multiplier=setup.multiplier,
        trace=setup.trace,
        s="s" if setup.trace > 1 else "",
    )
    constants: dict[str, Json] = {
        "text": text,
        "endowment": endowment,
        "multiplier": setup.multiplier,
        "rounds": setup.rounds,
        "generations": setup.generations,
        "trace": setup.trace,
        "punishment": setup.punishment,
        "orders": orders,
        "names": list(names),
    }
    return Scenario(setting, seats, constants)


def _checked(name: str, given: Json) -> Json:
    value = _read(given)
    if name == "punishment":
        if isinstance(value, bool):
            return value
        raise ConfigError(f"donor: punishment is {given!r}; give true or false")
    low, high = {
        "seats": (4, 16),
        "rounds": (4, 40),
        "spread": (0, 3),
        "generations": (1, 20),
        "multiplier": (1.01, 5),
        "trace": (1, 3),
    }[name]
    kind = int | float if name == "multiplier" else int
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        raise ConfigError(f"donor: {name} is {given!r}; give a number from {low} to {high}")
    if name == "seats" and value % 2:
        raise ConfigError(f"donor: seats is {given!r}; give an even number")
    return float(value) if name == "multiplier" else value


def _read(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
