"""Caps that are never exceeded, calls in flight included.

Before a call its worst case is reserved, after it the true cost is settled. Money is counted in
whole picodollars (10^-12 dollars): 0.15 dollars for a million tokens is 150,000 of them for one
token, so every sum is exact and no rounding can carry the total over a cap.

A caller whose worst case does not fit *now* waits for the calls in flight to settle; it fails only
when it could not fit even if all of them turned out to cost nothing. Nobody who holds a reservation
waits for another one, so waiting always ends.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from metasearch.errors import BudgetExhausted, ConfigError
from metasearch.gateway.base import Caps, Spent
from metasearch.types import Owner, Usage

__all__ = ["PICO", "Amount", "Budget", "Reservation"]

PICO = 10**12  # picodollars in a dollar


class Amount(NamedTuple):
    """What a call costs, or may cost at worst."""

    picodollars: int = 0
    tokens: int = 0
    calls: int = 0

    def plus(self, other: Amount) -> Amount:
        """Return the sum, kind by kind."""
        dollars, tokens, calls = other  # written out: a call of a model makes a dozen sums
        return Amount(self.picodollars + dollars, self.tokens + tokens, self.calls + calls)

    def minus(self, other: Amount) -> Amount:
        """Return the difference, kind by kind."""
        dollars, tokens, calls = other
        return Amount(self.picodollars - dollars, self.tokens - tokens, self.calls - calls)


@dataclass(eq=False, slots=True)
class Reservation:
    """A worst case that is held until it is settled or released, once."""

    owner: Owner
    worst: Amount
    open: bool = True


@dataclass(slots=True)
class _Meter:
    """What one owner has paid."""

    picodollars: int = 0
    usage: Usage = field(default_factory=Usage)
    calls: int = 0

    def amount(self) -> Amount:
        return Amount(self.picodollars, self.usage.total, self.calls)

    def spent(self) -> Spent:
        return Spent(self.picodollars / PICO, self.usage, self.calls)


class _Waiter(NamedTuple):
    owner: Owner
    worst: Amount
    place: asyncio.Future[Reservation]


class Budget:
    """One purse for the whole search, with a meter for each owner.

    Args:
        caps: of the whole search.
        spent: what the archive's rows say was paid before, by owner.
        owner_caps: further caps on single owners.

    Raises:
        ConfigError: a cap is not a positive number.
    """

    def __init__(
        self,
        caps: Caps,
        spent: Mapping[Owner, Spent] | None = None,
        owner_caps: Mapping[Owner, Caps] | None = None,
    ) -> None:
        self.caps = caps
        self._cap = _limits(caps, "budget")
        self._owner_cap = {
            owner: _limits(given, f"budget of {owner}")
            for owner, given in (owner_caps or {}).items()
        }
        self._meters = {owner: _Meter() for owner in Owner}
        for owner, before in (spent or {}).items():
            paid = round(before.dollars * PICO)
            self._meters[owner] = _Meter(paid, before.usage, before.calls)
        self._all_paid = self._sum(meter.amount() for meter in self._meters.values())
        self._held = dict.fromkeys(Owner, Amount())
        self._all_held = Amount()
        self._lost = Amount()
        self._aside = Amount()
        self._waiting: deque[_Waiter] = deque()

    async def reserve(self, owner: Owner, worst: Amount) -> Reservation:
        """Hold a call's worst case, waiting for calls in flight to settle if that may help.

        Those who wait are served in the order in which they came.

        Raises:
            BudgetExhausted: it cannot fit, whatever the calls in flight turn out to cost.
        """
        self._refuse_hopeless(owner, worst)
        if not self._waiting and self._fits(owner, worst):
            return self._hold(owner, worst)
        place: asyncio.Future[Reservation] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(owner, worst, place)
        self._waiting.append(waiter)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.release(place.result())  # granted and cancelled in the same turn of the loop
            elif waiter in self._waiting:
                self._waiting.remove(waiter)
                self._serve()
            raise

    def settle(self, reservation: Reservation, usage: Usage, picodollars: int) -> None:
        """Put the true cost in place of the worst case.

        A cost above the reserved one is counted as it is: it has been paid.
        """
        self._close(reservation)
        meter = self._meters[reservation.owner]
        meter.picodollars += picodollars
        meter.usage += usage
        meter.calls += 1
        self._all_paid = self._all_paid.plus(Amount(picodollars, usage.total, 1))
        self._serve()

    def release(self, reservation: Reservation) -> None:
        """Give a worst case back: the call was not made, or is known to have cost nothing."""
        if reservation.open:
            self._close(reservation)
            self._serve()

    def lose(self, reservation: Reservation, usage: Usage) -> None:
        """Settle a call whose answer was lost on its way: most likely billed, so at its worst."""
        self._lost = self._lost.plus(reservation.worst)
        self.settle(reservation, usage, reservation.worst.picodollars)

    def set_aside(self, amount: Amount) -> None:
        """Keep this much of the caps back, in place of what was kept back before.

        The search does so for its final test, and ends it with `Amount()`. What is kept back is
        for evaluations, so it counts against their own cap, too.
        """
        self._aside = amount
        self._serve()

    def spent(self, owner: Owner | None = None) -> Spent:
        """Return what was paid by one owner or by all, earlier runs of this search included."""
        if owner is not None:
            return self._meters[owner].spent()
        total = _Meter()
        for meter in self._meters.values():
            total.picodollars += meter.picodollars
            total.usage += meter.usage
            total.calls += meter.calls
        return total.spent()

    def share(self) -> float:
        """Return the used part of the cap that is nearest to its end; 0.0 without caps."""
        return max(self.shares().values(), default=0.0)

    def shares(self) -> dict[str, float]:
        """Return the used part of every cap, by its name: "the budget of 5 dollars"."""
        purses = [("budget", self._paid(None), self._cap)]
        for owner, caps in self._owner_cap.items():
            purses.append((f"budget of {owner}", self._paid(owner), caps))
        return {
            f"the {name} of {cap / scale:,.10g} {unit}": used / cap
            for name, paid, caps in purses
            for (unit, scale), used, cap in zip(_UNITS, paid, caps, strict=True)
            if cap is not None
        }

    def lost(self) -> Amount:
        """Return what was paid for answers that were lost, all owners together."""
        return self._lost

    def _hold(self, owner: Owner, worst: Amount) -> Reservation:
        self._held[owner] = self._held[owner].plus(worst)
        self._all_held = self._all_held.plus(worst)
        return Reservation(owner, worst)

    def _close(self, reservation: Reservation) -> None:
        if not reservation.open:
            raise ValueError("this reservation is settled already")
        reservation.open = False
        owner = reservation.owner
        self._held[owner] = self._held[owner].minus(reservation.worst)
        self._all_held = self._all_held.minus(reservation.worst)

    def _serve(self) -> None:
        """Let those in who fit now, in order, and turn those away who never will."""
        while self._waiting:
            owner, worst, place = self._waiting[0]
            if not place.done():
                try:
                    self._refuse_hopeless(owner, worst)
                except BudgetExhausted as error:
                    place.set_exception(error)
                else:
                    if not self._fits(owner, worst):
                        return
                    place.set_result(self._hold(owner, worst))
            self._waiting.popleft()

    def _fits(self, owner: Owner, worst: Amount) -> bool:
        total = self._all_paid.plus(self._all_held).plus(self._aside).plus(worst)
        if not _within(total, self._cap):
            return False
        if (cap := self._owner_cap.get(owner)) is None:
            return True
        own = self._paid(owner).plus(self._held[owner]).plus(self._kept(owner)).plus(worst)
        return _within(own, cap)

    def _refuse_hopeless(self, owner: Owner, worst: Amount) -> None:
        """Raise if the call would not fit even beside calls in flight that cost nothing."""
        checks = (
            (self._paid(None).plus(self._aside), self._cap, "budget"),
            (
                self._paid(owner).plus(self._kept(owner)),
                self._owner_cap.get(owner),
                f"budget of {owner}",
            ),
        )
        for paid, caps, name in checks:
            if not _within(paid.plus(worst), caps):
                raise BudgetExhausted(_shortfall(name, paid, worst, caps))

    def _kept(self, owner: Owner) -> Amount:
        return self._aside if owner is Owner.EVALUATION else Amount()

    def _paid(self, owner: Owner | None) -> Amount:
        return self._all_paid if owner is None else self._meters[owner].amount()

    @staticmethod
    def _sum(amounts: Iterable[Amount]) -> Amount:
        total = Amount()
        for amount in amounts:
            total = total.plus(amount)
        return total


_Limits = tuple[int | None, int | None, int | None]
_UNITS = (("dollars", PICO), ("tokens", 1), ("calls", 1))


def _limits(caps: Caps, name: str) -> _Limits:
    for kind in ("dollars", "tokens", "calls"):
        value = getattr(caps, kind)
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise ConfigError(f"the {name} of {value} {kind} must be more than 0; none is no limit")
    # By way of text: 0.1 means a tenth here, not the binary number next to it; rounded down.
    dollars = None if caps.dollars is None else int(Decimal(str(caps.dollars)) * PICO)
    return dollars, caps.tokens, caps.calls


def _within(amount: Amount, caps: _Limits | None) -> bool:
    if caps is None:
        return True
    return all(cap is None or a <= cap for a, cap in zip(amount, caps, strict=True))


def _shortfall(name: str, paid: Amount, worst: Amount, caps: _Limits | None) -> str:
    """Say which cap is reached, in the unit in which the user gave it."""
    for (unit, scale), used, more, cap in zip(_UNITS, paid, worst, caps or (), strict=True):
        if cap is not None and used + more > cap:
            return (
                f"the {name} of {cap / scale:g} {unit} is used up: {used / scale:g} spent or kept "
                f"back for the test, and the next call may take {more / scale:g}; raise it and "
                "resume"
            )
    return f"the {name} is used up"
