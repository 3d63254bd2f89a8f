"""Scenarios of `commons`: the published numbers for the search, others for the final report."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from metasearch.domains.societies.base import DESIGN, Scenario
from metasearch.domains.societies.commons.bots import APPETITES
from metasearch.domains.societies.commons.stock import ALLOCATIONS, sustainable
from metasearch.domains.societies.commons.surface import (
    HIDDEN_NAMES,
    HIDDEN_SKINS,
    NAMES,
    NEWCOMER,
    SKINS,
    VILLAGER,
)
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["CONDITIONS", "Setup", "drawn", "published"]

CONDITIONS: Final = ("default", "universalization", "newcomer", "no_communication")
CAPACITY, GROWTH, COLLAPSE = 100, 2.0, 5
HIDDEN_MONTHS: Final = (10, 15)  # the range of the final report's horizons

MIXED: Final = (  # who sits beside the design: it is resident, or a visitor
    ("threshold",),
    ("silent", "quota"),
    ("greedy",),
    ("threshold", "threshold", "quota"),
    ("silent", "silent", "threshold", "quota"),
    ("greedy", "quota"),
    ("constant", "threshold", "silent"),
)
HIDDEN_MIXED: Final = (
    ("promiser",),
    ("creeper", "quota"),
    ("careful", "careful", "promiser"),
    ("creeper", "silent", "careful"),
    ("promiser", "quota", "quota"),
)
SHOCKS: Final = (("once", True), ("greedy", True), ("greedy", False))  # who, and whether later
HIDDEN_SHOCKS: Final = (("once", True), ("greedy_3", True), ("greedy_3", False), ("creeper", False))


@dataclass(frozen=True, slots=True)
class Setup:
    """What a user may set.

    Attributes:
        skin: one of `SKINS`, "" for all in turn.
        condition: one of `CONDITIONS`.
        allocation: one of `ALLOCATIONS`.
        months: around which the horizon is drawn, 3 to 60.
        spread: at most so many months more or fewer, 0 to 5.
        seats: 3 to 8.
    """

    skin: str = ""
    condition: str = "default"
    allocation: str = "stochastic"
    months: int = 6
    spread: int = 1
    seats: int = 5

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> Setup:
        """Read the argument, a skin, and a user's options; numbers may be texts.

        Raises:
            ConfigError: an unknown one, or a value out of range.
        """
        choices: dict[str, tuple[Json, ...]] = {
            "condition": CONDITIONS,
            "allocation": ALLOCATIONS,
            "months": tuple(range(3, 61)),
            "spread": tuple(range(6)),
            "seats": tuple(range(3, 9)),
        }
        found: dict[str, Json] = {"skin": _chosen("the skin", argument, ("", *SKINS))}
        for name, given in options.items():
            if name not in choices:
                known = ", ".join(choices)
                raise ConfigError(f"commons knows no option {name!r}; there are {known}")
            found[name] = _chosen(name, given, choices[name])
        setup = cls(**found)
        if setup.months - setup.spread < 2:
            raise ConfigError("commons: months less spread is below 2; give more months")
        return setup


def published(
    setup: Setup, seats: tuple[str, ...], *, setting: str = "self", months: int = 12
) -> Scenario:
    """Return the paper's society: capacity 100, doubling, collapse below 5, its first names.

    Args:
        setup: skin, condition and allocation are taken from it.
        seats: who sits where; in the condition "newcomer" the last comes with the fourth month.
        setting: "self", "mixed" or "shock".
        months: the horizon.
    """
    names = list(NAMES[: len(seats)])
    joins = {len(seats) - 1: 3} if setup.condition == "newcomer" else {}
    skin = setup.skin or next(iter(SKINS))
    numbers = (CAPACITY, GROWTH, COLLAPSE, months)
    return _scenario(setup, setting, seats, names, skin, numbers, joins)


def drawn(setup: Setup, split: Split, setting: str, rng: random.Random) -> Scenario:
    """Draw a scenario.

    Args:
        setup: of the user.
        split: TEST has another capacity, growth, number of seats, horizon, other names, skins and
            partners, whatever the user's skin.
        setting: "self", "mixed" or "shock".
        rng: the only source of chance.
    """
    hidden = split is Split.TEST
    count = rng.choice([n for n in range(3, 9) if n != setup.seats]) if hidden else setup.seats
    spread = range(setup.months - setup.spread, setup.months + setup.spread + 1)
    months = rng.randint(*HIDDEN_MONTHS) if hidden else rng.choice(spread)
    capacity = rng.choice([k for k in range(60, 201) if k != CAPACITY]) if hidden else CAPACITY
    growth = rng.choice((1.5, 2.0, 3.0)) if hidden else GROWTH
    skins = list(HIDDEN_SKINS) if hidden else [setup.skin] if setup.skin else list(SKINS)
    skin = rng.choice(skins)
    names = rng.sample(HIDDEN_NAMES if hidden else NAMES, count)
    seats, late = _seated(hidden, setting, count, rng)
    if setup.condition == "newcomer" and not late:
        late = (rng.choice([seat for seat in range(count) if seats[seat] == DESIGN]),)
        if seats.count(DESIGN) == 1:  # the design is not to miss a part of its own episode
            late = ()
    first = max(2, round(months / 5))
    joins = dict.fromkeys(late, first)
    numbers = (capacity, growth, max(2, round(COLLAPSE * capacity / CAPACITY)), months)
    return _scenario(setup, setting, seats, names, skin, numbers, joins)


def _seated(
    hidden: bool, setting: str, count: int, rng: random.Random
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return who sits where and which seats come later; the design always has a seat."""
    if setting == "self":
        return (DESIGN,) * count, ()
    if setting == "mixed":
        others, later = rng.choice(HIDDEN_MIXED if hidden else MIXED)[: count - 1], False
    else:
        who, later = rng.choice(HIDDEN_SHOCKS if hidden else SHOCKS)
        others = (who,)
    seats = tuple(rng.sample([*others, *[DESIGN] * (count - len(others))], count))
    return seats, (seats.index(others[0]),) if later else ()


def _scenario(
    setup: Setup,
    setting: str,
    seats: tuple[str, ...],
    names: list[str],
    skin: str,
    numbers: tuple[int, float, int, int],
    joins: Mapping[int, int],
) -> Scenario:
    capacity, growth, collapse, months = numbers
    told = setup.condition == "newcomer"
    personas = [
        (NEWCOMER if seat in joins else VILLAGER) if told else "" for seat in range(len(seats))
    ]
    constants: dict[str, Json] = {
        "skin_name": skin,
        "skin": asdict({**SKINS, **HIDDEN_SKINS}[skin]),
        "names": names,
        "personas": personas,
        "condition": setup.condition,
        "allocation": setup.allocation,
        "capacity": capacity,
        "growth": growth,
        "collapse": collapse,
        "months": months,
        "joins": {str(seat): at for seat, at in joins.items()},
        "attainable": _attainable(seats, sustainable(capacity, growth)),
    }
    return Scenario(setting, seats, constants)


def _attainable(seats: tuple[str, ...], bound: int) -> float:
    """Return units a month that a seat of the design can have for ever beside these bots.

    An equal share; less where bots take more than one of the full stock, see `APPETITES`.
    """
    focal = seats.count(DESIGN)
    taken = sum(max(1.0, APPETITES.get(who, 1.0)) for who in seats if who != DESIGN)
    return bound / len(seats) * min(1.0, max(0.1, (len(seats) - taken) / max(1, focal)))


def _chosen(name: str, given: Json, allowed: tuple[Json, ...]) -> Json:
    value = _read(given) if allowed and isinstance(allowed[0], int) else given
    if isinstance(value, bool) or value not in allowed:
        whole = isinstance(allowed[0], int)
        there = f"{allowed[0]} to {allowed[-1]}" if whole else ", ".join(a for a in allowed if a)
        raise ConfigError(f"commons: {name} is {given!r}; give one of {there}")
    return value


def _read(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
