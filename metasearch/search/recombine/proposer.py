"""The proposer that needs no model: it recombines and changes archived designs."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

import metasearch.search.recombine.crossing as crossing
import metasearch.search.recombine.members as members
import metasearch.search.recombine.routing as routing
import metasearch.search.recombine.sequences as sequences
import metasearch.search.recombine.structure as structure
import metasearch.search.recombine.thinking as thinking
import metasearch.search.recombine.tuning as tuning
from metasearch.domains.base import MEMBER, SOLVE
from metasearch.search.checks import check, idea_of
from metasearch.search.novelty import normalised
from metasearch.search.proposer import Brief, Parent, Proposal, Tools
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.scene import Scene, Sketch
from metasearch.search.recombine.text import Unsuitable
from metasearch.types import Design, Usage

__all__ = ["MAX_CALLS", "MAX_SOURCE", "MEMBER_OPERATORS", "OPERATORS", "Recombine", "build"]

MAX_SOURCE = 6_000  # characters; more than that is no longer read by anyone
MAX_CALLS = 24  # model calls on one task, by estimate from above
_TRIES = 60
_PARENT_WEIGHTS = (4.0, 2.0, 1.0)  # the selector has chosen them; the best still goes first

Moves: TypeAlias = dict[str, tuple[Callable[[Scene], Sketch], float]]

OPERATORS: Moves = {
    # Name, move, and how often it is tried relative to the others. Structures that spend tokens
    # where they help (routes, programs, cascades) come before those that multiply them.
    "temperature": (tuning.temperature, 0.8),
    "count": (tuning.count, 0.8),
    # The words of one instruction took program_of_thought from .61 to .78 on 100 questions with the
    # embedded model, where structures gained nothing; see arXiv 2309.03409 for others.
    "instruction": (tuning.instruction, 6.0),
    "role": (tuning.role, 0.7),
    "field": (tuning.field, 0.7),
    "pattern": (sequences.pattern, 4.0),  # few designs have one; for those it is the main dial
    "vote": (structure.vote, 0.6),
    "panel": (structure.panel, 0.8),
    "critic": (structure.critic, 1.0),
    "program_first": (structure.program_first, 1.5),
    "think_first": (thinking.think_first, 1.5),
    "repair": (structure.repair, 1.2),
    "cascade": (structure.cascade, 1.2),
    "agree": (structure.agree, 1.2),
    "relay": (structure.relay, 0.5),
    "route": (routing.route, 1.4),
    "route_by_type": (routing.route_by_type, 1.6),
    "route_by_form": (routing.route_by_form, 2.0),
    "crossover": (crossing.crossover, 1.4),
    "simplify": (crossing.simplify, 1.2),
}


MEMBER_OPERATORS: Moves = {
    # A policy is mostly its numbers, so these come first; the rest is how policies are joined.
    "constant": (members.constant, 3.0),
    "inner_number": (members.inner_number, 2.0),
    "condition": (members.condition, 2.5),
    "dropped": (members.dropped, 0.6),
    "compared": (members.compared, 0.5),
    "handler": (members.handler, 1.5),
    "by_kind": (members.by_kind, 1.2),
    "then": (members.then, 0.8),
    "blended": (members.blended, 0.8),
    "cautious": (members.cautious, 0.8),
    "bolder": (members.bolder, 0.6),
    "instruction": (tuning.instruction, 0.8),
    "temperature": (tuning.temperature, 0.4),
    "role": (tuning.role, 0.4),
}
_LIBRARIES = {SOLVE: OPERATORS, MEMBER: MEMBER_OPERATORS}


class Recombine:
    """Proposes readable designs made of archived ones; costs nothing and asks no model.

    The same brief gives the same proposal, in every process. It is the embedded default and the
    control that a meta agent has to beat.

    Args:
        max_calls: no proposal makes more model calls on one task, by estimate; 24 at most.
    """

    name = "recombine"

    def __init__(self, max_calls: int = MAX_CALLS) -> None:
        self.max_calls = min(max_calls, MAX_CALLS)

    async def propose(self, brief: Brief) -> Proposal:
        """Return a new design that passes the static checks, or the reason why none was found."""
        rng = random.Random(brief.seed)
        if not brief.parents:
            return _nothing("there is no parent to start from")
        forms = {normalised(one.design.source) for one in (*brief.library, *brief.parents)}
        reasons: list[str] = []
        failed: Counter[str] = Counter()
        for _ in range(_TRIES):
            await asyncio.sleep(0)  # a try takes milliseconds of computing; let others work
            main = _drawn(brief.parents, rng)
            moves = _LIBRARIES[brief.entry]
            operator = _operator(moves, main, failed, rng)
            failed[operator] += 1
            try:
                sketch = moves[operator][0](Scene(brief, main, rng))
                problem = _problem(sketch.source, self.max_calls, brief.entry)
            except Unsuitable as error:
                reasons.append(f"{operator}: {error}")
                continue
            design = Design(sketch.source, sketch.name, idea_of(sketch.source))
            if problem:
                reasons.append(f"{operator}: {problem}")
            elif design.id in brief.known or normalised(design.source) in forms:
                reasons.append(f"{operator}: it gives a design that is there already")
            else:
                numbers = tuple(one.number for one in sketch.parents)
                return Proposal(design, operator, numbers, Usage(), 0.0, "")
        return _nothing(f"none of {_TRIES} moves gave a new design; the last: {reasons[-1]}")


def build(tools: Tools) -> Recombine:
    """Make the proposer of a search; of its tools it needs only the cap of calls."""
    return Recombine(tools.calls_per_task)


def _nothing(reason: str) -> Proposal:
    return Proposal(None, "", (), Usage(), 0.0, reason)


def _drawn(parents: Sequence[Parent], rng: random.Random) -> Parent:
    weights = [_PARENT_WEIGHTS[min(place, 2)] for place in range(len(parents))]
    return rng.choices(parents, weights)[0]


def _operator(moves: Moves, main: Parent, failed: Counter[str], rng: random.Random) -> str:
    """Draw a move; what was tried on this design before, or has just failed, comes less often."""
    weights = []
    for name, (_, weight) in moves.items():
        tried = sum(line.startswith((f"{name} ", f"{name}:")) for line in main.tried)
        weights.append(weight / (1 + tried + failed[name]))
    return rng.choices(list(moves), weights)[0]


def _problem(source: str, max_calls: int, entry: str) -> str:
    """Return why a design is not worth proposing, "" where it is."""
    if len(source) > MAX_SOURCE:
        return f"{len(source)} characters are more than a person reads"
    verdict = check(source, entry)
    if not verdict.accepted:
        return verdict.reason
    if entry == MEMBER:
        return ""  # how often it is asked is the game's business
    calls = worst_calls(source)
    if calls > max_calls:
        return f"up to {calls} model calls a task are too dear"
    return ""
