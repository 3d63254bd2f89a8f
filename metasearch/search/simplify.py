"""Simplifying: take away from a design what it does not need, while it stays as good.

Voters, rounds, routes, fields, sentences of prompts: whatever `recombine` can take away from a
design is tried, what saves most first, a few attempts in all. A simpler design has to cost less and
to be at most `margin` worse than the one that it came from, on the same validation tasks:

1. *Screening*, on the samples that ranked the designs: it is met by the stages of a race, and given
   up once it could not come within the margin though it lost no further task. What passes is
   simplified further; all are held against the first design, so that losses do not add up.
2. *Confirmation* by a paired test of non-inferiority (`metasearch.stats.noninferiority`): on fresh
   samples, drawn after the screening, where the first design has them; else on the same samples at
   a level that pays for all attempts.

The sealed test is never opened here. Each attempt is an ordinary entry, and the
state is the rows: a search that goes on meets the same attempts and decides alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from metasearch.archive.records import WINNER
from metasearch.errors import BudgetExhausted
from metasearch.search.checks import check, idea_of
from metasearch.search.events import Note
from metasearch.search.finals import fresh_repeats
from metasearch.search.measure import Measurer
from metasearch.search.member import Member, leading
from metasearch.search.novelty import normalised
from metasearch.search.proposer import Brief, Proposal
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.crossing import simpler
from metasearch.search.recombine.scene import Scene, Sketch
from metasearch.search.recombine.text import Unsuitable
from metasearch.stats import Estimate
from metasearch.stats.noninferiority import lower_limit, noninferiority
from metasearch.types import Design, Split, Usage

if TYPE_CHECKING:
    from metasearch.search.loop import Search

__all__ = [
    "ATTEMPTS",
    "SIMPLIFIED",
    "SIMPLIFIER",
    "Simplified",
    "Simplifier",
    "can_show",
    "crown",
    "simplified",
    "simplify_design",
    "too_few",
]

SIMPLIFIER = "simplifier"  # who proposes the attempts; they are extra to the designs asked for
SIMPLIFIED = "simplified"  # kind of the event that says what came of it
ATTEMPTS = 6
ALPHA = 0.05  # chance to take a design for as good that is worse by the margin
SAVING = 0.02  # of the cost, at least: less is no simplification
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Simplified:
    """A simpler design that is as good, within the margin.

    Attributes:
        difference: its mean score less that of the first design, each end one-sided.
        saving: share of the first design's cost that it saves, in (0, 1).
    """

    member: Member
    difference: Estimate
    saving: float


@dataclass(slots=True)
class Simplifier:
    """Simplifies one design of a search.

    Attributes:
        members: of the search by number; new entries are added.
        margin: how much worse a simpler design may be, in (0, 1).
        stages: validation tasks after which an attempt may be given up; the last is all of them.
        repeats: fresh samples of each task, 0 for none.
        over: says whether no further attempt may begin.
    """

    measurer: Measurer
    members: dict[int, Member]
    margin: float
    stages: Sequence[int]
    repeats: int = 0
    attempts: int = ATTEMPTS
    over: Callable[[], bool] = lambda: False

    async def play(self, first: Member) -> Simplified | None:
        """Return the simplest design found that is as good, None where there is none.

        Args:
            first: met all validation tasks, and the fresh samples where there are any.

        Raises:
            Interrupted, BudgetExhausted, Unavailable: nothing is decided then.
        """
        chain = [first]
        known = {normalised(_source(one)) for one in self._others()}
        needed: set[str] = set()  # what was taken away in vain is not taken from the next form
        for _ in range(self.attempts):
            forms = (one for one in _forms(chain[-1]) if _what(one) not in needed)
            sketch = next((one for one in forms if _form(one) not in known), None)
            if sketch is None or self.over():
                break
            known.add(_form(sketch))
            attempt = self._enter(sketch, chain[-1])
            if await self._screen(attempt, chain[-1], first):
                chain.append(attempt)
            else:
                needed.add(_what(sketch))
        return await self._confirm(chain)

    def _others(self) -> list[Member]:
        """Return the members that no attempt may repeat; those of earlier attempts go on."""
        return [one for one in self.members.values() if one.design and one.proposer != SIMPLIFIER]

    def _enter(self, sketch: Sketch, parent: Member) -> Member:
        """Return the entry of an attempt: that of an earlier start, else a new one."""
        form = _form(sketch)
        for one in self.members.values():
            if one.proposer == SIMPLIFIER and normalised(_source(one)) == form:
                return one
        number = max(self.members) + 1
        design = Design(sketch.source, sketch.name, idea_of(sketch.source))
        proposal = Proposal(
            design, f"simplify: {_what(sketch)}", (parent.number,), Usage(), 0.0, ""
        )
        self.members[number] = self.measurer.enter(number, proposal, SIMPLIFIER, "pending")
        return self.members[number]

    async def _screen(self, attempt: Member, parent: Member, first: Member) -> bool:
        """Meet the validation tasks stage by stage; say whether it is good and cheap enough."""
        tasks = self.measurer.tasks[Split.VALIDATION]
        for size in self.stages:
            if attempt.status == "pending":
                await self.measurer.meet(attempt, Split.VALIDATION, tasks[:size])
            met = {task.id for task in tasks[:size]}
            reason = self._problem(attempt, parent, first, met, len(tasks))
            if reason or size == self.stages[-1]:
                if attempt.status == "pending":
                    status = "evaluated" if size == self.stages[-1] else "stopped"
                    self.measurer.settle(attempt, status, reason)
                return not reason
        return False

    def _problem(
        self, attempt: Member, parent: Member, first: Member, met: set[str], total: int
    ) -> str:
        own, base = attempt.scores(among=met), first.scores(among=met)
        lost = sum(base.values()) - sum(own.get(task, 0.0) for task in base)
        if lost > self.margin * total + EPSILON:
            return f"not as good as {first.number} after {len(met)} tasks"
        if len(met) == total and _cost(attempt) > (1 - SAVING) * _cost(parent):
            return f"no cheaper than {parent.number}"
        return ""

    async def _confirm(self, chain: Sequence[Member]) -> Simplified | None:
        """Hold the attempts that passed against the first design, the simplest first."""
        first, *passed = chain
        tasks = self.measurer.tasks[Split.VALIDATION]
        for attempt in reversed(passed):
            if self.repeats:
                again = fresh_repeats(self.repeats)
                await self.measurer.meet(attempt, Split.VALIDATION, tasks, again)
            is_new = bool(self.repeats) and not (_alike(attempt) and _alike(first))
            tests = len(passed) if is_new else self.attempts
            difference = _difference(attempt, first, ALPHA / tests, fresh=is_new)
            if difference.low > -self.margin:
                return Simplified(attempt, difference, 1 - _cost(attempt) / _cost(first))
        return None


def can_show(margin: float, tasks: int, attempts: int = ATTEMPTS) -> bool:
    """Say whether so many tasks could show that a design is at most `margin` worse.

    Args:
        tasks: of the validation split, at least 1.
    """
    same = [0.0] * tasks
    return noninferiority(same, same, margin) < ALPHA / attempts


async def simplified(search: Search, winner: Member | None) -> Member | None:
    """Simplify a search's winner as its configuration says; return the design that wins then.

    The simpler design wins where it is ahead by the fresh samples, or alike and cheaper; else it is
    told of and the winner stays.
    """
    settings, measurer = search.config.search, search.measurer
    tasks = measurer.tasks[Split.VALIDATION]
    if winner is None or not settings.simplifies() or search.made() < settings.designs:
        return winner
    is_new = bool(winner.scores(fresh=True)) and not _alike(winner)
    if not can_show(settings.simplify_margin, len(tasks), 1 if is_new else ATTEMPTS):
        if settings.simplify:  # who has not asked for it need not be told
            measurer.display.show(Note(too_few(settings.simplify_margin, len(tasks))))
        return winner
    simplifier = Simplifier(
        measurer,
        search.members,
        settings.simplify_margin,
        settings.stage_sizes(len(tasks)),
        settings.final_repeats if winner.scores(fresh=True) else 0,
        over=lambda: _is_late(search),
    )
    try:
        found = await simplifier.play(winner)
    except BudgetExhausted as error:
        search.guard.exhausted(f"{error}; the winner is not simplified further")
        return winner
    if found is None:
        measurer.display.show(Note(f"nothing simpler is as good as {winner.number}"))
        return winner
    tell(measurer, winner, found, settings.simplify_margin)
    best = leading([winner, found.member], 1, fresh=bool(simplifier.repeats))[0]
    if best is found.member and simplifier.repeats:
        crown(measurer, winner, best)
    return best


def crown(measurer: Measurer, winner: Member, heir: Member) -> None:
    """Write down that a simpler form has won the finals, where the winner had: not a baseline."""
    events = measurer.archive.events(measurer.search_id)
    won = [event.text.split()[0] for event in events if event.kind == WINNER]
    if won[-1:] == [str(winner.number)]:
        both = f"{heir.number}, {winner.number}"
        _note(measurer, WINNER, f"{heir.number} is the best of {both} by fresh samples")


def _is_late(search: Search) -> bool:
    minutes = search.config.budget.minutes
    return minutes is not None and search.guard.worktime.seconds() > minutes * 60


async def simplify_design(
    search: Search, number: int, margin: float, attempts: int
) -> Simplified | None:
    """Simplify one design of a search that has ended; the search stays as it is.

    No fresh samples are drawn: they would make a finalist of a design that is none.

    Args:
        search: with its members loaded.
        number: of an entry that met all validation tasks.
        margin: how much worse a simpler design may be, in (0, 1).
        attempts: at most, at least 1.

    Raises:
        Interrupted, BudgetExhausted, Unavailable: the same command goes on.
    """
    measurer = search.measurer
    search.guard.begin(search.members)
    search.guard.release()  # the search has had its test
    stages = search.config.search.stage_sizes(len(measurer.tasks[Split.VALIDATION]))
    simplifier = Simplifier(measurer, search.members, margin, stages, attempts=attempts)
    first = search.members[number]
    try:
        found = await simplifier.play(first)
    finally:
        await measurer.drain()
    if found is not None:
        tell(measurer, first, found, margin)
    return found


def too_few(margin: float, tasks: int) -> str:
    """Return the words for a validation split that cannot show what is asked for."""
    return (
        f"{tasks} validation tasks cannot show that a simpler design is at most {margin:g} worse; "
        "more tasks or a larger margin can"
    )


def tell(measurer: Measurer, first: Member, found: Simplified, margin: float) -> None:
    """Write down, and show, that there is a simpler design."""
    text = (
        f"{found.member.number} is {first.number} simplified: it costs {found.saving:.0%} less, "
        f"difference {found.difference.mean:+.3f}, at least {found.difference.low:+.3f}"
        f" (margin -{margin:g})"
    ).replace("%", " %")
    _note(measurer, SIMPLIFIED, text)


def _note(measurer: Measurer, kind: str, text: str) -> None:
    """Write a line into the log unless it is the last of its kind, and show it."""
    archive, search_id = measurer.archive, measurer.search_id
    noted = [event.text for event in archive.events(search_id) if event.kind == kind]
    if noted[-1:] != [text]:
        archive.add_event(search_id, kind, text)
        measurer.display.show(Note(text))


def _forms(member: Member) -> list[Sketch]:
    """Return the simpler forms of a design that pass the checks, what saves most first."""
    source = _source(member)
    try:
        calls, sketches = worst_calls(source), simpler(_scene(member))
    except Unsuitable:
        return []  # a stranger's module, or one of another kind: nothing here can change it
    ranked = []
    for one in sketches:
        try:
            price = (worst_calls(one.source), len(one.source))
        except Unsuitable:
            continue
        if price[0] <= calls and check(one.source).accepted:
            ranked.append((price, one.source, one))
    return [one for _, _, one in sorted(ranked, key=lambda found: found[:2])]


def _scene(member: Member) -> Scene:
    """Return what moves that look at one design alone may look at."""
    parent = member.parent()
    brief = Brief(member.number, "", "", (), (parent,), (parent,), (), frozenset(), 0)
    return Scene(brief, parent, random.Random(0))


def _what(sketch: Sketch) -> str:
    """Return what was taken away, in the words of the move."""
    return sketch.name.rpartition(", ")[2]


def _form(sketch: Sketch) -> str:
    return normalised(sketch.source)


def _source(member: Member) -> str:
    return member.design.source if member.design is not None else ""


def _cost(member: Member) -> float:
    """Return what one evaluation takes: dollars, or tokens of a free model."""
    return member.dollars_per_task() or member.tokens_per_task()


def _difference(one: Member, other: Member, alpha: float, *, fresh: bool) -> Estimate:
    """Return the paired difference, each end one-sided at `alpha`."""
    own, base = one.scores(fresh=fresh), other.scores(fresh=fresh)
    tasks = sorted(own.keys() & base.keys())
    first, second = [own[task] for task in tasks], [base[task] for task in tasks]
    low, high = lower_limit(first, second, alpha=alpha), -lower_limit(second, first, alpha=alpha)
    return Estimate(fmean(first) - fmean(second), low, high)


def _alike(member: Member) -> bool:
    """Say whether the fresh samples say nothing new: this model answers alike each time."""
    return member.scores(fresh=True) == member.scores()
