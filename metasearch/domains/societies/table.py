"""Where an episode is played: the rules ask and tell, and everything that happens is in one log."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from metasearch.domains.societies.decisions import Decision
from metasearch.types import Json

__all__ = ["Ask", "Environment", "Event", "Log", "Play", "Table"]

Event: TypeAlias = dict[str, Json]
"""One thing that happened: `{kind, ...facts}`, and in the log `to`: the seats told, or "all".

Whatever the rules have noted for the log alone has no `to`.
"""

Log: TypeAlias = list[Event]
"""An episode from its first event, "episode", to its last, in a fixed order; all metrics are pure
functions of it. What a member decided is `{kind: "act", seat, ask, value}`; where the value is the
neutral one, `fault` says "invalid", "late", "crashed" or "gone", and `detail` why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One decision that the rules want from one seat.

    Attributes:
        seat: in [0, seats).
        kind: name of the decision: "harvest", "speak", ...
        about: what the member is told with the question, plain JSON.
        reply: what may be replied.
        neutral: what counts instead of an invalid or late reply, as `reply` would have read it.
    """

    seat: int
    kind: str
    about: Mapping[str, Json]
    reply: Decision
    neutral: Json


Play: TypeAlias = Generator[Sequence[Ask], Sequence[Json], None]
"""The rules as they run: yields decisions that are made at the same time and is sent what was
decided, in the same order, already read or neutral. Ends with the episode."""


class Environment(Protocol):
    """One scenario of a game, ready to be played once.

    Attributes:
        seats: number of members.
    """

    @property
    def seats(self) -> int:
        """Number of members."""
        ...

    def play(self, table: Table) -> Play:
        """Run the rules. Every chance is drawn from `table.rng`; nothing else is random.

        Convention: each seat is first told an event "rules" with its `text` and `you`, its name.
        """
        ...


class Table:
    """What the rules of one episode have at hand.

    Attributes:
        rng: the episode's own chance.
        log: everything so far.
    """

    def __init__(self, seats: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.log: Log = []
        self._seats = seats
        self._untold: list[list[Event]] = [[] for _ in range(seats)]

    def tell(self, kind: str, to: Iterable[int] | None = None, **facts: Json) -> None:
        """Let seats know something, all of them or those in `to`; they learn it before they act."""
        event: Event = {"kind": kind, **facts}
        seats = list(range(self._seats)) if to is None else sorted(set(to))
        for seat in seats:
            self._untold[seat].append(event)
        self.log.append({**event, "to": "all" if to is None else seats})

    def note(self, kind: str, **facts: Json) -> None:
        """Write something into the log that no member is told."""
        self.log.append({"kind": kind, **facts})

    def news(self, seat: int) -> list[Event]:
        """Return what a seat has not been told yet, and count it as told."""
        events, self._untold[seat] = self._untold[seat], []
        return events
