"""What a person wants to know while a search runs, worked out from its events."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from metasearch.search.events import (
    Alarm,
    EndpointBack,
    EndpointDown,
    EntryAdded,
    EntryDone,
    EvaluationDone,
    Event,
    Expected,
    SearchStarted,
    Spent,
)
from metasearch.types import Outcome

__all__ = ["Progress", "duration"]

RECENT = 9  # designs whose pace predicts the rest
EXTRA = ("baseline", "simplifier")  # proposers of what is made of the winner at the end
LOST = ("duplicate", "invalid", "failed")


@dataclass(slots=True)
class Progress:
    """Counters of one run.

    Attributes:
        clock: seconds, monotonic.
        proposals: new designs proposed so far, those that came to nothing included.
        finished: new designs that need no more validation.
        done: evaluations in this run.
        expected: evaluations foreseen in all, at least `done`.
        best: the fully evaluated design with the highest mean, None before the first.
        outcomes: how evaluations ended.
        lost: proposals that came to nothing, by status.
        alarms: the last of each kind.
        down: while the endpoint does not answer, None while it does.
    """

    clock: Callable[[], float]
    started: SearchStarted | None = None
    proposals: int = 0
    finished: int = 0
    done: int = 0
    expected: int = 0
    recorded: int = 0
    best: EntryDone | None = None
    spent: Spent | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    down: EndpointDown | None = None
    _extra: set[int] = field(default_factory=set)
    _began: float = 0.0
    _finishes: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def take(self, event: Event) -> None:
        """Count one event."""
        match event:
            case SearchStarted():
                self.started, self._began = event, self.clock()
                self._finishes.append(self._began)
                self.finished = event.finished
            case EntryAdded():
                self._count_entry(event)
            case EvaluationDone():
                self.done += 1
                self.recorded += event.recorded
                self.outcomes[event.outcome] += 1
            case EntryDone():
                self._count_done(event)
            case Expected():
                self.expected = event.evaluations
            case Spent():
                self.spent = event
            case _:
                self._take_trouble(event)

    def _take_trouble(self, event: Event) -> None:
        match event:
            case Alarm():
                self.alarms[event.kind] = event
            case EndpointDown():
                self.down = event
            case EndpointBack():
                self.down = None
            case _:
                pass

    def _count_entry(self, event: EntryAdded) -> None:
        if event.proposer in EXTRA:
            self._extra.add(event.number)
        elif event.proposer != "seed":
            self.proposals += 1
            if event.status in LOST:
                self.lost[event.status] += 1

    def _count_done(self, event: EntryDone) -> None:
        if event.number in self._extra:
            return
        if self.started is None or event.number >= self.started.seeds:
            self.finished += 1
        self._finishes.append(self.clock())
        if event.status != "evaluated":
            return
        if self.best is None or event.mean > self.best.mean:
            self.best = event

    @property
    def failures(self) -> dict[str, int]:
        """Evaluations that ended in anything but an answer, by kind, the most frequent first."""
        ranked = self.outcomes.most_common()
        return {str(kind): n for kind, n in ranked if kind is not Outcome.ANSWERED}

    @property
    def elapsed(self) -> float:
        """Seconds since the search started here."""
        return self.clock() - self._began if self.started else 0.0

    def remaining(self) -> float | None:
        """Return the seconds that are left by the recent pace and the cap, or None if unknown."""
        if self.started is None:
            return None
        guesses = []
        if len(self._finishes) > 2:
            # The mean, for designs end in bursts: the median of many that end together is nothing.
            pace = (self._finishes[-1] - self._finishes[0]) / (len(self._finishes) - 1)
            guesses.append(pace * max(0, self.started.designs - self.finished))
        if self.started.minutes is not None:
            left = (self.started.minutes - self.started.minutes_used) * 60 - self.elapsed
            guesses.append(max(0.0, left))
        return min(guesses, default=None)


def duration(seconds: float | None) -> str:
    """Return a length of time for people: "45 s", "12 min", "3 h 05 min", "?"."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
