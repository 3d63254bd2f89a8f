"""From a brief to an entry: propose, check, try on training tasks, have mended, look for a twin."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metasearch.domains.base import entry_of
from metasearch.search.bandit import choose
from metasearch.search.checks import check
from metasearch.search.measure import Measurer, all_of
from metasearch.search.member import RACED, Member, best, digest, ledger
from metasearch.search.novelty import normalised
from metasearch.search.proposer import Brief, Proposal, Proposer, Repairer
from metasearch.search.selector import PLATEAU, Selector
from metasearch.search.steer import Course, Steering
from metasearch.types import Design, Evaluation, Outcome, Split, Usage

__all__ = ["Draft", "Trial", "since_best", "twin"]

GOLDEN = 0.6180339887498949
SEEDS = 1 << 48  # seeds of proposals are below
BY_HAND = "user"  # who proposed a design that a person put in
BROKEN = (Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.OVER_BUDGET)


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal after its trial.

    Attributes:
        problem: why it is not worth evaluating, "" when it is.
        tried: its training evaluations, not yet written down.
    """

    proposal: Proposal
    proposer: str
    problem: str
    tried: tuple[Evaluation, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """Makes drafts.

    Attributes:
        proposers: by name, with the share of proposals that each makes.
        parents: how many designs a proposer is given to start from.
        examples: training tasks that each of them meets, for its traces to be shown.
        seed: of the search; each proposal has a generator of its own.
        smoke: training tasks that a design must survive.
        repairs: how often a design may go back to a proposer that can mend.
        remembers: False lets every proposal see the baselines only.
        steering: what people ask of the search while it runs; None where nobody can.
        models: for a name of `proposers`, those that take its turns, by a name of their own: the
            same proposer with several meta models.
        restarts: True begins every other design from seeds again once the search is stuck: nobody
            was better than the best for `PLATEAU` designs.
    """

    measurer: Measurer
    proposers: Mapping[str, tuple[Proposer, float]]
    selector: Selector
    parents: int
    examples: int
    seed: int
    smoke: int
    repairs: int
    remembers: bool = True
    steering: Steering | None = None
    models: Mapping[str, Mapping[str, Proposer]] = field(default_factory=dict)
    restarts: bool = False

    async def draft(self, number: int, view: Sequence[Member]) -> Draft:
        """Make proposal `number` out of the members that it may see.

        Raises:
            Interrupted, BudgetExhausted, Unavailable: as the parts that it uses.
        """
        self.measurer.check_stop()
        course = self._course(number, view)
        if course.design is not None:
            proposal = Proposal(course.design, "inject", course.parents, Usage(), 0.0, "")
            return Draft(proposal, BY_HAND, *await self._try(proposal))
        name = self._reader(number) if course.idea else self.turn(number)
        name, proposer = self._proposer(name, number, view)
        brief = await self._brief(number, view, course)
        proposal = await proposer.propose(brief)
        problem, tried = await self._try(proposal)
        for _ in range(self.repairs):
            if not problem or not proposal.raw or not isinstance(proposer, Repairer):
                break
            proposal = _with_costs(proposal, await proposer.repair(brief, proposal, problem))
            problem, tried = await self._try(proposal)
        if course.idea:
            proposal = replace(proposal, operator="idea")
        return Draft(proposal, name, problem, tried)

    def ban(self, members: Iterable[Member]) -> None:
        """Keep those from winning whom a person has banned."""
        if self.steering is not None:
            self.steering.ban(members)

    async def complete(self, member: Member) -> None:
        """Make up for evaluations of a trial that were not written down before a kill."""
        tasks = self.measurer.tasks[Split.TRAIN][: self.smoke]
        await self.measurer.meet(member, Split.TRAIN, tasks)

    def turn(self, number: int) -> str:
        """Return the proposer whose turn it is; even a short search keeps to the shares.

        Multiples of the golden ratio spread over the shares more evenly than draws do.
        """
        place = (
            (self._seed(0) / SEEDS + number * GOLDEN)
            % 1.0
            * sum(share for _, share in self.proposers.values())
        )
        for name in sorted(self.proposers):
            place -= self.proposers[name][1]
            if place < 0:
                return name
        return max(self.proposers)

    def _proposer(self, name: str, number: int, view: Sequence[Member]) -> tuple[str, Proposer]:
        """Return who takes the turn of `name`: of several models the one that is worth most."""
        models = self.models.get(name)
        if not models:
            return name, self.proposers[name][0]
        rng = random.Random(f"model {self._seed(number)}")
        names = list(models)
        chosen = choose(view, names, rng) if self.remembers else rng.choice(names)
        return chosen, models[chosen]

    def _course(self, number: int, view: Sequence[Member]) -> Course:
        """Return what a person asks of this proposal, and keep to the bans."""
        if self.steering is None:
            return Course()
        self.steering.ban(view)
        return self.steering.take(number, reads_ideas=bool(self._readers()))

    def _readers(self) -> list[str]:
        """Return the proposers that a person's words mean something to."""
        return [name for name, (one, _) in self.proposers.items() if _reads_ideas(one)]

    def _reader(self, number: int) -> str:
        """Return who is given an idea: whose turn it is, else who has the largest share."""
        turn, readers = self.turn(number), self._readers()
        return turn if turn in readers else max(readers, key=lambda one: self.proposers[one][1])

    async def _brief(self, number: int, view: Sequence[Member], course: Course) -> Brief:
        view = [one for one in view if one.number not in course.banned]
        pinned = [one for one in view if one.number in course.pinned and one.status in RACED]
        pinned.sort(key=lambda one: course.pinned.index(one.number))
        if not self.remembers:
            view = [one for one in view if one.proposer == "seed"]
        raced = [member for member in view if member.status in RACED]
        rng = random.Random(self._seed(number))
        if self.restarts and number % 2 and since_best(raced) >= PLATEAU:
            chosen = [one.number for one in raced if one.proposer == "seed"]
            chosen = rng.sample(chosen, min(self.parents, len(chosen)))
        else:
            candidates = [member.candidate() for member in raced]
            chosen = self.selector.choose(candidates, self.parents, rng)
        by_number = {member.number: member for member in raced}
        others = [by_number[one] for one in chosen if one not in course.pinned]
        parents = [*pinned, *others][: max(self.parents, len(pinned))]
        await all_of(self._examples(parent) for parent in parents)
        domain = self.measurer.evaluator.domain
        return Brief(
            number=number,
            domain=domain.name,
            description=domain.description,
            entry=entry_of(domain),
            samples=tuple(self.measurer.tasks[Split.TRAIN]),
            parents=tuple(parent.parent(ledger(parent, view)) for parent in parents),
            library=tuple(member.parent() for member in raced),
            digest=digest(view),
            known=frozenset(member.design.id for member in view if member.design),
            seed=self._seed(number),
            wish=course.idea,
        )

    async def _examples(self, member: Member) -> None:
        """See that a parent has training evaluations to show, with their calls."""
        async with member.lock:
            tasks = self.measurer.tasks[Split.TRAIN][: self.examples]
            await self.measurer.meet(member, Split.TRAIN, tasks)
            self.measurer.recall(member)

    async def _try(self, proposal: Proposal) -> tuple[str, tuple[Evaluation, ...]]:
        """Check a design and run it on training tasks; the text says why it fails, "" if not."""
        if proposal.design is None:
            return proposal.reason, ()
        verdict = check(proposal.design.source, entry_of(self.measurer.evaluator.domain))
        if not verdict.accepted:
            return verdict.reason, ()
        done: list[Evaluation] = []
        async with self.measurer.worker(proposal.design) as worker:
            for task in self.measurer.tasks[Split.TRAIN][: self.smoke]:
                done.append(await self.measurer.attempt(worker, proposal.design, task))
                if done[-1].outcome in BROKEN:
                    return f"{done[-1].outcome}: {done[-1].error}", tuple(done)
        return "", tuple(done)

    def _seed(self, number: int) -> int:
        digest = hashlib.sha256(f"{self.seed}\x00{number}".encode()).digest()
        return int.from_bytes(digest[:6], "big")


def _reads_ideas(proposer: Proposer) -> bool:
    return bool(getattr(proposer, "reads_ideas", False))


def since_best(members: Sequence[Member]) -> int:
    """Return how many new designs were raced after the one that leads; 0 where none does."""
    leader, new = best(members), [one for one in members if one.proposer != "seed"]
    return 0 if leader is None else sum(one.number > leader.number for one in new)


def twin(design: Design, members: Iterable[Member]) -> Member | None:
    """Return the first member whose program is the same but for names and comments."""
    form = normalised(design.source)
    return next(
        (one for one in members if one.design and normalised(one.design.source) == form), None
    )


def _with_costs(first: Proposal, mended: Proposal) -> Proposal:
    """Return the mended proposal with the cost of both."""
    return Proposal(
        mended.design,
        mended.operator or first.operator,
        mended.parents,
        first.usage + mended.usage,
        first.dollars + mended.dollars,
        mended.reason,
        mended.raw,
    )
