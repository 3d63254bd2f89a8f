"""PID 1 of the container: joins the one pipe to the host with the many pipes of the jobs.

It never looks into what a design sends or is sent; it counts bytes and puts the job's number on
them. It knows which pipe a byte came from, so there is nothing that a job could forge. Frames in
both directions: `u32 length | u8 kind | u32 job | payload`, big endian, at most 256 KiB of payload.
See the folder's README for the kinds.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import Any, NoReturn

if __name__ == "__main__":
    sys.path.insert(
        0, "/box"
    )  # where the image has this package; a safe start puts nothing there itself

from runner import fork_server, jail, probe
from runner.fork_server import REPORT, REQUEST
from runner.slots import Slots

HEADER = struct.Struct(">IBI")
START = struct.Struct(">dII")  # of a job: wall-clock seconds, memory in MiB, processor seconds
COUNT = struct.Struct(">I")
MAX_PAYLOAD = 1 << 18
PIECE = 1 << 16  # bytes moved at once
WINDOW = (
    1 << 18
)  # bytes of one job on their way in one direction, before the other side says that it took some
VERSION = 1

# host to box
JOB, TO_JOB, KILL, TAKEN_BY_HOST, PING = 1, 2, 3, 4, 5
# box to host
READY, FROM_JOB, END, TAKEN_BY_JOB, PONG = 16, 17, 18, 19, 20

_READ, _WRITE = select.EPOLLIN, select.EPOLLOUT
_FORKS_AT_ONCE = (
    2  # descriptors on their way count against one limit for all containers of a machine
)
_TICK_SECONDS = 0.05  # between looks while something is to be done again
_LOOK_SECONDS = 1.0  # between looks at most
_LINGER_SECONDS = 1.0
_MAX_OUT = 8 << 20  # bytes waiting for a slow host before jobs are no longer read


class Job:
    """One job's side of PID 1.

    Attributes:
        pipe: PID 1's end of the pair; None once the job has closed its own.
        to_job: bytes that the job has not taken yet.
        on_way: bytes sent to the host that it has not taken yet.
        taken: bytes that the job has taken and the host has not been told of.
        deadline: when PID 1 ends the job itself, by its own clock; the host has a shorter one.
        watched: the events of the pipe that PID 1 waits for.
    """

    __slots__ = (
        "caps", "deadline", "how", "number", "on_way", "pipe", "slot", "taken", "theirs", "to_job",
        "watched",
    )  # fmt: skip

    def __init__(self, number: int, slot: int, wall: float, caps: tuple[int, int]) -> None:
        self.number, self.slot, self.caps = number, slot, caps
        self.deadline = time.monotonic() + wall
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        self.pipe: socket.socket | None = mine
        self.theirs: socket.socket | None = theirs
        self.to_job = bytearray()
        self.on_way = 0
        self.taken = 0
        self.watched = 0
        self.how = ""  # why PID 1 is ending it, "" while it is not


class Box:
    """The loop of PID 1.

    Args:
        control: packets to and from the fork server.
        lease: seconds without a word from the host after which everything ends.
    """

    def __init__(self, control: socket.socket, slots: Slots, lease: float) -> None:
        self._control, self._slots, self._lease = control, slots, lease
        self._jobs: dict[int, Job] = {}
        self._waiting: list[Job] = []  # for the fork server
        self._forking = 0
        self._input = bytearray()
        self._output = bytearray()
        self._heard = time.monotonic()
        self._look_at = 0.0  # when to look at all jobs; each frame must not cost a look at each
        self._kills = _killed_for_memory()
        self._epoll = select.epoll()
        self._pipes: dict[int, Job] = {}  # by descriptor
        self._is_full = False  # the host takes no more now
        for fd in (0, 1):
            os.set_blocking(fd, False)
        for fd in (0, control.fileno()):
            self._epoll.register(fd, _READ)

    def serve(self) -> NoReturn:
        """Move bytes until the host is gone."""
        control = self._control.fileno()
        while True:
            for fd, events in self._epoll.poll(max(0.0, self._look_at - time.monotonic())):
                if (job := self._pipes.get(fd)) is not None:
                    self._move(job, events)
                elif fd == 0:
                    self._read_host()
                elif fd == control:
                    self._read_control()
            if self._output:
                self._write_host()
            self._look()

    # the host

    def _read_host(self) -> None:
        try:
            chunk = os.read(0, PIECE * 4)
        except BlockingIOError:
            return
        if not chunk:
            os._exit(0)  # the host is gone, and with this process everything in the container
        self._heard = time.monotonic()
        self._input += chunk
        while len(self._input) >= HEADER.size:
            length, kind, number = HEADER.unpack_from(self._input)
            if length > MAX_PAYLOAD:
                os._exit(3)
            end = HEADER.size + length
            if len(self._input) < end:
                return
            payload = bytes(self._input[HEADER.size : end])
            del self._input[:end]
            self._obey(kind, number, payload)

    def _obey(self, kind: int, number: int, payload: bytes) -> None:
        if kind == PING:
            self.send(PONG, number)
            return
        if kind == JOB:
            self._begin(number, payload)
            return
        job = self._jobs.get(number)
        if job is None:
            return  # it has ended while the host was still writing
        if kind == TO_JOB:
            job.to_job += payload
            self._pour(job)
        elif kind == TAKEN_BY_HOST:
            job.on_way -= COUNT.unpack(payload)[0]
            self._listen(job)
        elif kind == KILL:
            self._end(job, "killed")

    def send(self, kind: int, number: int, payload: bytes = b"") -> None:
        """Queue one frame for the host."""
        self._output += HEADER.pack(len(payload), kind, number) + payload

    def _write_host(self) -> None:
        """Write what waits for the host, and wait for its pipe only while that is full."""
        had = len(self._output)
        try:
            del self._output[: os.write(1, memoryview(self._output)[: PIECE * 4])]
        except BlockingIOError:
            pass
        except OSError:
            os._exit(0)
        if bool(self._output) != self._is_full:
            self._is_full = bool(self._output)
            if self._is_full:
                self._epoll.register(1, _WRITE)
            else:
                self._epoll.unregister(1)
        if had >= _MAX_OUT:
            for job in self._jobs.values():
                self._listen(job)

    # one job

    def _begin(self, number: int, payload: bytes) -> None:
        wall, memory, seconds = START.unpack(payload)
        slot = self._slots.take()
        if slot is None or number in self._jobs:
            self._say_end(number, "refused", 0, 0.0, 0)
            return
        job = self._jobs[number] = Job(number, slot, wall, (memory, seconds))
        self._waiting.append(job)
        self._look_at = min(self._look_at, job.deadline)
        self._listen(job)
        self._fork_next()

    def _fork_next(self) -> None:
        while self._waiting and self._forking < _FORKS_AT_ONCE:
            job = self._waiting[0]
            if not request(
                self._control, fork_server.JOB, job.number, job.slot, job.theirs, job.caps
            ):
                self._look_soon()  # too many descriptors on their way on this machine
                return
            self._waiting.pop(0)
            self._forking += 1
            job.theirs = None

    def _listen(self, job: Job) -> None:
        """Watch a job's pipe for what is wanted of it now."""
        if job.pipe is None:
            return
        events = _WRITE if job.to_job else 0
        if job.on_way < WINDOW and len(self._output) < _MAX_OUT:
            events |= _READ
        if events == job.watched:
            return
        fd = job.pipe.fileno()
        if not job.watched:
            self._epoll.register(fd, events)
            self._pipes[fd] = job
        elif events:
            self._epoll.modify(fd, events)
        else:
            self._forget(fd)
        job.watched = events

    def _forget(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._pipes[fd]

    def _move(self, job: Job, events: int) -> None:
        if events & ~_READ:
            self._pour(job)
        if events & ~_WRITE and job.watched & _READ and job.pipe is not None:
            try:
                data = job.pipe.recv(min(PIECE, WINDOW - job.on_way))
            except BlockingIOError:
                return
            except OSError:  # the job ended with bytes unread
                data = b""
            if not data:
                self._hang_up(job)
                return
            job.on_way += len(data)
            self.send(FROM_JOB, job.number, data)
            self._listen(job)

    def _pour(self, job: Job) -> None:
        """Give a job as much as it takes, and tell the host how much that was."""
        taken = 0
        while job.to_job and job.pipe is not None:
            try:
                part = job.pipe.send(memoryview(job.to_job)[:PIECE])
            except BlockingIOError:
                break
            except OSError:  # the job is gone; its end is told when it is reaped
                job.to_job.clear()
                break
            del job.to_job[:part]
            taken += part
        job.taken += taken
        if job.taken >= WINDOW // 4:
            self.send(TAKEN_BY_JOB, job.number, COUNT.pack(job.taken))
            job.taken = 0
        self._listen(job)

    def _hang_up(self, job: Job) -> None:
        pipe, job.pipe = job.pipe, None
        if pipe is not None:
            if job.watched:
                self._forget(pipe.fileno())
            pipe.close()
            # Nearly always its process has just ended, which the fork server is about to say. If it
            # only closed its pipe, nothing that it still does can matter.
            job.deadline = min(job.deadline, time.monotonic() + _LINGER_SECONDS)
            self._look_at = min(self._look_at, job.deadline)

    def _end(self, job: Job, how: str) -> None:
        job.how = job.how or how
        self._look_soon()
        if job in self._waiting:
            self._waiting.remove(job)
            self._gone(job, 0, 0.0, 0)
        else:
            self._slots.kill(job.slot)

    # the fork server

    def _read_control(self) -> None:
        packet = self._control.recv(REPORT.size)
        if not packet:
            os._exit(4)  # the fork server is gone
        kind, number, status, cpu, memory = REPORT.unpack(packet)
        job = self._jobs.get(number)
        if kind == fork_server.STARTED:
            self._forking -= 1
            if job is not None and job.how:
                self._slots.kill(job.slot)
        elif kind == fork_server.FAILED:
            self._forking -= 1
            if job is not None:
                job.how = "refused"
                self._gone(job, status, 0.0, 0)
        elif job is not None:
            self._gone(job, status, cpu, memory)
        self._fork_next()

    def _gone(self, job: Job, status: int, cpu: float, memory: int) -> None:
        """Tell the host that a job's process is no more, and make its slot ready for another."""
        del self._jobs[job.number]
        if job.theirs is not None:
            job.theirs.close()
        self._drain(job)
        self._say_end(job.number, job.how, status, cpu, memory)
        self._slots.give_back(job.slot)
        if self._slots.dirty:
            self._look_soon()

    def _drain(self, job: Job) -> None:
        """Hand on what the job wrote before it ended, as far as the host will take it."""
        pipe, job.pipe = job.pipe, None
        if pipe is None:
            return
        if job.watched:
            self._forget(pipe.fileno())
        with pipe:
            while not job.how:
                try:
                    data = pipe.recv(PIECE)
                except OSError:
                    return
                if not data:
                    return
                self.send(FROM_JOB, job.number, data)

    def _say_end(self, number: int, how: str, status: int, cpu: float, memory: int) -> None:
        signalled = os.WIFSIGNALED(status) and not how
        killed = _killed_for_memory() if signalled and os.WTERMSIG(status) == signal.SIGKILL else 0
        text = {
            "how": how or "ended",
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "code": status if how == "refused" else os.WEXITSTATUS(status),
            "cpu_seconds": round(cpu, 3),
            "memory_kib": memory,
            "out_of_memory": killed > self._kills,
        }
        # One kill for each job: two that die at once are both told, whichever is reaped first.
        self._kills += killed > self._kills
        self.send(END, number, json.dumps(text).encode())

    # time

    def _look_soon(self) -> None:
        self._look_at = min(self._look_at, time.monotonic() + _TICK_SECONDS)

    def _look(self) -> None:
        """Do what only time asks for: leases, deadlines, slots put aside, forks that were late."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        if now - self._heard > self._lease:
            os._exit(5)
        for job in list(self._jobs.values()):
            if job.how:
                self._slots.kill(job.slot)  # until it is reaped
                self._look_soon()
            elif now > job.deadline:
                self._end(job, "deadline" if job.pipe is not None else "closed")
            else:
                self._look_at = min(self._look_at, job.deadline)
        self._fork_next()
        if not self._slots.clean(now):
            os._exit(6)  # too few slots are left; the host takes another container
        if self._slots.dirty:
            self._look_soon()


def request(
    control: socket.socket,
    kind: int,
    number: int,
    slot: int,
    theirs: socket.socket | None,
    caps: tuple[int, int],
) -> bool:
    """Ask the fork server for a process with this end of a pair; False: try again later."""
    if theirs is None:
        return True
    try:
        socket.send_fds(control, [REQUEST.pack(kind, number, slot, *caps)], [theirs.fileno()])
    except OSError:  # ETOOMANYREFS, or a full queue
        return False
    theirs.close()
    return True


def _killed_for_memory() -> int:
    """How many processes of this container the kernel has ended because memory ran out."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(path, encoding="ascii") as file:
                for line in file:
                    name, _, value = line.partition(" ")
                    if name == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0


def _probe(control: socket.socket, slots: Slots) -> dict[str, Any]:
    """Let a process that is jailed like a job say what it can do."""
    mine, theirs = socket.socketpair()
    slot = slots.take(chosen=False) or 0
    request(control, fork_server.PROBE, 0, slot, theirs, (256, 10))
    mine.settimeout(20)
    text = b""
    with mine:
        while chunk := mine.recv(PIECE):
            text += chunk
    for _ in ("started", "ended"):
        control.recv(REPORT.size)
    slots.give_back(slot)
    found: dict[str, Any] = json.loads(text or b"{}")
    return found


def main(uid_base: int, count: int, lease: float) -> NoReturn:
    """Start the fork server, look at what is in force, say READY, and serve."""
    jail.hide()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # PID 1 ignores what it does not handle
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    slots = Slots(uid_base, count)
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        control.close()
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)
        fork_server.serve(theirs, uid_base, slots.homes)
    theirs.close()
    control.recv(REPORT.size)  # it has imported everything
    seen = _probe(control, slots)
    control.setblocking(False)
    box = Box(control, slots, lease)
    text = {"version": VERSION, "slots": count, "uid_base": uid_base, "cgroup": probe.cgroup()}
    text |= {"init": probe.seen_by_init(), "job": seen}
    box.send(READY, 0, json.dumps(text).encode())
    box.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
