"""What a move may look at, and what it makes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from metasearch.domains.base import MEMBER, SOLVE
from metasearch.search.proposer import Brief, Parent
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.module import taken_apart
from metasearch.search.recombine.phrases import Leaning
from metasearch.search.recombine.text import Unsuitable
from metasearch.types import Task

__all__ = ["Scene", "Sketch", "leaning_of"]

_PRIOR_TASKS = 4.0  # an untested design counts as if it had met these, at the library's mean
_SHARPNESS = 3.0  # how much more often a better design is drawn


@dataclass(frozen=True, slots=True)
class Sketch:
    """A design as a move leaves it, before it is judged.

    Attributes:
        parents: what it was made of, the main one first.
    """

    source: str
    name: str
    parents: tuple[Parent, ...]


class Scene:
    """One proposal under way.

    Attributes:
        brief: all that it may depend on.
        main: the design that it starts from.
        rng: the only source of chance.
    """

    def __init__(self, brief: Brief, main: Parent, rng: random.Random) -> None:
        self.brief = brief
        self.main = main
        self.rng = rng

    @cached_property
    def others(self) -> list[Parent]:
        """Every known design but the main one, in the order of their numbers."""
        known = {one.number: one for one in (*self.brief.library, *self.brief.parents)}
        ids = {self.main.design.id}
        unique = []
        for number in sorted(known):
            if known[number].design.id not in ids:
                ids.add(known[number].design.id)
                unique.append(known[number])
        return unique

    @cached_property
    def overall(self) -> float:
        """The mean score in [0, 1] of all that is known, by tasks; 0.5 where nothing is."""
        known = self.brief.library or self.brief.parents
        tasks = sum(one.tasks for one in known)
        return sum(one.mean * one.tasks for one in known) / tasks if tasks else 0.5

    def quality(self, parent: Parent) -> float:
        """Return a mean score in (0, 1], drawn towards the library's where little is known."""
        seen = parent.mean * parent.tasks + self.overall * _PRIOR_TASKS + 0.01
        return seen / (parent.tasks + _PRIOR_TASKS)

    def complement(self, parent: Parent) -> float:
        """Return how much a perfect choice between it and the main design would gain, in [0, 1]."""
        mine, theirs = self.main.scores, parent.scores
        shared = sorted(mine.keys() & theirs.keys())
        if not shared:
            return 0.0
        return sum(max(0.0, theirs[task] - mine[task]) for task in shared) / len(shared)

    def partner(
        self, accept: Callable[[Parent], bool] = lambda _: True, taken: Sequence[Parent] = ()
    ) -> Parent:
        """Draw another design: more often a good one, one that solves what the main one does not.

        Args:
            accept: which designs will do.
            taken: designs that are not drawn again.

        Raises:
            Unsuitable: there is none.
        """
        gone = {one.design.id for one in taken}
        found = [
            one
            for one in self.others
            if one.design.id not in gone and _mergeable(one) and accept(one)
        ]
        if not found:
            raise Unsuitable("no other design in the archive fits this move")
        weights = [self.weight(one) for one in found]
        return self.rng.choices(found, weights)[0]

    def weight(self, parent: Parent) -> float:
        """Return how often a design is drawn, relative to others."""
        promise = self.quality(parent) + 2.0 * self.complement(parent)
        thrift = (1.0 + parent.tokens_per_task / 200.0) ** -0.5
        return float(0.02 + thrift * promise**_SHARPNESS)

    @cached_property
    def questions(self) -> dict[str, Task]:
        """The training tasks that are known, by id."""
        return {task.id: task for task in self.brief.samples}

    def told(self, instruction: str) -> int:
        """Return how many calls of the main design's training evaluations hold an instruction."""
        calls = (call for one in self.main.examples for call in one.trace)
        return sum(instruction in call.request.messages[-1].content for call in calls)

    def evidence(self, parent: Parent, about: Callable[[Task], bool]) -> float:
        """Return a design's expected score in (0, 1] on training questions of one sort."""
        scores = [
            one.score
            for one in parent.examples
            if one.task_id in self.questions and about(self.questions[one.task_id])
        ]
        return (sum(scores) + 2.0 * self.quality(parent)) / (len(scores) + 2.0)


@lru_cache(maxsize=512)
def leaning_of(source: str) -> Leaning:
    """Return what a design does first: run a program, think, or answer at once."""
    if re.search(r"\brun_code\b", source):
        return "computes"
    thinks = re.search(r"(?i)\b(thinking|think|step|steps|reason|plan)\b", source)
    return "reasons" if thinks or worst_calls(source) > 1 else "quick"


@lru_cache(maxsize=512)
def _source_mergeable(source: str) -> bool:
    try:
        names = taken_apart(source).names()
        return MEMBER in names or (SOLVE in names and worst_calls(source) >= 0)
    except Unsuitable:
        return False


def _mergeable(parent: Parent) -> bool:
    return _source_mergeable(parent.design.source)
