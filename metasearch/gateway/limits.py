"""How many calls of one model may be in flight: as many as its endpoint answers without complaint.

Additive increase, multiplicative decrease (Chiu and Jain 1989), in rounds: the calls begun in one
round are judged together, because refusals come back faster than answers and would be counted too
often one by one. A cut that costs throughput and does not make refusals rarer is undone: some
endpoints refuse at random, and against those fewer calls only mean less work done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from aiolimiter import AsyncLimiter

__all__ = ["AdaptiveLimit", "Slot"]

DEEPEST_CUT = 0.5
JUDGED_SHARE = 0.75  # a round is judged when so much of it is back; stragglers are not waited for
SMALLEST_ROUND = 16
PAUSE_SHARE = 0.75  # of a round refused: then everybody waits for Retry-After, not one caller
HELPED = 0.6  # a cut helped when refusals fell below this part of their share before
KEPT = 0.8  # ... or when throughput stayed above this part
BY_CHANCE = 0.75  # who refuses a larger share than this does not do so at random
CALM_ROUNDS = 20  # after an undone cut refusals of the same share are put up with for so long
MORE_REFUSALS = 0.2  # ... unless their share rises by this


class Slot(NamedTuple):
    """A place in flight; `round` says in which round it was taken."""

    round: int


class _Judged(NamedTuple):
    """A past round: limit, share of refusals in [0, 1], answers a second."""

    limit: float
    refused: float
    rate: float


class AdaptiveLimit:
    """Places for calls in flight.

    Args:
        ceiling: most places, at least 1; there is always at least one.
        requests_per_minute: None is no limit; bursts are at most one second's worth.
        clock: seconds, monotonic.

    Attributes:
        limit: places now, a real number in [1, ceiling].
        busy: places taken.
    """

    def __init__(
        self,
        ceiling: int,
        *,
        requests_per_minute: float | None = None,
        clock: Callable[[], float],
    ) -> None:
        self.ceiling = ceiling
        self.limit = float(ceiling)
        self.busy = 0
        self._clock = clock
        self._pace = _pace(requests_per_minute)
        self._queue: deque[asyncio.Future[Slot]] = deque()
        self._resume_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._before: _Judged | None = None
        self._calm = 0
        self._calm_share = 0.0
        self._round = 0
        self._begin_round()

    @property
    def waiting(self) -> int:
        """Callers without a place."""
        return len(self._queue)

    async def acquire(self, *, again: bool = False) -> Slot:
        """Wait for a place; those who come `again` after a refusal go first."""
        if self._pace is not None:
            await self._pace.acquire()
        if not self._queue and self._free():
            return self._take()
        place: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        (self._queue.appendleft if again else self._queue.append)(place)
        self._admit()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()  # granted and cancelled in the same turn of the loop
            raise

    def answered(self, slot: Slot) -> None:
        """Give a place back after an answer, whatever it was."""
        self._leave(slot, refused=False)

    def refused(self, slot: Slot, retry_after: float | None = None) -> None:
        """Give a place back after 429, 503 or a time-out.

        Args:
            slot: the place.
            retry_after: seconds that the endpoint asks for, None when it does not.
        """
        heavy = self._refused + 1 >= PAUSE_SHARE * self._size or self.limit < 2
        if retry_after is not None and heavy:
            self._resume_at = max(self._resume_at, self._clock() + retry_after)
        self._leave(slot, refused=True)

    def failed(self, slot: Slot) -> None:
        """Give a place back after a failure that says nothing about load."""
        self._leave(slot, refused=None)

    def _free(self) -> bool:
        return self.busy < int(self.limit) and self._clock() >= self._resume_at

    def _take(self) -> Slot:
        self.busy += 1
        if self._begun < self._size:
            self._begun += 1
            return Slot(self._round)
        return Slot(-1)  # the round is full: this call is not judged

    def _leave(self, slot: Slot | None = None, *, refused: bool | None = None) -> None:
        self.busy -= 1
        if slot is not None and slot.round == self._round:
            self._back += 1
            self._refused += refused is True
            self._answers += refused is False
            if self._back >= JUDGED_SHARE * self._size:
                self._judge()
        self._admit()

    def _admit(self) -> None:
        while self._queue and self._free():
            place = self._queue.popleft()
            if not place.done():
                place.set_result(self._take())
        wait = self._resume_at - self._clock()
        if self._queue and wait > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._admit()

    def _begin_round(self) -> None:
        self._round += 1
        self._size = max(SMALLEST_ROUND, int(self.limit)) if self.limit >= 2 else 2
        self._begun = self._back = self._refused = self._answers = 0
        self._since = self._clock()

    def _judge(self) -> None:
        elapsed = max(self._clock() - self._since, 1e-6)
        now = _Judged(self.limit, self._refused / self._back, self._answers / elapsed)
        self._calm -= self._calm > 0
        put_up_with = self._calm_share + MORE_REFUSALS if self._calm else 0.0
        if now.refused <= put_up_with:
            step = max(1.0, min(self.ceiling / 16, self.limit / 10))  # small steps near the floor
            self.limit = min(self.limit + step, self.ceiling)
            self._before = None
        elif self._in_vain(now):
            assert self._before is not None
            self.limit = self._before.limit
            self._calm, self._calm_share = CALM_ROUNDS, now.refused
            self._before = None
        else:
            if self._before is None or now.rate > self._before.rate:
                self._before = now
            self.limit = max(1.0, self.limit * max(DEEPEST_CUT, 1 - now.refused))
        self._begin_round()

    def _in_vain(self, now: _Judged) -> bool:
        """Say whether the last cut cost throughput and did not make refusals rarer."""
        before = self._before
        return (
            before is not None
            and now.limit < before.limit
            and 0 < now.rate < KEPT * before.rate
            and HELPED * before.refused < now.refused < BY_CHANCE
        )


def _pace(requests_per_minute: float | None) -> AsyncLimiter | None:
    """Return a limiter by the second: a whole minute's burst at once is refused by most."""
    if requests_per_minute is None:
        return None
    second = requests_per_minute / 60
    return AsyncLimiter(second, 1) if second >= 1 else AsyncLimiter(1, 1 / second)
