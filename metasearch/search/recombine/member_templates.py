"""The structures that moves put around members: each is a module as a person would write it.

`$one` and `$other` stand for the classes of the members that are put in.
"""

from __future__ import annotations

__all__ = ["BLENDED", "BOLDER", "BY_KIND", "CAUTIOUS", "THEN"]

_OTHER = "        self.other = $other()\n"
_HEAD = '''
from agentkit import Event, Player, Request


class Member(Player):
    """Holds two members; both see everything."""

    def __init__(self) -> None:
        super().__init__()
        self.one = $one()
        self.other = $other()

    def observe(self, event: Event) -> None:
        super().observe(event)
        self.one.observe(event)
        self.other.observe(event)
'''

_NUMBERS = '''
def is_number(value: object) -> bool:
    """Return whether a decision is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def each(one: object, other: object, choose: Callable[[float, float], float]) -> object:
    """Return a number chosen of two, field by field; what is no number is the first one's."""
    if is_number(one) and is_number(other):
        return choose(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: each(value, other.get(name), choose) for name, value in one.items()}
    return one
'''

_BOTH = f"""
from collections.abc import Callable
{_NUMBERS}

{_HEAD}
    async def act(self, request: Request) -> object:
        one, other = await self.one.act(request), await self.other.act(request)
        return each(one, other, %s)
"""

BY_KIND = f"""
KIND = $kind


{_HEAD}
    async def act(self, request: Request) -> object:
        return await (self.other if request.kind == KIND else self.one).act(request)
"""

THEN = f"""
from collections import Counter

FIRST = $first  # requests of each kind


{_HEAD}
    async def act(self, request: Request) -> object:
        self.asked[request.kind] += 1
        early = self.asked[request.kind] <= FIRST
        return await (self.one if early else self.other).act(request)
""".replace(_OTHER, f"{_OTHER}        self.asked: Counter[str] = Counter()\n")

CAUTIOUS = _BOTH % "min"

BOLDER = _BOTH % "max"

BLENDED = f'''
WEIGHT = $weight


def between(one: float, other: float) -> float:
    """Return the weighted mean, a whole number where both are."""
    value = WEIGHT * one + (1 - WEIGHT) * other
    return round(value) if isinstance(one, int) and isinstance(other, int) else value

{_BOTH % "between"}'''
