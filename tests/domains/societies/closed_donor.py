"""Known answers of `donor` (Vallinder & Hughes 2024, arXiv:2412.10270), D1 to D5."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from statistics import fmean

from metasearch.domains.societies.base import DESIGN, MakeBot
from metasearch.domains.societies.donor import Donor, Setup, published
from metasearch.domains.societies.donor.bots import Giver, Image, Standing
from metasearch.domains.societies.donor.rules import ceiling, paired
from metasearch.domains.societies.play import rehearse
from metasearch.domains.societies.table import Log

Check = tuple[str, float, float]  # name, found, expected


def giving(share: float) -> MakeBot:
    return partial(Giver, share=share)


def log_of(makers: list[MakeBot], seats: tuple[str, ...] | None = None, **setup: object) -> Log:
    """Play one generation, or as many as said, of the published society."""
    chosen = Setup(**{"generations": 1, **setup})
    game, scenario = Donor(chosen), published(chosen, seats or (DESIGN,) * len(makers))
    bots = [make(random.Random(seat)) for seat, make in enumerate(makers)]
    return rehearse(game.environment(scenario), bots, opening=game.opening(scenario))


def finals(makers: list[MakeBot], **setup: object) -> list[float]:
    """Final units of each seat, both role orders averaged."""
    log = log_of(makers, **setup)
    return next(event["units"] for event in log if event["kind"] == "finals")


def all_give(share: float, **setup: object) -> float:
    return fmean(finals([giving(share)] * 12, **setup))


def single(role_order: int) -> list[float]:
    """Final units in one role order where all give all, from the gifts in the log."""
    units = [10.0] * 12
    for event in log_of([giving(1.0)] * 12):
        if event["kind"] == "dyad" and event["part"] == role_order:
            donor, recipient = event["seats"]
            units[recipient] += 2 * event["fraction"] * units[donor]
            units[donor] *= 1 - event["fraction"]
    return units


def rate(share: float) -> float:
    """Growth of the mean of all per round, late in a long game."""
    return (all_give(share, rounds=40) / all_give(share, rounds=36)) ** 0.25


def one_defector(maker: MakeBot) -> tuple[float, float, int]:
    """Units of the defector, mean units of the others, and the defector's rank."""
    units = finals([giving(0.0), *[maker] * 11])
    return units[0], fmean(units[1:]), 1 + sum(one > units[0] for one in units)


def checks() -> list[Check]:
    """(name, found, expected), rounded as they are printed."""
    found: list[Check] = [("D1 nobody gives", all_give(0.0), 10)]
    table = (0.1, 18.748, 3), (0.25, 53.489, 3), (0.5, 393.906, 3), (0.75, 3482.67, 2)
    for share, expected, digits in (*table, (0.9, 12996.5, 1), (1.0, 30720, 0)):
        found.append((f"D1 all give {share:g}", round(all_give(share), digits), expected))
    found += [("D1 growth at .5", round(rate(0.5), 3), 1.366), ("D1 growth at 1", rate(1.0), 2)]
    ends = single(0)
    found += [("D2 last recipients", max(ends), 61440), ("D2 last donors", min(ends), 0)]
    for multiplier, share, expected in (
        (1.5, 0.5, 67.34),
        (1.5, 1.0, 1081.22),
        (3.0, 0.5, 8784.71),
        (3.0, 1.0, 3542940),
    ):
        value = round(all_give(share, multiplier=multiplier), 2)
        found.append((f"D2 multiplier {multiplier:g}, f = {share:g}", value, expected))
    for name, maker, alone, others, rank in (
        ("D3 among .5", giving(0.5), 455.2, 226.7, 1),
        ("D3 among 1", giving(1.0), 1410.0, 16756.4, 0),
        ("D4 image scoring", Image, 15.0, 99.8, 12),
        ("D4 standing", Standing, 41.6, 277.6, 12),
    ):
        units, rest, place = one_defector(maker)
        found += [(f"{name}, defector", round(units, 1), alone)]
        found += [(f"{name}, others", round(rest, 1), others)]
        found += [(f"{name}, rank", place, rank)] if rank else []
    half = finals([giving(0.0), giving(0.5)] * 6)
    found.append(("D5 defectors", round(fmean(half[::2]), 2), 58.91))
    found.append(("D5 givers", round(fmean(half[1::2]), 2), 7.58))
    found.append(("ceiling", ceiling(12, 2.0, 10), 30720))
    pairs = Counter(pair for t in range(12) for pair in paired(range(12), t, False))
    found.append(("ordered pairs met once", sum(one == 1 for one in pairs.values()), 72))
    both = Counter(frozenset(pair) for pair in pairs.elements())
    found.append(("unordered pairs met twice", sum(one == 2 for one in both.values()), 36))
    return found
