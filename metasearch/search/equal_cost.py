"""What the winner's cost buys without a search: more samples of one chain of thought.

A search may find a design that is better because it spends more on each task. So at the end, when
the winner is known, self-consistency meets all validation tasks with as many samples as the
winner's cost pays for (Wang et al. 2022, arXiv 2203.11171). It is never stopped early, nor is the
baseline that the winner is held against: comparisons want all tasks. The winner meets the sealed
test beside the best baseline of its price, see `metasearch.report.ranking.opponent`.

The state is the rows: a search that goes on finds the same entry and goes on with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from metasearch.errors import BudgetExhausted
from metasearch.report.ranking import AFFORDABLE, Contender, opponent
from metasearch.report.rows import BASELINES
from metasearch.search.events import Note
from metasearch.search.measure import Measurer
from metasearch.search.member import RACED, Member
from metasearch.search.proposer import Proposal
from metasearch.types import Design, Split, Usage

__all__ = ["BASELINE", "SEED", "EqualCost", "affordable_samples", "self_consistency"]

BASELINE = "baseline"  # who proposes the entries that are made here
SEED = "self_consistency"
FEWEST = 2  # samples; one is a chain of thought, which has a seed of its own
_SAMPLES = re.compile(r"^VOTERS = (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EqualCost:
    """Makes the baselines of the winner's price.

    Attributes:
        members: of the search by number; a new entry is added.
        calls_per_task: cap of one evaluation.
    """

    measurer: Measurer
    members: dict[int, Member]
    calls_per_task: int

    async def play(self, winner: Member) -> None:
        """Measure what the winner is to be held against on all of validation.

        Raises:
            Interrupted, Unavailable: what is missing is made by a search that goes on.
        """
        try:
            made = self._self_consistency(winner)
            if made is not None:
                await self._measure(made)
            rival = self.opponent(winner)
            if rival is None or rival.status != "evaluated" or not _is_affordable(rival, winner):
                await self._complete(winner)
        except BudgetExhausted as error:
            self._say(f"{error}; the baselines of the winner's price are not complete")

    def opponent(self, winner: Member) -> Member | None:
        """Return the baseline that the winner is held against; None where there is none."""
        found = opponent([_contender(one) for one in self._baselines()], _cost(winner))
        return None if found is None else self.members[found.number]

    def _self_consistency(self, winner: Member) -> Member | None:
        """Return self-consistency at the winner's price, an entry; None where there can be none."""
        seeds = (one for one in self._baselines() if one.design and one.design.name == SEED)
        seed = next(seeds, None)
        samples = None if seed is None else affordable_samples(winner, seed, self.calls_per_task)
        if seed is None or seed.design is None or samples is None:
            return None
        if samples < FEWEST:
            self._say(f"{winner.number} costs less than {FEWEST} samples of self-consistency")
            return None
        design = self_consistency(seed.design, samples)
        for one in self.members.values():
            if one.design is not None and one.design.id == design.id and one.status != "duplicate":
                return one
        number = max(self.members) + 1
        proposal = Proposal(design, "at the winner's cost", (seed.number,), Usage(), 0.0, "")
        self.members[number] = self.measurer.enter(number, proposal, BASELINE, "pending")
        return self.members[number]

    async def _complete(self, winner: Member) -> None:
        """Let the best affordable baseline meet the tasks that a race kept from it."""
        stopped = [
            one
            for one in self._baselines()
            if one.status == "stopped" and _is_affordable(one, winner)
        ]
        if stopped:
            shared = set.intersection(*(set(one.scores()) for one in stopped))
            await self._measure(max(stopped, key=lambda one: (one.mean(shared), -one.number)))

    async def _measure(self, member: Member) -> None:
        if member.status not in (*RACED, "pending"):
            return
        await self.measurer.meet(member, Split.VALIDATION, self.measurer.tasks[Split.VALIDATION])
        if member.status != "evaluated":
            self.measurer.settle(member, "evaluated")

    def _baselines(self) -> list[Member]:
        """Return the baselines that met validation tasks."""
        return [one for one in self.members.values() if one.proposer in BASELINES and one.scores()]

    def _say(self, text: str) -> None:
        self.measurer.display.show(Note(text))


def affordable_samples(winner: Member, seed: Member, calls_per_task: int) -> int | None:
    """Return how many samples self-consistency takes to cost what the winner costs.

    Args:
        winner, seed: measured on validation; the seed samples self-consistency.
        calls_per_task: cap of one evaluation.

    Returns:
        At least 0; None where the seed's cost or its number of samples is not known.
    """
    samples = _SAMPLES.search(seed.design.source if seed.design else "")
    paid = _cost(seed)
    if samples is None or not paid:
        return None
    return min(int(AFFORDABLE * _cost(winner) / (paid / int(samples[1]))), calls_per_task)


def self_consistency(seed: Design, samples: int) -> Design:
    """Return the shipped self-consistency with another number of samples.

    Its first samples are those of the seed, request by request, so the record gives them back.

    Args:
        seed: the shipped design.
        samples: at least 1; the shipped number returns the seed itself.

    Raises:
        ValueError: `samples` is below 1.
    """
    if samples < 1:
        raise ValueError(f"{samples} samples answer nothing")
    source = _SAMPLES.sub(f"VOTERS = {samples}", seed.source)
    if source == seed.source:
        return seed
    idea = f"{samples} independent chains of thought; the majority answers."
    rest = source.partition("\n")[2]
    return Design(f'"""{idea}\n{rest}', f"{SEED} x {samples}", idea)


def _contender(one: Member) -> Contender:
    return Contender(one.number, one.mean(), _cost(one), one.status == "evaluated")


def _is_affordable(one: Member, winner: Member) -> bool:
    return _cost(one) <= AFFORDABLE * _cost(winner)


def _cost(member: Member) -> float:
    """Return what one evaluation takes: dollars, or tokens of a free model."""
    return member.dollars_per_task() or member.tokens_per_task()
