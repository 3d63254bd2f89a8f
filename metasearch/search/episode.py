"""One episode of a society: rules and bots here on the host, the design's seats in the sandbox.

Each seat of the design is a job of its own, a process or an interpreter that sees nothing of the
others. The host asks the seats of a round all at once and goes on when each has decided, is late
or is gone; what was decided stands in the log in the order of the rules, whatever came first. So
the log depends on seed and code alone, unless a seat is late.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol
from weakref import WeakKeyDictionary

from metasearch.domains.societies.base import Society
from metasearch.domains.societies.play import Bot, Referee, Reply, Turn, seat_seed
from metasearch.domains.societies.table import Event, Log
from metasearch.sandbox.base import MEMBER, SEATS, Job, JobResult, Limits, Worker
from metasearch.sandbox.conversation import Clock
from metasearch.types import Json, Outcome, Task

__all__ = ["ACTION_SECONDS", "Desk", "Floors", "play"]

ACTION_SECONDS = 5.0  # of own computing for one action, or less where a whole job may have less
SEAT_ACTIONS = 6  # times that: what a seat may compute in a whole episode
LATE_RUNNING = 3  # late so often in a row, a seat is taken for dead
LOOK_SECONDS = 0.25  # between looks at who is late
PARTING_SECONDS = 2.0  # for a seat to take note that all is over
ERROR_CHARACTERS = 2_000
DETAIL_CHARACTERS = 300
PARKED = 2  # wall clocks: what a seat may wait for the others to get their places

_FAULTS = {
    outcome.value: outcome
    for outcome in Outcome
    if outcome not in (Outcome.ANSWERED, Outcome.INFRASTRUCTURE)
}


class Desk(Protocol):
    """Answers what an episode's seats ask their model, under caps that all seats share."""

    async def answer(self, body: dict[str, Json], seat: int) -> dict[str, Json]:
        """Answer one question; see `AnswerCall`."""
        ...

    def share(self, seats: Sequence[int]) -> None:
        """Divide what is left of the caps among those that are asked now.

        Who comes first within a round must not matter.
        """
        ...

    def cost(self, seat: int) -> tuple[int, int]:
        """Return the calls and tokens of one seat so far."""
        ...


class Floors:
    """For each worker: many episodes at once, or one that is played alone."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Worker, _Floor] = WeakKeyDictionary()

    def of(self, worker: Worker) -> _Floor:
        """Return the worker's own."""
        return self._of.setdefault(worker, _Floor())


class _Floor:
    def __init__(self) -> None:
        self._playing = 0
        self._alone = asyncio.Lock()
        self._empty = asyncio.Event()

    @asynccontextmanager
    async def entered(self, alone: bool) -> AsyncIterator[None]:
        async with self._alone:  # whoever is alone holds it to the end
            if not alone:
                self._playing += 1
            while alone and self._playing:
                self._empty.clear()
                await self._empty.wait()
            if alone:
                yield
                return
        try:
            yield
        finally:
            self._playing -= 1
            if not self._playing:
                self._empty.set()


async def play(
    worker: Worker,
    society: Society,
    task: Task,
    *,
    seed: int,
    limits: Limits,
    desk: Desk,
    floors: Floors,
    alone: bool = False,
) -> JobResult:
    """Play one episode and return its log as the answer, `{"log": [...]}`.

    The outcome is ANSWERED unless not one action of the design's seats was valid; it is then that
    of the most frequent fault. INFRASTRUCTURE: the sandbox failed a seat, nothing was played.

    Args:
        worker: of the design.
        floors: the same for all episodes of the worker.
        limits: of a job. An action may take `ACTION_SECONDS` of own computing, or `active_seconds`
            where that is less, and all of a seat `SEAT_ACTIONS` times that; `wall_seconds` is for
            the episode.
        alone: beside no other episode of the worker: what the kernel ends for its memory then is
            the design's own doing.

    Raises:
        Exception: whatever `desk` raises, `CallRefused` apart.
    """
    async with floors.of(worker).entered(alone):
        return await _Episode(worker, society, task, limits, desk).run(seed, alone)


class _Lost(Exception):
    """The sandbox has failed a seat."""


@dataclass(slots=True)
class _Seat:
    """One seat of the design.

    Attributes:
        number: in [0, seats).
        open: what it is asked and has not decided.
        is_given: it has been handed a request; the next that it says is about that one.
        since: its own computing, in seconds, when it was asked.
        parked: where it waits for its next request.
        untold: events that it has not been handed.
        late: how often in a row.
        faults: what came of its actions that the log calls late, crashed or gone, in their order.
        ended: what came of its job.
    """

    number: int
    episode: _Episode
    clock: Clock = field(default_factory=Clock)
    open: Turn | None = None
    is_given: bool = False
    since: float = 0.0
    parked: asyncio.Future[dict[str, Json]] | None = None
    untold: list[Event] = field(default_factory=list)
    late: int = 0
    faults: deque[tuple[Outcome, str]] = field(default_factory=deque)
    ended: JobResult | None = None

    def ask(self, turn: Turn) -> None:
        """Ask it something; it may still be busy with what it was asked before."""
        self.untold += turn.events
        self.open, self.since = turn, self.clock.active()
        if self.ended is not None:
            self._gone(self.ended)
        elif self.parked is not None:
            self._hand_over(self._handed(turn))

    async def answer(self, body: dict[str, Json]) -> dict[str, Json]:
        """Serve its job's calls; an `AnswerCall`."""
        is_turn = body.get("op") == "turn"
        if is_turn and self.is_given:
            self.is_given = False
            self._take(body)
        self.clock.wait(+1)
        try:
            return await (self._next() if is_turn else self.episode.desk.answer(body, self.number))
        finally:
            self.clock.wait(-1)

    def look(self, seconds: float) -> None:
        """Decide for it when it has computed for more than so many seconds."""
        if self.open is None or self.clock.active() - self.since < seconds:
            return
        self.late += 1
        self._fail("late", Outcome.TIMED_OUT, f"over {seconds:g} s of its own computing")
        if self.late == LATE_RUNNING:
            error = f"late {LATE_RUNNING} times in a row"
            self.end(JobResult(Outcome.TIMED_OUT, error=error))

    def end(self, result: JobResult) -> None:
        """Its job has come to an end, or is not waited for any more."""
        if self.ended is None:
            self.ended = result
            if self.open is not None:
                self._gone(result)

    def part(self) -> bool:
        """Tell it that all is over; False when it does not listen."""
        return self._hand_over({"request": None})

    def _take(self, body: dict[str, Json]) -> None:
        if self.open is None:
            return  # it was late, and what it says now is about a decision long made
        if "action" in body:
            self.late = 0
            self._settle(Reply(body["action"]))
            return
        outcome = _FAULTS.get(str(body.get("kind")), Outcome.CRASHED)
        fault = "invalid" if outcome is Outcome.WRONG_FORMAT else "crashed"
        self._fail(fault, outcome, str(body.get("error") or "no action"))

    async def _next(self) -> dict[str, Json]:
        if self.episode.is_over:
            return {"request": None}
        if self.open is not None:
            return self._handed(self.open)
        self.parked = asyncio.get_running_loop().create_future()
        self.episode.arrived(self.number)
        try:
            return await self.parked
        finally:
            self.parked = None

    def _handed(self, turn: Turn) -> dict[str, Json]:
        self.is_given = True
        events, self.untold = self.untold, []
        return {"events": events, "request": turn.request()}

    def _hand_over(self, value: dict[str, Json]) -> bool:
        parked, self.parked = self.parked, None
        if parked is None or parked.done():
            return False
        parked.set_result(value)
        return True

    def _gone(self, result: JobResult) -> None:
        outcome = Outcome.CRASHED if result.outcome is Outcome.ANSWERED else result.outcome
        self._fail("gone", outcome, result.error or "its job ended before the episode did")

    def _fail(self, fault: str, outcome: Outcome, error: str) -> None:
        if fault != "invalid":
            self.faults.append((outcome, error[-ERROR_CHARACTERS:]))
        self._settle(Reply(fault=fault, detail=error[-DETAIL_CHARACTERS:]))

    def _settle(self, reply: Reply) -> None:
        self.open = None
        self.episode.replied(self.number, reply)


class _Episode:
    """An episode that is being played.

    Attributes:
        desk: answers the seats' questions.
        is_over: no seat is asked anything more.
    """

    def __init__(
        self, worker: Worker, society: Society, task: Task, limits: Limits, desk: Desk
    ) -> None:
        self._worker, self._game, self.desk = worker, society.game, desk
        self._scenario = society.scenario(task)
        if len(self._scenario.focal) > SEATS:
            raise ValueError(f"{self._game.name}: {len(self._scenario.focal)} seats; {SEATS} fit")
        self._seats = {number: _Seat(number, self) for number in self._scenario.focal}
        self._limits = limits
        self._action_seconds = min(ACTION_SECONDS, limits.active_seconds)
        self._jobs: dict[int, asyncio.Task[JobResult]] = {}
        self._replies: dict[int, Reply] = {}
        self._absent = set(self._seats)
        self._missing = 0
        self._news: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        self.is_over = False

    async def run(self, seed: int, alone: bool) -> JobResult:
        """Play, and leave no job behind."""
        looking = asyncio.ensure_future(self._look())
        start, log = time.monotonic(), None
        outcome, error = Outcome.INFRASTRUCTURE, ""
        try:
            self._begin(seed, alone)
            await self._until(lambda: not self._absent)
            start = time.monotonic()
            async with asyncio.timeout(self._limits.wall_seconds):
                log = await self._play(seed)
            outcome, error = self._judged(log)
        except TimeoutError:
            outcome, error = Outcome.TIMED_OUT, f"over {self._limits.wall_seconds:g} s in all"
        except _Lost as lost:
            error = str(lost)
        finally:
            self.is_over = True
            seconds = time.monotonic() - start
            await self._part(looking, is_played=log is not None)
        answer = None if log is None else {"log": log}
        return self._result(outcome, answer, error, seconds)

    # jobs

    def _begin(self, seed: int, alone: bool) -> None:
        limits = replace(
            self._limits,
            active_seconds=SEAT_ACTIONS * self._action_seconds,
            wall_seconds=PARKED * self._limits.wall_seconds,
        )
        for number, seat in self._seats.items():
            job = Job({}, seat_seed(seed, number), limits, MEMBER)
            task = asyncio.ensure_future(self._worker.run(job, seat.answer))
            self._jobs[number] = task
            task.add_done_callback(partial(self._ended, seat, alone))

    def _ended(self, seat: _Seat, alone: bool, job: asyncio.Task[JobResult]) -> None:
        if job.cancelled() or self.is_over:
            return
        failure = job.exception()
        result = job.result() if failure is None else JobResult(Outcome.INFRASTRUCTURE)
        if failure is None and result.outcome is Outcome.INFRASTRUCTURE:
            failure = _Lost(result.error)
        elif failure is None and result.outcome is Outcome.OUT_OF_MEMORY and not alone:
            # The kernel counts all of a container: it may have been for others' memory.
            failure = _Lost(f"seat {seat.number}, beside other episodes: {result.error}")
        self._failure = self._failure or failure
        seat.end(result)
        self.arrived(seat.number)
        self._wake()

    def arrived(self, number: int) -> None:
        """A seat is there, or will never be."""
        self._absent.discard(number)
        if not self._absent:
            self._wake()

    async def _part(self, looking: asyncio.Future[None], is_played: bool) -> None:
        """End all jobs; where all is played, those of seats that listen end by themselves."""
        seats = self._seats.values() if is_played else ()
        listening = [self._jobs[seat.number] for seat in seats if seat.part()]
        try:
            if listening:
                await asyncio.wait(listening, timeout=PARTING_SECONDS)
        finally:
            looking.cancel()
            for job in self._jobs.values():
                job.cancel()
            await asyncio.gather(looking, *self._jobs.values(), return_exceptions=True)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for seat in self._seats.values():
                seat.look(self._action_seconds)
                if seat.ended is not None:
                    self._jobs[seat.number].cancel()

    # rounds

    async def _play(self, seed: int) -> Log:
        scenario = self._scenario
        opening = self._game.opening(scenario)
        referee = Referee(self._game.environment(scenario), opening, seed)
        bots = {
            seat: self._game.bots[who](random.Random(seat_seed(seed, seat)))
            for seat, who in enumerate(scenario.seats)
            if seat not in self._seats
        }
        turns = referee.begin()
        while turns:
            turns = referee.take(await self._round(turns, bots))
        costs = [self.desk.cost(seat) for seat in range(len(scenario.seats))]
        referee.table.note(
            "cost", calls=[calls for calls, _ in costs], tokens=[tokens for _, tokens in costs]
        )
        return referee.log

    async def _round(self, turns: Sequence[Turn], bots: Mapping[int, Bot]) -> list[Reply]:
        self._replies = {}
        asked = [turn for turn in turns if turn.seat in self._seats]
        self._missing = len(asked)
        self.desk.share([turn.seat for turn in asked])
        for turn in asked:
            self._seats[turn.seat].ask(turn)
        for turn in turns:
            if turn.seat in bots:
                self._replies[turn.seat] = _decided(bots[turn.seat], turn)
        await self._until(lambda: not self._missing)
        return [self._replies[turn.seat] for turn in turns]

    def replied(self, seat: int, reply: Reply) -> None:
        """A seat has decided, or it was decided for it."""
        self._replies[seat] = reply
        self._missing -= 1
        if not self._missing:
            self._wake()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while self._failure is None and not holds():
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # the result

    def _judged(self, log: Log) -> tuple[Outcome, str]:
        """Return ANSWERED, or where no action of the design was valid the most frequent fault."""
        faults: list[tuple[Outcome, str]] = []
        for event in log:
            if event["kind"] != "act" or event["seat"] not in self._seats:
                continue
            if "fault" not in event:
                return Outcome.ANSWERED, ""
            if event["fault"] == "invalid":
                error = f"{event['ask']}: {event['detail']}"
                faults.append((Outcome.WRONG_FORMAT, error))
            else:
                faults.append(self._seats[event["seat"]].faults.popleft())
        if not faults:
            return Outcome.ANSWERED, ""
        ((outcome, _),) = Counter(outcome for outcome, _ in faults).most_common(1)
        return outcome, next(error for which, error in faults if which is outcome)

    def _result(self, outcome: Outcome, answer: Json, error: str, seconds: float) -> JobResult:
        printed, active = [], 0.0
        for number, job in self._jobs.items():
            if job.cancelled() or job.exception() is not None:
                active += self._seats[number].clock.active()
                continue
            active += job.result().active_seconds
            if job.result().stdout:
                printed.append(f"[seat {number}]\n{job.result().stdout}")
        stdout = "\n".join(printed)[: self._limits.output_bytes]
        return JobResult(outcome, answer, error, stdout, active, seconds)


def _decided(bot: Bot, turn: Turn) -> Reply:
    for event in turn.events:
        bot.observe(event)
    return Reply(bot.act(turn.request()))
