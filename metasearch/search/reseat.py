"""Fills in what an episode's log does not hold: what one seat was asked, turn by turn.

A recorded training episode is played once more in the sandbox, with the recorded replies, while
somebody listens at the first seat. An exported member can then replay that seat as its own test.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from metasearch.domains.societies.base import Society
from metasearch.export.base import Bundle, RecordedSeat
from metasearch.sandbox.base import AnswerCall, CallRefused, Job, JobResult, Limits, Sandbox, Worker
from metasearch.search.episode import Floors, play
from metasearch.types import Evaluation, Json, ModelCall, Outcome, Stream, Task

__all__ = ["with_seats"]

EPISODES = 3


async def with_seats(
    bundle: Bundle,
    sandbox: Sandbox,
    society: Society,
    episodes: Sequence[tuple[Task, Evaluation]],
    limits: Limits,
) -> Bundle:
    """Return the bundle with one seat of each episode that plays as it was recorded.

    Args:
        bundle: of a member.
        sandbox: where it plays.
        society: whose episodes these are.
        episodes: of the training split, with their traces; the first `EPISODES` count.
        limits: as in the search.

    Raises:
        SandboxUnavailable: the sandbox cannot run anything; the bundle can be exported without.
    """
    worker = await sandbox.open(bundle.design.source)
    try:
        seats = [
            await _replayed(worker, society, task, evaluation, limits)
            for task, evaluation in episodes[:EPISODES]
        ]
    finally:
        await worker.close()
    return replace(bundle, seats=tuple(seat for seat in seats if seat is not None))


async def _replayed(
    worker: Worker, society: Society, task: Task, evaluation: Evaluation, limits: Limits
) -> RecordedSeat | None:
    """Return what the first seat was asked and did; None where the episode goes another way."""
    listener = _Listener(worker)
    seed = Stream(task.id, evaluation.repeat).seed()
    result = await play(
        *(listener, society, task),
        seed=seed,
        limits=limits,
        desk=_Record(list(evaluation.trace)),
        floors=Floors(),
    )
    if result.outcome is not Outcome.ANSWERED or result.answer != evaluation.answer:
        return None
    turns = tuple(turn for turn in listener.turns if "action" in turn)
    if listener.seed is None or len(turns) < len(listener.turns):
        return None
    return RecordedSeat(listener.seed, turns, tuple(listener.replies))


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Listener:
    """A worker that notes what passes between the host and the first of its jobs."""

    worker: Worker
    seed: int | None = None
    turns: list[dict[str, Json]] = field(default_factory=list)
    replies: list[dict[str, Json]] = field(default_factory=list)

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        if self.seed is not None:
            return await self.worker.run(job, answer_call)
        self.seed = job.seed

        async def listening(body: dict[str, Json]) -> dict[str, Json]:
            if "action" in body and self.turns:
                self.turns[-1]["action"] = copy.deepcopy(body["action"])
            given = await answer_call(body)
            if "messages" in body:
                self.replies.append({"messages": body["messages"], "reply": given})
            elif given.get("request") is not None:
                self.turns.append(copy.deepcopy(given))
            return given

        return await self.worker.run(job, listening)

    async def close(self) -> None:
        await self.worker.close()


@dataclass(slots=True)
class _Record:
    """Answers from an episode's trace, by seat and messages."""

    left: list[ModelCall]
    made: dict[int, tuple[int, int]] = field(default_factory=dict)

    async def answer(self, body: dict[str, Json], seat: int) -> dict[str, Json]:
        for place, call in enumerate(self.left):
            messages = [{"role": one.role, "content": one.content} for one in call.request.messages]
            is_its = call.agent.startswith(f"seat {seat}: ")
            if is_its and call.reply is not None and messages == body.get("messages"):
                del self.left[place]
                calls, tokens = self.cost(seat)
                self.made[seat] = (calls + 1, tokens + call.reply.usage.total)
                return {"text": call.reply.text, "finish": str(call.reply.finish)}
        raise CallRefused("bad_request", "this was not recorded")

    def share(self, seats: Sequence[int]) -> None:
        """The record is its own cap."""

    def cost(self, seat: int) -> tuple[int, int]:
        return self.made.get(seat, (0, 0))
