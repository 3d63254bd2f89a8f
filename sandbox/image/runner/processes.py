"""PID 1's side of the processes that jobs run in: made one after the other, some of them ahead.

To make a process takes most of a job's start. While a design waits for its model there is time for
it, so that some are held ready; each has met no design and serves one job, like any other.
"""

from __future__ import annotations

import itertools
import math
import os
import socket
import time
from typing import NamedTuple

from runner import fork_server
from runner.fork_server import REPORT, REQUEST
from runner.slots import Slots

__all__ = ["Gone", "Job", "Processes", "request"]

_FORKS_AT_ONCE = (
    2  # descriptors on their way count against a limit for all of a machine's containers
)
_FEW = 8  # jobs: while more than so many run, none is made ahead
_CALM_SECONDS = 0.1  # after a job's begin, before one is made ahead
_ENDED_SECONDS = 0.3  # after a job's end: others are about to end, and theirs come first
_HELD_SECONDS = 3.0  # after the last job's end, before they are let go
_TICK_SECONDS = 0.05  # between tries of what has failed


class Job:
    """One job's side of PID 1, or that of a process which is held ready for one.

    Attributes:
        number: the host's name of the job, 0 while it has none.
        key: the fork server's.
        slot: None while it waits for one.
        pipe: PID 1's end of the pair; None once the job has closed its own.
        theirs: the job's end, until it has a process.
        to_job: bytes that the job has not taken yet.
        on_way: bytes sent to the host that it has not taken yet.
        taken: bytes that the job has taken and the host has not been told of.
        deadline: when PID 1 ends the job itself, by its own clock; the host has a shorter one.
        watched: the events of the pipe that PID 1 waits for.
        how: why PID 1 is ending it, "" while it is not.
    """

    __slots__ = (
        "caps", "deadline", "how", "key", "number", "on_way", "pipe", "slot", "taken", "theirs",
        "to_job", "watched",
    )  # fmt: skip

    def __init__(self, key: int, slot: int | None, caps: tuple[int, int]) -> None:
        self.number, self.key, self.slot, self.caps = 0, key, slot, caps
        self.deadline = math.inf
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        self.pipe: socket.socket | None = mine
        self.theirs: socket.socket | None = theirs
        self.to_job = bytearray()
        self.on_way = 0
        self.taken = 0
        self.watched = 0
        self.how = ""

    def close(self) -> None:
        """Close what is left of the pair: a process that reads its end of it leaves."""
        for end in (self.pipe, self.theirs):
            if end is not None:
                end.close()
        self.pipe = self.theirs = None


class Gone(NamedTuple):
    """The end of a process: its wait status (or why none was made), seconds, KiB at its peak."""

    job: Job
    status: int
    cpu: float
    memory: int


class Processes:
    """Makes them by way of the fork server.

    Args:
        control: packets to and from the fork server.
        slots: where they run.
        most_held: how many are made ahead.
    """

    def __init__(self, control: socket.socket, slots: Slots, most_held: int) -> None:
        self._control, self._slots = control, slots
        self._made: dict[int, Job] = {}  # or being made, by key
        self._keys = itertools.count(1)
        self._waiting: list[Job] = []
        self._forking = 0
        self._held: list[Job] = []
        self._running = 0
        self._most_held = most_held
        self._kind: tuple[int, int] | None = None  # the caps of what is held
        self._calm_at = self._ended_at = 0.0  # when to make some ahead; when a job last ended

    def take(self, caps: tuple[int, int]) -> Job | None:
        """Return a process for a job, to be made if none is held; None when there is no slot."""
        self._kind = self._kind or caps
        if self._held and self._held[0].caps == caps:
            job = self._held.pop(0)
        else:
            slot = self._slots.take()
            if slot is None and not self._held:
                return None
            if slot is None:
                self._let_go()  # a slot of theirs will do
            job = Job(next(self._keys), slot, caps)
            self._waiting.append(job)
        self._running += 1
        self._calm_at = max(self._calm_at, time.monotonic() + _CALM_SECONDS)
        return job

    def kill(self, job: Job) -> bool:
        """End a job's process; False when it has none yet and will not get one."""
        if job in self._waiting:
            self._waiting.remove(job)
            return False
        if job.slot is not None:
            self._slots.kill(job.slot)
        return True

    def read(self) -> Gone | None:
        """Take one report of the fork server; return whose process is no more."""
        packet = self._control.recv(REPORT.size)
        if not packet:
            os._exit(4)  # the fork server is gone
        kind, key, status, cpu, memory = REPORT.unpack(packet)
        job = self._made[key]
        if kind == fork_server.ENDED:
            return Gone(job, status, cpu, memory)
        self._forking -= 1
        if kind == fork_server.FAILED:
            self._kind = None  # there is no room to make any ahead
            job.how = "refused"
            return Gone(job, status, 0.0, 0)
        if job.how:
            self.kill(job)
        return None

    def forget(self, job: Job) -> None:
        """Make the slot of a process that is no more ready for another."""
        self._made.pop(job.key, None)
        if job.number:
            self._running -= 1
            self._ended_at = time.monotonic()
            self._calm_at = self._ended_at + _ENDED_SECONDS
        elif job in self._held:
            self._held.remove(job)
        job.close()
        if job.slot is not None:
            self._slots.give_back(job.slot)

    def advance(self, now: float) -> float:
        """Have processes made, as many as may be; return when to be called again at the latest."""
        while self._waiting and self._forking < _FORKS_AT_ONCE:
            job = self._waiting[0]
            if job.slot is None:
                job.slot = self._slots.take()
            if job.slot is None or not self._fork(fork_server.JOB, job):
                return now + _TICK_SECONDS
            self._waiting.pop(0)
        return math.inf if self._waiting else self._hold(now)

    def _fork(self, kind: int, job: Job) -> bool:
        """Ask for a job's process; False: try again later."""
        assert job.slot is not None
        if not request(self._control, kind, job.key, job.slot, job.theirs, job.caps):
            return False  # too many descriptors on their way on this machine
        job.theirs = None
        self._made[job.key] = job
        self._forking += 1
        return True

    def _hold(self, now: float) -> float:
        """Make processes ahead while nothing else begins or ends; let them go when all is done."""
        if not self._running and now > self._ended_at + _HELD_SECONDS:
            self._let_go()
            self._kind = None
        while (
            self._kind is not None
            and self._forking < _FORKS_AT_ONCE
            and self._running <= _FEW
            and len(self._held) < self._most_held
        ):
            if now < self._calm_at:
                return self._calm_at
            if (slot := self._slots.take()) is None:
                break
            job = Job(next(self._keys), slot, self._kind)
            if not self._fork(fork_server.AHEAD, job):
                job.close()
                self._slots.give_back(slot)
                return now + _TICK_SECONDS
            self._held.append(job)
        return math.inf

    def _let_go(self) -> None:
        for job in self._held:
            job.close()
        self._held.clear()


def request(
    control: socket.socket,
    kind: int,
    key: int,
    slot: int,
    theirs: socket.socket | None,
    caps: tuple[int, int],
) -> bool:
    """Ask the fork server for a process with this end of a pair; False: try again later."""
    if theirs is None:
        return True
    try:
        socket.send_fds(control, [REQUEST.pack(kind, key, slot, *caps)], [theirs.fileno()])
    except OSError:  # ETOOMANYREFS, or a full queue
        return False
    theirs.close()
    return True
