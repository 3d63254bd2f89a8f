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
from runner.fork_server import REPORT
from runner.processes import Gone, Job, Processes, request
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
_TICK_SECONDS = 0.05  # between looks while something is to be done again
_LOOK_SECONDS = 1.0  # between looks at most
_LINGER_SECONDS = 1.0
_MAX_OUT = 8 << 20  # bytes waiting for a slow host before jobs are no longer read


class Box:
    """The loop of PID 1.

    Args:
        control: packets to and from the fork server.
        lease: seconds without a word from the host after which everything ends.
        held: processes that are made ahead of their jobs.
    """

    def __init__(self, control: socket.socket, slots: Slots, lease: float, held: int) -> None:
        self._control, self._slots, self._lease = control, slots, lease
        self._processes = Processes(control, slots, held)
        self._jobs: dict[int, Job] = {}  # by the host's number
        self._input = bytearray()
        self._output = bytearray()
        self._heard = time.monotonic()
        self._look_at = 0.0  # when to look at all jobs; each frame must not cost a look at each
        self._kills = probe.killed_for_memory()
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
        job = None if number in self._jobs else self._processes.take((memory, seconds))
        if job is None:
            self._say_end(number, "refused", 0, 0.0, 0)
            return
        job.number, job.deadline = number, time.monotonic() + wall
        self._jobs[number] = job
        self._look_at = min(self._look_at, job.deadline)
        self._listen(job)
        self._advance()

    def _advance(self) -> None:
        self._look_at = min(self._look_at, self._processes.advance(time.monotonic()))

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
        if not self._processes.kill(job):
            self._gone(Gone(job, 0, 0.0, 0))

    # the fork server

    def _read_control(self) -> None:
        gone = self._processes.read()
        if gone is not None:
            self._gone(gone)
        self._advance()

    def _gone(self, gone: Gone) -> None:
        """Tell the host that a job's process is no more, and make its slot ready for another."""
        job, status, cpu, memory = gone
        if job.number:
            del self._jobs[job.number]
            self._drain(job)
            self._say_end(job.number, job.how, status, cpu, memory)
        else:
            self._out_of_memory(status, job.how)  # so that its end is not taken for a job's
        self._processes.forget(job)
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
        text = {
            "how": how or "ended",
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "code": status if how == "refused" else os.WEXITSTATUS(status),
            "cpu_seconds": round(cpu, 3),
            "memory_kib": memory,
            "out_of_memory": self._out_of_memory(status, how),
        }
        self.send(END, number, json.dumps(text).encode())

    def _out_of_memory(self, status: int, how: str) -> bool:
        """Tell whether the kernel has ended a process because memory ran out; asked once for each.

        One kill for each: two that die at once are both told, whichever is reaped first.
        """
        signalled = os.WIFSIGNALED(status) and not how
        if not signalled or os.WTERMSIG(status) != signal.SIGKILL:
            return False
        found = probe.killed_for_memory() > self._kills
        self._kills += found
        return found

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
                self._processes.kill(job)  # until it is reaped
                self._look_soon()
            elif now > job.deadline:
                self._end(job, "deadline" if job.pipe is not None else "closed")
            else:
                self._look_at = min(self._look_at, job.deadline)
        self._advance()
        if not self._slots.clean(now):
            os._exit(6)  # too few slots are left; the host takes another container
        if self._slots.dirty:
            self._look_soon()


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


def main(uid_base: int, count: int, lease: float, held: int) -> NoReturn:
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
    box = Box(control, slots, lease, held)
    text = {"version": VERSION, "slots": count, "uid_base": uid_base, "cgroup": probe.cgroup()}
    text |= {"init": probe.seen_by_init(), "job": seen}
    box.send(READY, 0, json.dumps(text).encode())
    box.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
