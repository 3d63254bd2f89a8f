"""Measuring members: each evaluation is one transaction in the archive and one event for people."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from metasearch.archive.bulk import no_collection
from metasearch.archive.store import Archive
from metasearch.sandbox.base import Sandbox, Worker
from metasearch.search.evaluate import Evaluator
from metasearch.search.events import (
    Display,
    EntryAdded,
    EntryDone,
    EvaluationDone,
    Expected,
    Spent,
)
from metasearch.search.guard import Guard
from metasearch.search.member import Member
from metasearch.search.outage import Interrupted
from metasearch.search.proposer import Proposal
from metasearch.search.workers import Workers
from metasearch.types import Design, Evaluation, Owner, Split, Task

__all__ = ["Interrupted", "Measurer", "Stored", "all_of", "stored"]

MANY_EVALUATIONS = 10_000


class Stored(NamedTuple):
    """What the archive holds of a search: tasks in the shared order, members by number."""

    tasks: dict[Split, list[Task]]
    members: dict[int, Member]


def stored(archive: Archive, search_id: str) -> Stored:
    """Read a search; with 100,000 evaluations half a second, so a thread may do it."""
    tasks = {split: archive.tasks(search_id, split) for split in Split}
    with no_collection():
        return Stored(tasks, _members(archive, search_id))


def _members(archive: Archive, search_id: str) -> dict[int, Member]:
    measured = archive.measured(search_id)
    examples = archive.evaluations_by_entry(search_id, Split.TRAIN)
    members = {}
    for entry in archive.entries(search_id, with_summaries=False):
        members[entry.number] = Member(
            number=entry.number,
            entry_id=entry.id,
            design=entry.design,
            status=entry.status,
            proposer=entry.proposer,
            operator=entry.operator,
            parents=entry.parents,
            reason=entry.reason,
            measured={one[:3]: one for one in measured.get(entry.id, ())},
            examples={(one.task_id, one.repeat): one for one in examples.get(entry.id, ())},
            spent=entry.usage,
            dollars=entry.dollars,
        )
    return members


@dataclass(slots=True)
class Measurer:
    """Evaluates members and writes down what came of it.

    Attributes:
        repeats: evaluations of a design on each task.
        tasks: of every split, in the order that all designs share.
        guard: watches money, time and faults; None watches nothing.
        stopping: why no new evaluation may begin, "" while they may.
    """

    search_id: str
    archive: Archive
    evaluator: Evaluator
    sandbox: Sandbox
    display: Display
    repeats: int = 1
    guard: Guard | None = None
    tasks: dict[Split, list[Task]] = field(default_factory=dict)
    stopping: str = ""
    _evaluations: int = field(default=0, init=False)
    _workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        self._workers = Workers(self.sandbox)

    def load(self, found: Stored | None = None) -> dict[int, Member]:
        """Take up what the archive holds, and return the members by number.

        Args:
            found: what was read of it already, in full; None reads it now.
        """
        self.tasks, members = found or stored(self.archive, self.search_id)
        self._evaluations = sum(len(member.measured) for member in members.values())
        if self._evaluations > MANY_EVALUATIONS:
            # They live as long as the search; to look at all of them takes 0.1 s each time.
            gc.freeze()
        return members

    def enter(
        self, number: int, proposal: Proposal, proposer: str, status: str, reason: str = ""
    ) -> Member:
        """Give a proposal its row, also one that came to nothing."""
        reason = reason or proposal.reason
        entry = self.archive.add_entry(
            self.search_id,
            number=number,
            design=proposal.design,
            status=status,
            proposer=proposer,
            operator=proposal.operator,
            parents=proposal.parents,
            reason=reason,
            spent=proposal.usage,
            dollars=proposal.dollars,
            raw=proposal.raw,
        )
        if self.guard is not None:
            self.guard.proposed()
        name = proposal.design.name if proposal.design else ""
        self.display.show(
            EntryAdded(number, name, proposer, proposal.operator, proposal.parents, status, reason)
        )
        return Member(
            number=number,
            entry_id=entry.id,
            design=proposal.design,
            status=status,
            proposer=proposer,
            operator=proposal.operator,
            parents=proposal.parents,
            reason=reason,
            spent=proposal.usage,
            dollars=proposal.dollars,
        )

    async def meet(
        self,
        member: Member,
        split: Split,
        tasks: Sequence[Task],
        repeats: Iterable[int] | None = None,
    ) -> None:
        """Evaluate a member on tasks, those that it has met already left out.

        Args:
            member: one entry.
            split: of the tasks.
            tasks: in the shared order.
            repeats: their numbers; None is the search's own: one on training tasks.

        Raises:
            Interrupted, BudgetExhausted, Unavailable: after what was in flight is recorded.
        """
        if repeats is None:
            repeats = range(1 if split is Split.TRAIN else self.repeats)
        missing = member.missing(split, tasks, repeats)
        if not missing or member.design is None:
            return
        self.display.show(Expected(self._evaluations + len(missing)))
        async with self.worker(member.design) as worker:
            await all_of(
                self._measure(member, worker, task, split, repeat) for task, repeat in missing
            )

    def recall(self, member: Member) -> None:
        """Read the calls of training evaluations that an earlier process made.

        `load` leaves them out, for they are many; a parent's are part of what a proposer is shown.
        """
        if any(one.calls and not one.trace for one in member.examples.values()):
            for evaluation in self.archive.evaluations(
                self.search_id, entry_id=member.entry_id, split=Split.TRAIN, with_trace=True
            ):
                member.add(evaluation)

    async def drain(self) -> None:
        """Close every worker, and wait until that is done."""
        await self._workers.close()

    async def attempt(self, worker: Worker, design: Design, task: Task) -> Evaluation:
        """Run a design that has no entry yet on a training task; nothing is written."""
        self.check_stop()
        return await self.evaluator.evaluate(worker, design, task, Split.TRAIN)

    def record(self, member: Member, evaluation: Evaluation) -> None:
        """Write one evaluation, and show it."""
        self.archive.add_evaluation(self.search_id, member.entry_id, evaluation)
        member.add(evaluation)
        self._evaluations += 1
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
        gateway = self.evaluator.gateway
        spent, parts = gateway.spent(), {owner: gateway.spent(owner) for owner in Owner}
        self.display.show(Spent(spent.dollars, spent.usage, spent.calls, parts))
        if self.guard is not None:
            self.guard.evaluated(member, evaluation)

    def settle(self, member: Member, status: str, reason: str = "") -> None:
        """End a member's race as "evaluated" or "stopped"."""
        self.archive.set_entry(member.entry_id, status=status, reason=reason)
        member.status, member.reason = status, reason
        if member.design is not None:
            self._workers.let_go(member.design)
        if self.guard is not None:
            self.guard.settled(member)
        low, high = member.interval()
        scores = member.scores()
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
                dollars_per_task=member.dollars_per_task(),
                reason=reason,
            )
        )

    def stop(self, reason: str) -> None:
        """Let nothing new begin, and nobody wait for an endpoint that is down."""
        self.stopping = self.stopping or reason
        if self.evaluator.outage is not None:
            self.evaluator.outage.stop()

    def check_stop(self) -> None:
        """Raise `Interrupted` when nothing new may begin."""
        if self.stopping:
            raise Interrupted(self.stopping)

    def worker(self, design: Design) -> AbstractAsyncContextManager[Worker]:
        """Lend a sandbox worker of a design."""
        return self._workers.use(design)

    async def _measure(
        self, member: Member, worker: Worker, task: Task, split: Split, repeat: int
    ) -> None:
        self.check_stop()
        assert member.design is not None
        self.record(
            member, await self.evaluator.evaluate(worker, member.design, task, split, repeat)
        )


async def all_of(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all to their end, then raise the first fault: what is in flight is paid for."""
    for result in await asyncio.gather(*coroutines, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
