"""The search: propose, try, race, record, and at the end open the sealed test once.

Steady state with a fixed lag: several proposals are in flight, and proposal k is made from exactly
the first v finished ones, where v follows from the order of numbers alone, never from timing. With
recorded replies a search that was killed and started again therefore goes the same way.

All state is the archive's rows; `Member` objects are rebuilt from them at every start.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metasearch.archive.records import SearchInfo
from metasearch.archive.store import Archive
from metasearch.errors import BudgetExhausted, MetasearchError, Unavailable
from metasearch.sandbox.base import Sandbox, Worker
from metasearch.search.checks import check
from metasearch.search.config import SearchConfig
from metasearch.search.evaluate import Evaluator
from metasearch.search.events import (
    Display,
    EntryAdded,
    EntryDone,
    EvaluationDone,
    Expected,
    SearchFinished,
    Spent,
)
from metasearch.search.member import RACED, Member, best, digest, ledger
from metasearch.search.novelty import normalised
from metasearch.search.proposer import Brief, Proposal, Proposer, Repairer
from metasearch.search.race import hopeless
from metasearch.search.selector import Selector
from metasearch.types import Design, Evaluation, Outcome, Split, Task, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Interrupted", "Search"]

PARENTS = 2
EXAMPLES = 3
ATTEMPTS = 3  # proposals made at most, for each design that was asked for
BROKEN = (Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.OVER_BUDGET)


class Interrupted(Exception):
    """The user asked to stop; what was in flight is finished and saved."""


@dataclass(slots=True)
class Search:
    """One configured, resumable run.

    Attributes:
        info: the search's row in the archive.
        baselines: the designs that are entries from the start.
        proposers: who makes designs, with the share of proposals that each makes.
        clock: seconds, monotonic; read for the cap of minutes only.
    """

    config: SearchConfig
    info: SearchInfo
    archive: Archive
    evaluator: Evaluator
    sandbox: Sandbox
    baselines: Sequence[Design]
    proposers: Mapping[str, tuple[Proposer, float]]
    selector: Selector
    display: Display
    clock: Callable[[], float]
    tasks: dict[Split, list[Task]] = field(default_factory=dict, init=False)
    members: dict[int, Member] = field(default_factory=dict, init=False)
    stopping: str = field(default="", init=False)
    _arrived: dict[int, asyncio.Event] = field(default_factory=dict, init=False)
    _started: float = field(default=0.0, init=False)

    def stop(self, reason: str) -> None:
        """Finish what is in flight, save, and end; what is pending stays pending."""
        self.stopping = self.stopping or reason

    async def run(self) -> str:
        """Run to the end and return the search's status: finished, stopped, paused or failed.

        Raises:
            Unavailable, ConfigError: the search cannot go on; everything done so far is kept.
        """
        self._started = self.clock()
        self.tasks = {split: self.archive.tasks(self.info.id, split) for split in Split}
        self._load()
        status, reason = "finished", ""
        try:
            await self._race_baselines()
            reason = await self._propose_all()
            await self._open_test()
        except Interrupted:
            status, reason = "paused", self.stopping
        except BudgetExhausted as error:
            status, reason = "stopped", str(error)
        except MetasearchError as error:
            self._finish("paused" if isinstance(error, Unavailable) else "failed", str(error))
            raise
        self._finish(status, reason)
        return status

    def _finish(self, status: str, reason: str) -> None:
        self.archive.set_status(self.info.id, status, reason)
        made = sum(one.status in RACED for one in self._proposals())
        self.display.show(SearchFinished(self.info.id, status, reason, made))

    def _load(self) -> None:
        """Rebuild every member from the archive, and add the baselines that are not there yet."""
        for entry in self.archive.entries(self.info.id):
            member = Member(
                number=entry.number,
                entry_id=entry.id,
                design=entry.design,
                status=entry.status,
                proposer=entry.proposer,
                operator=entry.operator,
                parents=entry.parents,
                reason=entry.reason,
            )
            for evaluation in self.archive.evaluations(self.info.id, entry_id=entry.id):
                member.add(evaluation)
            self.members[entry.number] = member
        for number, design in enumerate(self.baselines):
            if number not in self.members:
                self._enter(number, Proposal(design, "", (), Usage(), 0.0, ""), "seed", "pending")

    def _enter(
        self, number: int, proposal: Proposal, proposer: str, status: str, reason: str = ""
    ) -> Member:
        entry = self.archive.add_entry(
            self.info.id,
            number=number,
            design=proposal.design,
            status=status,
            proposer=proposer,
            operator=proposal.operator,
            parents=proposal.parents,
            reason=reason or proposal.reason,
            spent=proposal.usage,
            dollars=proposal.dollars,
            raw=proposal.raw,
        )
        member = Member(
            number=number,
            entry_id=entry.id,
            design=proposal.design,
            status=status,
            proposer=proposer,
            operator=proposal.operator,
            parents=proposal.parents,
            reason=entry.reason,
        )
        self.members[number] = member
        name = proposal.design.name if proposal.design else ""
        self.display.show(
            EntryAdded(
                number, name, proposer, proposal.operator, proposal.parents, status, entry.reason
            )
        )
        return member

    # ---- baselines -------------------------------------------------------------------------------

    async def _race_baselines(self) -> None:
        """Race the baselines stage by stage against the best of them."""
        racing = [self.members[number] for number in range(len(self.baselines))]
        racing = [member for member in racing if member.status == "pending"]
        sizes = self._stages()
        for size in sizes:
            await self._all(self._meet(member, size) for member in racing)
            leader = max(racing, key=lambda one: (one.mean(), -one.number), default=None)
            if leader is None:
                return
            for member in list(racing):
                if size == sizes[-1]:
                    self._settle(member, "evaluated")
                elif hopeless(member.scores(), leader.scores()):
                    self._settle(member, "stopped", f"behind {leader.number} after {size} tasks")
                    racing.remove(member)

    # ---- proposals -------------------------------------------------------------------------------

    async def _propose_all(self) -> str:
        """Make proposals until enough designs are evaluated; return why it ended early, or ""."""
        wanted, lag = self.config.search.designs, self.config.search.in_flight
        running: dict[int, asyncio.Task[None]] = {}
        started = visible = 0
        reason = ""
        try:
            while True:
                accepted = sum(one.accepted for one in self._view(visible)[len(self.baselines) :])
                flying = started - visible
                reason = reason or self._early_end(started)
                if not reason and flying < lag and accepted + flying < wanted:
                    coroutine = self._proposal(len(self.baselines) + started, visible)
                    running[started] = asyncio.create_task(coroutine)
                    started += 1
                elif flying:
                    await running.pop(visible)
                    visible += 1
                else:
                    return reason if accepted < wanted else ""
        finally:
            # Whatever ended the loop, the others are let to their end: their calls are paid for.
            await asyncio.gather(*running.values(), return_exceptions=True)

    def _early_end(self, started: int) -> str:
        minutes = self.config.budget.minutes
        if minutes is not None and self.clock() - self._started > minutes * 60:
            return f"{minutes:g} minutes are over"
        if started >= ATTEMPTS * max(self.config.search.designs, 1):
            return f"{started} proposals were made and too few of them run"
        return ""

    async def _proposal(self, number: int, visible: int) -> None:
        """Make one design out of what the first `visible` proposals taught, and race it."""
        self._arrived.setdefault(number, asyncio.Event())
        view = self._view(visible)
        try:
            member = self.members.get(number) or await self._make(number, view)
        finally:
            self._arrived[number].set()
        if member.status == "pending":
            await self._race(member, best(view))

    async def _race(self, member: Member, incumbent: Member | None) -> None:
        """Evaluate a member stage by stage until it is done or hopelessly behind the incumbent."""
        sizes = self._stages()
        for size in sizes[:-1]:
            await self._meet(member, size)
            if incumbent is not None and hopeless(member.scores(), incumbent.scores()):
                reason = f"behind {incumbent.number} after {size} tasks"
                self._settle(member, "stopped", reason)
                return
        await self._meet(member, sizes[-1])
        self._settle(member, "evaluated")

    async def _make(self, number: int, view: list[Member]) -> Member:
        """Ask a proposer, check and try what it made, have it mended; enter it in the archive."""
        self._check_stop()
        rng = random.Random(self._seed(number))
        names = sorted(self.proposers)
        name = rng.choices(names, [self.proposers[one][1] for one in names])[0]
        proposer = self.proposers[name][0]
        brief = await self._brief(number, view, rng)
        proposal = await proposer.propose(brief)
        problem, tried = await self._try(proposal)
        repairs = self.config.search.repairs if isinstance(proposer, Repairer) else 0
        while problem and proposal.raw and repairs:
            assert isinstance(proposer, Repairer)
            mended = await proposer.repair(brief, proposal, problem)
            proposal = _after(proposal, mended)
            problem, tried = await self._try(proposal)
            repairs -= 1
        if (before := self._arrived.get(number - 1)) is not None:
            await before.wait()  # so that which of two equal designs is the duplicate is not chance
        if proposal.design is None:
            return self._enter(number, proposal, name, "failed")
        if problem:
            return self._enter(number, proposal, name, "invalid", problem.splitlines()[-1][:300])
        if (twin := self._twin(proposal.design, number)) is not None:
            return self._enter(number, proposal, name, "duplicate", f"the same as {twin.number}")
        member = self._enter(number, proposal, name, "pending")
        for evaluation in tried:
            self._record(member, evaluation)
        return member

    async def _brief(self, number: int, view: list[Member], rng: random.Random) -> Brief:
        raced = [member for member in view if member.status in RACED]
        chosen = self.selector.choose([member.candidate() for member in raced], PARENTS, rng)
        parents = [self.members[one] for one in chosen]
        await self._all(self._examples(parent) for parent in parents)
        return Brief(
            number=number,
            domain=self.evaluator.domain.name,
            description=self.evaluator.domain.description,
            samples=tuple(self.tasks[Split.TRAIN][:EXAMPLES]),
            parents=tuple(parent.parent(ledger(parent, view)) for parent in parents),
            library=tuple(member.parent() for member in raced),
            digest=digest(view),
            known=frozenset(member.design.id for member in view if member.design),
            seed=self._seed(number),
        )

    async def _examples(self, member: Member) -> None:
        """See that a parent has training evaluations to show."""
        async with member.lock:
            missing = member.missing(Split.TRAIN, self.tasks[Split.TRAIN][:EXAMPLES], 1)
            if missing and member.design is not None:
                async with self._worker(member.design) as worker:
                    await self._all(
                        self._measure(member, worker, task, Split.TRAIN, repeat)
                        for task, repeat in missing
                    )

    async def _try(self, proposal: Proposal) -> tuple[str, list[Evaluation]]:
        """Check a design and run it on training tasks; the text says why it fails, "" if not."""
        if proposal.design is None:
            return proposal.reason, []
        verdict = check(proposal.design.source)
        if not verdict.accepted:
            return verdict.reason, []
        tasks = self.tasks[Split.TRAIN][: self.config.search.smoke]
        done = []
        async with self._worker(proposal.design) as worker:
            for task in tasks:
                self._check_stop()
                evaluation = await self.evaluator.evaluate(
                    worker, proposal.design, task, Split.TRAIN
                )
                done.append(evaluation)
                if evaluation.outcome in BROKEN:
                    return f"{evaluation.outcome}: {evaluation.error}", done
        return "", done

    def _twin(self, design: Design, number: int) -> Member | None:
        form = normalised(design.source)
        for member in sorted(self.members.values(), key=lambda one: one.number):
            if member.number >= number:
                return None
            if member.design is not None and normalised(member.design.source) == form:
                return member
        return None

    # ---- the sealed test -------------------------------------------------------------------------

    async def _open_test(self) -> None:
        """Evaluate the best new design and the best baseline on the sealed test split, once."""
        finalists = [best(self._proposals()), best(self._view(0))]
        entries = [member for member in finalists if member is not None]
        if len(entries) < 2 or not self.tasks[Split.TEST]:
            return
        pair = " and ".join(str(member.number) for member in entries)
        self.archive.add_event(self.info.id, "test-opened", f"for designs {pair}")
        await self._all(self._meet_test(member) for member in entries)

    async def _meet_test(self, member: Member) -> None:
        assert member.design is not None
        missing = member.missing(Split.TEST, self.tasks[Split.TEST], self.config.search.repeats)
        async with self._worker(member.design) as worker:
            await self._all(
                self._measure(member, worker, task, Split.TEST, repeat) for task, repeat in missing
            )

    # ---- measuring -------------------------------------------------------------------------------

    async def _meet(self, member: Member, size: int) -> None:
        """Evaluate a member on the first `size` validation tasks, those already done left out."""
        tasks = self.tasks[Split.VALIDATION][:size]
        missing = member.missing(Split.VALIDATION, tasks, self.config.search.repeats)
        if not missing or member.design is None:
            return
        self._foresee(len(missing))
        async with self._worker(member.design) as worker:
            await self._all(
                self._measure(member, worker, task, Split.VALIDATION, repeat)
                for task, repeat in missing
            )

    async def _measure(
        self, member: Member, worker: Worker, task: Task, split: Split, repeat: int
    ) -> None:
        self._check_stop()
        assert member.design is not None
        evaluation = await self.evaluator.evaluate(worker, member.design, task, split, repeat)
        self._record(member, evaluation)

    def _record(self, member: Member, evaluation: Evaluation) -> None:
        self.archive.add_evaluation(self.info.id, member.entry_id, evaluation)
        member.add(evaluation)
        replies = [call.reply for call in evaluation.trace if call.reply]
        self.display.show(
            EvaluationDone(
                member.number,
                evaluation.split,
                evaluation.outcome,
                evaluation.score,
                evaluation.seconds,
                bool(replies) and all(reply.recorded for reply in replies),
            )
        )
        spent = self.evaluator.gateway.spent()
        self.display.show(Spent(spent.dollars, spent.usage, spent.calls))

    def _settle(self, member: Member, status: str, reason: str = "") -> None:
        self.archive.set_entry(member.entry_id, status=status, reason=reason)
        member.status, member.reason = status, reason
        low, high = member.interval()
        scores = member.scores()
        done = member.of(Split.VALIDATION)
        self.display.show(
            EntryDone(
                number=member.number,
                name=member.design.name if member.design else "",
                status=status,
                mean=member.mean(),
                low=low,
                high=high,
                tasks=len(scores),
                solved=sum(score >= 1 for score in scores.values()),
                tokens_per_task=member.tokens_per_task(),
                dollars_per_task=sum(one.dollars for one in done) / len(done) if done else 0.0,
                reason=reason,
            )
        )

    def _foresee(self, more: int) -> None:
        done = sum(len(member.evaluations) for member in self.members.values())
        self.display.show(Expected(done + more))

    @asynccontextmanager
    async def _worker(self, design: Design) -> AsyncIterator[Worker]:
        worker = await self.sandbox.open(design.source)
        try:
            yield worker
        finally:
            await worker.close()

    async def _all(self, coroutines: object) -> None:
        """Run all to their end, then raise the first fault: what is in flight is paid for."""
        results = await asyncio.gather(*coroutines, return_exceptions=True)  # type: ignore[call-overload]
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _check_stop(self) -> None:
        if self.stopping:
            raise Interrupted(self.stopping)

    def _stages(self) -> tuple[int, ...]:
        return self.config.search.stage_sizes(len(self.tasks[Split.VALIDATION]))

    def _seed(self, number: int) -> int:
        text = f"{self.config.search.seed}\x00{number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")

    def _view(self, visible: int) -> list[Member]:
        """Return the baselines and the first `visible` proposals."""
        return [self.members[number] for number in range(len(self.baselines) + visible)]

    def _proposals(self) -> list[Member]:
        return [one for one in self.members.values() if one.number >= len(self.baselines)]


def _after(first: Proposal, mended: Proposal) -> Proposal:
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
