"""Known answers of `commons` (Piatti et al. 2024, arXiv:2404.16698), G1 to G7."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from statistics import fmean, pstdev

from metasearch.domains.societies.base import DESIGN, MakeBot
from metasearch.domains.societies.commons import Commons, Setup, published
from metasearch.domains.societies.commons.bots import Grabber, Once, Silent
from metasearch.domains.societies.commons.stock import allocated, fair_share, sustainable
from metasearch.domains.societies.measures import equality
from metasearch.domains.societies.play import rehearse

Check = tuple[str, float, float]  # name, found, expected
Found = dict[str, float]
PERCENT = {"efficiency", "equality", "over_eq3", "over_published"}
SHORT = {"m": "survival_time", "gain": "gain", "u": "efficiency", "e": "equality", "o": "over_eq3"}


class Fixed(Silent):
    """Takes the same each month."""

    def __init__(self, rng: random.Random, units: int) -> None:
        super().__init__(rng)
        self.units = units

    def harvest(self) -> int:
        return self.units


class Talking(Fixed):
    """The same, never ending the talk."""

    def act(self, request):
        if request["kind"] == "speak":
            return {"text": "Well, well.", "end": False, "next": ""}
        return super().act(request)


class LastMonth(Silent):
    """Shares, and asks for all in the twelfth month."""

    def harvest(self) -> int:
        return self.stock if self.months == 11 else self.share


class PreEntry(Silent):
    """Keeps to the share of four members."""

    def harvest(self) -> int:
        return 12


def log_of(
    makers: list[MakeBot] | MakeBot, *, months: int = 12, seed: int = 0, **setup: str
) -> list:
    """Play the published society with these members."""
    each = makers if isinstance(makers, list) else [makers] * 5
    game, scenario = Commons(), published(Setup(**setup), (DESIGN,) * 5, months=months)
    bots = [make(random.Random(seat)) for seat, make in enumerate(each)]
    opening = game.opening(scenario)
    return rehearse(game.environment(scenario), bots, seed=seed, opening=opening)


def of(makers: list[MakeBot] | MakeBot, **changed) -> Found:
    return Commons().metrics(log_of(makers, **changed))


def fixed(units: int, kind: Callable = Fixed) -> MakeBot:
    return partial(kind, units=units)


def shares(makers: list[MakeBot] | MakeBot, **changed) -> list[int]:
    """Units of each seat."""
    gains = [0] * 5
    for event in log_of(makers, **changed):
        if event["kind"] == "harvest":
            for seat, got in zip(event["seats"], event["catches"], strict=True):
                gains[seat] += got
    return gains


def _row(name: str, found: Found, **expected: float) -> list[Check]:
    """Compare at the digit that is printed."""
    rows = []
    for short, value in expected.items():
        metric = SHORT.get(short, short)
        got = found[metric] * (100 if metric in PERCENT else 1)
        digits = 2 if metric == "over_published" else 1
        rows.append((f"{name} {short}", round(got, digits), value))
    return rows


def _constants() -> list[Check]:
    found = _row("G1 equal share", of(Silent), m=12, gain=120, u=100, e=100, o=0)
    for units in range(1, 11):
        name = f"G1 constant {units}"
        found += _row(name, of(fixed(units)), m=12, gain=12 * units, u=10 * units)
    stocks = [event["stock"] for event in log_of(fixed(11)) if event["kind"] == "harvest"]
    steps = zip(stocks, (100, 90, 70, 30), strict=True)
    found += [(f"G2 stock, month {i}", got, want) for i, (got, want) in enumerate(steps, 1)]
    found += _row("G2 constant 11", of(fixed(11)), m=4, gain=39, u=32.5)
    for units, gain in ((12, 32), (13, 28)):
        found += _row(f"G2 constant {units}", of(fixed(units)), m=3, gain=gain)
    for units, gain in zip(range(14, 20), (26, 25, 24, 23, 22, 21), strict=True):
        found += _row(f"G2 constant {units}", of(fixed(units)), m=2, gain=gain)
    for units in (20, 30, 100):
        found += _row(f"G2 constant {units}", of(fixed(units)), m=1, gain=20, u=16.7)
    return found


def _grabbing() -> list[Check]:
    found = _row("G3 all grab", of(Grabber), m=1, gain=20.0, u=16.7)
    # Of 8,000 draws the mean has a standard error of .04: the digit printed is reproduced.
    parts = [
        100 * equality(allocated([100] * 5, 100, "stochastic", random.Random(seed)))
        for seed in range(8000)
    ]
    found.append(("G3 all grab e", round(fmean(parts), 1), 89.9))
    found.append(("G3 all grab sd", round(pstdev(parts), 1), 3.7))
    one = [*[fixed(10)] * 4, Grabber]
    found += _row("G3 one grabs", of(one), m=1, e=60.0, o=20)
    rows = zip(shares(one), (10, 10, 10, 10, 60), strict=True)
    found += [(f"G3 one grabs, seat {seat}", got, want) for seat, (got, want) in enumerate(rows)]
    found += _row("G4 one takes 20", of([*[fixed(10)] * 4, fixed(20)]), m=3, gain=32.0)
    found += _row("G4 one takes 12", of([*[fixed(10)] * 4, fixed(12)]), m=5, gain=49.6)
    plunder = of(LastMonth)
    found += _row("G5 plunder", plunder, m=12, gain=130, u=100, o=8.3)
    found.append(("G5 total", 5 * plunder["gain"], 650))
    for takers, expected in ((2, 14.29), (4, 28.57), (5, 35.71)):
        makers = [*[fixed(20, Talking)] * takers, *[fixed(10, Talking)] * (5 - takers)]
        found += _row(f"G3 published, {takers} over", of(makers, months=1), over_published=expected)
    return found


def _newcomers() -> list[Check]:
    found: list[Check] = []
    late = {"months": 15, "condition": "newcomer"}
    for name, makers, gains in (
        ("shares", Silent, (156, 156, 156, 156, 120)),
        ("takes 30 once", [*[Silent] * 4, Once], (112, 112, 112, 112, 96)),
    ):
        rows = zip(shares(makers, **late), gains, strict=True)
        found += [(f"G6 {name}, seat {seat}", got, want) for seat, (got, want) in enumerate(rows)]
        found += _row(f"G6 {name}", of(makers, **late), m=15)
    once = log_of([*[Silent] * 4, Once], **late)
    stocks = [event["stock"] for event in once if event["kind"] == "harvest"]
    found += [(f"G6 takes 30 once, month {i}", h, 60) for i, h in enumerate(stocks[4:], 5)]
    found += _row("G6 pre-entry 12", of(PreEntry, **late), m=6)
    return found


def checks() -> list[Check]:
    """(name, found, expected), rounded as they are printed."""
    found = [*_constants(), *_grabbing(), *_newcomers()]
    for stock, most in ((100, 50), (99, 49), (61, 30), (45, 22), (12, 6), (11, 5), (9, 4)):
        found.append((f"G7 f({stock})", sustainable(stock, 2.0), most))
    for stock, share in ((100, 10), (99, 9), (61, 6), (45, 4), (12, 1), (11, 1), (9, 0)):
        found.append((f"G7 share of {stock}", fair_share(stock, 2.0, 5), share))
    return found
