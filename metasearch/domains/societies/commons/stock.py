"""What a common stock gives, and who gets it: the arithmetic of the game."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction

__all__ = ["ALLOCATIONS", "allocated", "fair_share", "regrown", "sustainable"]

ALLOCATIONS = ("stochastic", "proportional")


def sustainable(stock: int, growth: float) -> int:
    """Return the most units that can be taken so that the stock is as large again next month.

    `f(h) = max{x : g (h - x) >= h}`, `floor(h / 2)` where the rest doubles. Piatti et al. 2024,
    arXiv:2404.16698.

    Args:
        stock: h, at least 0.
        growth: g > 1, a binary fraction such as 1.5.
    """
    return stock - math.ceil(stock / Fraction(growth))


def fair_share(stock: int, growth: float, members: int) -> int:
    """Return one member's whole units of what is sustainable, shared equally by those present."""
    return sustainable(stock, growth) // members


def regrown(left: int, growth: float, capacity: int) -> int:
    """Return next month's stock: whole units, at most the capacity."""
    return min(capacity, math.floor(left * Fraction(growth)))


def allocated(wishes: Sequence[int], stock: int, rule: str, rng: random.Random) -> list[int]:
    """Return what each gets of what it wishes for.

    Everybody gets the wish if there is enough. Else "stochastic" hands out unit by unit to one
    drawn uniformly from those whose wish is unmet; "proportional" gives each the floor of its
    proportional part, and the rest unit by unit, drawn with the unmet wish as weight.

    Args:
        wishes: units, not negative.
        stock: units there are.
        rule: one of `ALLOCATIONS`.
        rng: the only source of chance.
    """
    wanted = sum(wishes)
    if wanted <= stock:
        return list(wishes)
    if rule == "proportional":
        caught = [wish * stock // wanted for wish in wishes]
    else:
        caught = [0] * len(wishes)
    unmet = [wish - got for wish, got in zip(wishes, caught, strict=True)]
    waiting = [member for member, missing in enumerate(unmet) if missing]
    for _ in range(stock - sum(caught)):
        if rule == "proportional":
            [member] = rng.choices(waiting, [unmet[one] for one in waiting])
        else:
            member = waiting[int(rng.random() * len(waiting))]
        caught[member] += 1
        unmet[member] -= 1
        if not unmet[member]:
            waiting.remove(member)
    return caught
