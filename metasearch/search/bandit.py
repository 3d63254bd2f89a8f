"""Which meta model writes the next design: the one that improves most per dollar, more often.

Thompson sampling on the ratio of gain to cost. A proposal of a model wins when its design scores
more than the design that it was made from, on the tasks that both met. From what is known of each
model's wins a chance to win is drawn; times the usual size of a win and over the usual cost of a
proposal, the largest is chosen. Proposals that came to nothing cost, too, and win nothing.

What is known is the search's rows, so that a search that goes on chooses alike.

Source: Xia et al. 2015, "Thompson sampling for budgeted multi-armed bandits" (arXiv 1505.00146);
several models by improvement and cost: Lange et al. 2025, ShinkaEvolve (arXiv 2509.19349).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from metasearch.search.member import RACED, Member, best

__all__ = ["Arm", "arms", "choose"]

EPSILON = 1e-9


@dataclass(slots=True)
class Arm:
    """What is known of one model.

    Attributes:
        pulls: proposals, those that came to nothing included.
        wins: designs that scored more than what they were made from.
        gain: sum of what these scored more, each in (0, 1].
        cost: sum over proposals, of dollars, or of tokens where no model costs any.
    """

    pulls: int = 0
    wins: int = 0
    gain: float = 0.0
    cost: float = 0.0


def arms(members: Sequence[Member], names: Iterable[str]) -> dict[str, Arm]:
    """Return what the members teach of the proposers `names`; those still raced are left out."""
    found = {name: Arm() for name in names}
    own = [one for one in members if one.proposer in found and one.status != "pending"]
    by_number = {one.number: one for one in members}
    is_paid = any(one.dollars > 0 for one in own)
    start = best([one for one in members if one.proposer == "seed"])
    for one in own:
        arm = found[one.proposer]
        arm.pulls += 1
        arm.cost += one.dollars if is_paid else one.spent.total
        base = by_number.get(one.parents[0]) if one.parents else start
        gain = _gain(one, base)
        if gain > EPSILON:
            arm.wins += 1
            arm.gain += gain
    return found


def choose(members: Sequence[Member], names: Sequence[str], rng: random.Random) -> str:
    """Return the proposer that makes the next design.

    Args:
        members: those that the proposal may know of.
        names: proposers to choose from, at least one; one that never proposed comes first.
        rng: the only source of chance.
    """
    known = arms(members, names)
    if untried := [name for name in names if not known[name].pulls]:
        return rng.choice(untried)
    pulls, wins = _sum(known, "pulls"), _sum(known, "wins")
    # One proposal as all models make them stands beside each model's own.
    size = _sum(known, "gain") / wins if wins else 1.0
    cost = _sum(known, "cost") / pulls
    drawn = {name: _draw(arm, size, cost, rng) for name, arm in known.items()}
    return max(names, key=lambda name: drawn[name])


def _draw(arm: Arm, size: float, cost: float, rng: random.Random) -> float:
    chance = rng.betavariate(1.0 + arm.wins, 1.0 + arm.pulls - arm.wins)
    own_size = (arm.gain + size) / (arm.wins + 1)
    own_cost = (arm.cost + cost) / (arm.pulls + 1)
    return chance * own_size / max(own_cost, EPSILON)


def _sum(known: Mapping[str, Arm], name: str) -> float:
    return float(sum(getattr(arm, name) for arm in known.values()))


def _gain(one: Member, base: Member | None) -> float:
    """Return by how much a design scores more on the tasks that both met; 0.0 where none is."""
    if base is None or one.status not in RACED:
        return 0.0
    own, other = one.scores(), base.scores()
    shared = own.keys() & other.keys()
    return fmean(own[task] - other[task] for task in sorted(shared)) if shared else 0.0
