"""Watches a running search: keeps the test's money back, warns of the budget, raises alarms.

Everything is told once in a search's life, restarts included: what was said is in its log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from metasearch.archive.store import Archive
from metasearch.gateway.budget import Budget
from metasearch.search.alarms import NO_USAGE, complaints, kinds_met
from metasearch.search.events import Alarm, BudgetUsed, Display
from metasearch.search.member import Member
from metasearch.search.reserve import Reserve
from metasearch.search.suspicion import SUSPECT, suspicion
from metasearch.search.worktime import Worktime
from metasearch.types import Evaluation

__all__ = ["ALARM", "BUDGET", "Guard"]

ALARM, BUDGET = "alarm-", "budget"  # kinds of lines in the log; an alarm's own kind follows
WARNINGS = (0.5, 0.8)


@dataclass(slots=True)
class Guard:
    """Follows every evaluation.

    Attributes:
        minutes: cap of wall clock, None for none.
        faults: repeated evaluations, counted by the evaluator.
        unmetered: replies without usage so far.
    """

    search_id: str
    archive: Archive
    display: Display
    budget: Budget
    reserve: Reserve
    worktime: Worktime
    minutes: float | None = None
    faults: Counter[str] = field(default_factory=Counter)
    unmetered: Callable[[], int] = int
    _members: Mapping[int, Member] = field(default_factory=dict)
    _said: set[tuple[str, str]] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)
    _evaluations: int = 0

    def begin(self, members: Mapping[int, Member]) -> None:
        """Take up what earlier runs have left; `members` is the search's own, as it grows."""
        self._members = members
        for event in self.archive.events(self.search_id):
            self._said.add((event.kind, event.text if event.kind == BUDGET else ""))
        met = Counter(one.outcome for each in members.values() for one in each.measured.values())
        self._counts.update({str(outcome): count for outcome, count in met.items()})
        self._evaluations += met.total()
        self.reserve.follow(members.values())

    def evaluated(self, member: Member, evaluation: Evaluation) -> None:
        """Look at everything after one more evaluation."""
        self._evaluations += 1
        self._counts.update(kinds_met(evaluation))
        self.reserve.observe(member, evaluation)
        self._warn()
        self._complain()

    def proposed(self) -> None:
        """Look at the budget after a proposal: writing designs costs, too."""
        self._warn()

    def settled(self, member: Member) -> None:
        """Look at the finalists anew, and whether the score is too good: a race is over."""
        self.reserve.follow(self._members.values())
        if text := suspicion(member, self._members.values()):
            kind = f"{SUSPECT}{member.number}"
            if self._is_new(f"{ALARM}{kind}", "", text):
                met = len(member.scores())
                self.display.show(Alarm(kind, met, met, text))

    def exhausted(self, reason: str) -> None:
        """Say that a cap is reached."""
        self._use(1.0, f"100 %: {reason}")

    def play(self) -> None:
        """Free what was kept back for the finals: they begin."""
        self.reserve.play()

    def compare(self) -> None:
        """Free what was kept back for the baseline of the winner's price: it begins."""
        self.reserve.compare()

    def release(self) -> None:
        """Free the rest: the test begins."""
        self.reserve.release()

    def _warn(self) -> None:
        shares = self.budget.shares()
        if self.minutes is not None:
            used = self.worktime.seconds() / (self.minutes * 60)
            shares[f"the budget of {self.minutes:g} minutes"] = used
        for name, share in shares.items():
            for mark in WARNINGS:
                if share >= mark:
                    self._use(mark, f"{mark:.0%} of {name} is used".replace("%", " %"))

    def _use(self, share: float, text: str) -> None:
        if self._is_new(BUDGET, text, text):
            self.display.show(BudgetUsed(share, text))

    def _complain(self) -> None:
        counts = self._counts + self.faults + Counter({NO_USAGE: self.unmetered()})
        for one in complaints(counts, self._evaluations):
            if self._is_new(f"{ALARM}{one.kind}", "", one.text):
                self.display.show(Alarm(one.kind, one.count, one.of, one.text))

    def _is_new(self, kind: str, key: str, text: str) -> bool:
        """Write a line into the log unless it, or one of its kind, is there."""
        if (kind, key) in self._said:
            return False
        self._said.add((kind, key))
        self.archive.add_event(self.search_id, kind, text)
        return True
