"""The search: propose, try, race, record, and at the end open the sealed test once.

Steady state with a fixed lag: several proposals are in flight, and proposal k is made from exactly
the first v finished ones, where v follows from the order of numbers alone, never from timing. With
recorded replies a search that was killed and started again therefore goes the same way.

All state is the archive's rows; `Member` objects are rebuilt from them at every start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from metasearch.errors import BudgetExhausted, MetasearchError
from metasearch.report.rows import BASELINES
from metasearch.search.config import SearchConfig
from metasearch.search.equal_cost import BASELINE, EqualCost
from metasearch.search.events import SearchFinished
from metasearch.search.finals import Finals
from metasearch.search.guard import Guard
from metasearch.search.measure import Measurer, Stored, all_of
from metasearch.search.member import RACED, Member, best, leading
from metasearch.search.outage import Interrupted
from metasearch.search.preflight import Preflight
from metasearch.search.proposer import Proposal
from metasearch.search.race import INCUMBENTS, hopeless
from metasearch.search.simplify import SIMPLIFIER, simplified
from metasearch.search.trial import Draft, Trial, twin
from metasearch.types import Design, Split, Usage

__all__ = ["NO_NEW", "Search"]

EXTRA = (SIMPLIFIER, BASELINE)  # they propose what is extra to the designs that were asked for
NO_NEW = (*BASELINES, SIMPLIFIER)  # proposers of entries that are no new designs
ATTEMPTS = 3  # proposals made at most, for each design that was asked for


@dataclass(slots=True)
class Search:
    """One configured, resumable run.

    Attributes:
        baselines: the designs that are entries from the start.
        guard: keeps the test's money back, and tells of budget, time and faults.
        preflight: looks whether there is something to find; None does not look.
        members: every entry so far, by number; the baselines come first.
    """

    config: SearchConfig
    measurer: Measurer
    trial: Trial
    baselines: Sequence[Design]
    guard: Guard
    preflight: Preflight | None = None
    members: dict[int, Member] = field(default_factory=dict, init=False)
    _arrived: dict[int, asyncio.Event] = field(default_factory=dict, init=False)
    _ending: bool = field(default=False, init=False)

    def stop(self, reason: str, *, end: bool = False) -> None:
        """Finish what is in flight, save, and end; what is pending stays pending.

        Args:
            reason: for the archive.
            end: also bring what was found to its end: the test is opened.
        """
        self._ending = end
        self.measurer.stop(reason)

    def load(self, stored: Stored | None = None) -> None:
        """Take up what the archive holds of this search, once; None reads it now."""
        self.members = self.members or self.measurer.load(stored)

    def made(self) -> int:
        """Return how many new designs were raced."""
        return sum(one.status in RACED for one in self._proposals())

    async def run(self) -> str:
        """Run to the end and return the search's status: finished, stopped or paused.

        Raises:
            Unavailable: something outside failed; the search is paused and can be resumed.
            ConfigError: the endpoint or the domain says that the configuration is wrong.
        """
        self.load()
        self.guard.begin(self.members)
        for number, design in enumerate(self.baselines):
            if number not in self.members:
                proposal = Proposal(design, "", (), Usage(), 0.0, "")
                self.members[number] = self.measurer.enter(number, proposal, "seed", "pending")
        status = reason = ""
        try:
            status, reason = await self._search()
            winner = await simplified(self, await self._finals())
            await self._open_test(winner, await self._opponent(winner))
        except Interrupted as why:
            # Who asked for its end has it, though its test could not be made.
            asked = self.measurer.stopping or str(why)
            status, reason = ("stopped", reason or asked) if self._ending else ("paused", asked)
        except BudgetExhausted as error:
            status, reason = "stopped", str(error)
            self.guard.exhausted(reason)
        except MetasearchError as error:
            self._finish("paused", str(error))
            raise
        finally:
            await self.measurer.drain()
        self._finish(status, reason)
        return status

    async def _search(self) -> tuple[str, str]:
        """Race and propose; return the search's status and why it ended early, or ""."""
        try:
            if self.preflight is not None:
                await self.preflight.check(self.members)
            await self._race_baselines()
            return "finished", await self._propose_all()
        except BudgetExhausted as error:  # what is in flight has ended; the test is paid for
            self.guard.exhausted(str(error))
            return "stopped", str(error)
        except Interrupted:
            if not self._ending:
                raise
            reason, self.measurer.stopping = self.measurer.stopping, ""
            return "stopped", reason

    def _finish(self, status: str, reason: str) -> None:
        search_id = self.measurer.search_id
        self.measurer.archive.set_status(search_id, status, reason)
        self.measurer.display.show(SearchFinished(search_id, status, reason, self.made()))

    async def _race_baselines(self) -> None:
        """Race the baselines stage by stage against the best of them."""
        racing = [member for member in self._view(0) if member.status == "pending"]
        for size in self._stages()[:-1]:
            await all_of(self._meet(member, size) for member in racing)
            met = self._first(size)
            scores = {one.number: one.scores(among=met) for one in self._view(0)}
            leader = max(self._view(0), key=lambda one: (one.mean(met), -one.number))
            for member in list(racing):
                # All of them: which one leads is only known since these tasks were met.
                others = [scores[number] for number in scores if number != member.number]
                if self._hopeless(scores[member.number], others):
                    reason = f"behind {leader.number} after {size} tasks"
                    self.measurer.settle(member, "stopped", reason)
                    racing.remove(member)
        await all_of(self._race(member, []) for member in racing)

    async def _propose_all(self) -> str:
        """Make proposals until enough designs are evaluated; return why it ended early, or ""."""
        wanted, lag = self.config.search.designs, self.config.search.in_flight
        running: dict[int, asyncio.Task[None]] = {}
        started = visible = accepted = 0
        reason = ""
        try:
            while True:
                flying = started - visible
                reason = reason or self._early_end(started)
                if not reason and flying < lag and accepted + flying < wanted:
                    coroutine = self._proposal(len(self.baselines) + started, visible)
                    running[started] = asyncio.create_task(coroutine)
                    started += 1
                elif flying:
                    await running.pop(visible)
                    made = self.members[len(self.baselines) + visible]
                    accepted += made.accepted and made.proposer not in EXTRA
                    visible += 1
                else:
                    return reason if accepted < wanted else ""
        finally:
            # Whatever ended the loop, the others are let to their end: their calls are paid for.
            await asyncio.gather(*running.values(), return_exceptions=True)

    def _early_end(self, started: int) -> str:
        minutes = self.config.budget.minutes
        if minutes is not None and self.guard.worktime.seconds() > minutes * 60:
            self.guard.exhausted(f"{minutes:g} minutes are over")
            return f"{minutes:g} minutes are over"
        if started >= ATTEMPTS * max(self.config.search.designs, 1):
            return f"{started} proposals were made and too few of them run"
        return ""

    async def _proposal(self, number: int, visible: int) -> None:
        """Make one design out of what the first `visible` proposals taught, and race it."""
        self._arrived.setdefault(number, asyncio.Event())
        try:
            if number not in self.members:
                draft = await self.trial.draft(number, self._view(visible))
                if (before := self._arrived.get(number - 1)) is not None:
                    await before.wait()  # which of two equal designs is the twin is not chance
                    if number - 1 not in self.members:
                        raise Interrupted(f"proposal {number - 1} was interrupted before this one")
                self.members[number] = self._enter(number, draft)
        finally:
            self._arrived[number].set()
        member = self.members[number]
        if member.status == "pending":
            await self.trial.complete(member)
            await self._race(member, leading(self._view(visible), INCUMBENTS))

    def _enter(self, number: int, draft: Draft) -> Member:
        """Give a draft its entry: pending when it is to be raced, else with what is wrong."""
        proposal, enter = draft.proposal, self.measurer.enter
        if proposal.design is None:
            return enter(number, proposal, draft.proposer, "failed")
        if draft.problem:
            reason = draft.problem.strip().splitlines()[-1][:300]
            return enter(number, proposal, draft.proposer, "invalid", reason)
        earlier = [self.members[one] for one in sorted(self.members) if one < number]
        if (same := twin(proposal.design, earlier)) is not None:
            return enter(number, proposal, draft.proposer, "duplicate", f"same as {same.number}")
        member = enter(number, proposal, draft.proposer, "pending")
        for evaluation in draft.tried:
            self.measurer.record(member, evaluation)
        return member

    async def _race(self, member: Member, incumbents: Sequence[Member]) -> None:
        """Evaluate a member stage by stage until it is done or hopelessly behind the leaders."""
        sizes = self._stages()
        for size in sizes[:-1]:
            await self._meet(member, size)
            scores = member.scores(among=self._first(size))
            if self._hopeless(scores, [one.scores() for one in incumbents]):
                reason = f"behind {incumbents[0].number} after {size} tasks"
                self.measurer.settle(member, "stopped", reason)
                return
        await self._meet(member, sizes[-1])
        self.measurer.settle(member, "evaluated")

    def _hopeless(
        self, scores: Mapping[str, float], incumbents: Sequence[Mapping[str, float]]
    ) -> bool:
        order = [task.id for task in self.measurer.tasks[Split.VALIDATION]]
        return hopeless(scores, incumbents, order=order, alpha=self.config.search.race_alpha)

    async def _finals(self) -> Member | None:
        """Return the new design that won on fresh samples; without money, the one that leads."""
        search = self.config.search
        self.trial.ban(self.members.values())
        finals = Finals(self.measurer, search.finalists, search.final_repeats)
        self.guard.play()
        try:
            return await finals.play(self._proposals(), self._view(0))
        except BudgetExhausted as error:
            self.guard.exhausted(str(error))
            return best(self._proposals())

    async def _opponent(self, winner: Member | None) -> Member | None:
        """Return the best baseline of the winner's price, which met all of validation."""
        if winner is None:
            return None
        search = self.config.search
        equal = EqualCost(self.measurer, self.members, search.calls_per_task)
        self.guard.compare()
        if search.equal_cost:
            await equal.play(winner)
        return equal.opponent(winner)

    async def _open_test(self, winner: Member | None, opponent: Member | None) -> None:
        """Open the sealed test split, once: for the winner, the best baseline, that of its price.

        The last two are one, where the best baseline costs no more than the winner.
        """
        self.guard.release()
        rivals = [one for one in self.members.values() if one.proposer in BASELINES]
        pair = [member for member in (winner, best(rivals)) if member is not None]
        tasks = self.measurer.tasks[Split.TEST]
        if len(pair) < 2 or not tasks:
            return
        third = [opponent] if opponent is not None and opponent not in pair else []
        numbers = [str(member.number) for member in (*pair, *third)]
        self._note_look(f"for designs {' and '.join(numbers)}")
        await all_of(self.measurer.meet(member, Split.TEST, tasks) for member in pair)
        try:
            await all_of(self.measurer.meet(member, Split.TEST, tasks) for member in third)
        except BudgetExhausted as error:
            self.guard.exhausted(f"{error}; {numbers[-1]} has not met the whole test")

    def _note_look(self, text: str) -> None:
        """Count a look at the sealed split; going on with an interrupted one is the same look."""
        archive, search_id = self.measurer.archive, self.measurer.search_id
        seen = [event.text for event in archive.events(search_id) if event.kind == "test-opened"]
        if text not in seen:
            archive.add_event(search_id, "test-opened", text)

    async def _meet(self, member: Member, size: int) -> None:
        tasks = self.measurer.tasks[Split.VALIDATION][:size]
        await self.measurer.meet(member, Split.VALIDATION, tasks)

    def _first(self, size: int) -> set[str]:
        """Return the tasks that a stage judges by; one that was interrupted has met more."""
        return {task.id for task in self.measurer.tasks[Split.VALIDATION][:size]}

    def _stages(self) -> tuple[int, ...]:
        return self.config.search.stage_sizes(len(self.measurer.tasks[Split.VALIDATION]))

    def _view(self, visible: int) -> list[Member]:
        """Return the baselines and the first `visible` proposals."""
        return [self.members[number] for number in range(len(self.baselines) + visible)]

    def _proposals(self) -> list[Member]:
        """Return the new designs, without what was made of the winner at the end."""
        new = [one for one in self.members.values() if one.number >= len(self.baselines)]
        return [one for one in new if one.proposer not in EXTRA]
