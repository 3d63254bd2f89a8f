"""Makes one process per job, by forking from an interpreter that has imported everything already.

Runs beside PID 1 and was split off before anything arrived from the host; it never sees a design or
an input, so none can be left over in the memory that jobs inherit. PID 1 sends it the job's end of
a socket pair; the design goes through that pair, from PID 1 to the job directly.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, NoReturn

from runner import jail, probe

if TYPE_CHECKING:
    from runner.job import Stage

__all__ = [
    "AHEAD",
    "ENDED",
    "FAILED",
    "JOB",
    "PRELOADED",
    "PROBE",
    "REPORT",
    "REQUEST",
    "STARTED",
    "serve",
]

# One request a packet, with the job's descriptor beside it: kind, job, slot, memory, processor
# seconds. A process that is made ahead of its job has time to rehearse it.
REQUEST = struct.Struct(">BIIII")
JOB, PROBE, AHEAD = 1, 2, 3
# One report a packet: kind, job, wait status or errno, processor seconds, peak memory in KiB.
REPORT = struct.Struct(">BIidI")
PRELOADED, STARTED, ENDED, FAILED = 1, 2, 3, 4

_CHANNEL = 3  # the descriptor of the pipe to the host, in every job
_STACK_BYTES = 1 << 20  # of a thread: the default of 8 MiB would use up a job's memory

# What designs use. The kit and the job's own program are named too: their imports are most of a
# job's start.
_PRELOAD = (
    "abc", "ast", "asyncio", "bisect", "builtins", "collections", "collections.abc", "contextlib",
    "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools",
    "heapq", "inspect", "io", "itertools", "json", "keyword", "linecache", "math", "numbers",
    "operator", "random", "re", "statistics", "string", "textwrap", "threading", "time",
    "traceback", "types", "typing", "unicodedata", "agentkit", "agentkit.adas", "runner.job",
    "runner.rehearsal",
)  # fmt: skip
_UNUSED = ("ssl",)  # asyncio imports it where it is there: 3 MB that every job would carry


def serve(control: socket.socket, uid_base: int, homes: list[str]) -> NoReturn:
    """Answer requests until PID 1 is gone.

    Args:
        uid_base: the first slot's uid.
        homes: the slots' own folders.
    """
    signals, wake = os.pipe()
    os.set_blocking(signals, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    jail.hide()
    os.environ.clear()
    # A job's own folder is its working directory; set here once, as each page counts in a job.
    os.environ.update(LANG="C.UTF-8", PATH="/usr/local/bin", HOME=".", TMPDIR=".")
    jail.prepare()
    stage = preload()
    control.send(REPORT.pack(PRELOADED, 0, 0, 0.0, 0))
    jobs: dict[int, int] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(signals, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == control.fileno():
                request, fds, _, _ = socket.recv_fds(control, REQUEST.size, 1)
                if not request:
                    os._exit(0)
                _start(control, request, fds[0], uid_base, homes, jobs, stage)
            else:
                os.read(signals, 4096)
        _report_ended(control, jobs)


def preload() -> Stage:
    """Import what jobs need, make it cheap to share with them, and return the stage of each."""
    # What modules do after a fork mends locks that other threads held, and a random state that is
    # the parent's. Here is one thread and each job is seeded, so it would only cost every job a
    # quarter of a megabyte of pages to copy.
    register, os.register_at_fork = os.register_at_fork, lambda **_: None
    for name in _UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in _PRELOAD:
        importlib.import_module(name)
    for name in _UNUSED:
        del sys.modules[name]  # a design that wants it can still import it
    os.register_at_fork = register
    sys.modules["threading"].stack_size(_STACK_BYTES)
    sys.modules["runner.rehearsal"].play()
    program, pipe = sys.modules["runner.job"], sys.modules["runner.pipe"]
    stage: Stage = program.Stage(pipe.Pipe(_CHANNEL, _CHANNEL))
    stage.narrow = jail.narrow
    gc.collect()
    gc.freeze()  # collecting in a job would copy every page that it shares
    gc.disable()
    return stage


def _start(
    control: socket.socket,
    request: bytes,
    fd: int,
    uid_base: int,
    homes: list[str],
    jobs: dict[int, int],
    stage: Stage,
) -> None:
    kind, job, slot, memory, seconds = REQUEST.unpack(request)
    caps = jail.Caps(uid_base + slot, memory, seconds)
    try:
        pid = os.fork()
    except OSError as error:  # a design's threads can use up the container's processes
        os.close(fd)
        control.send(REPORT.pack(FAILED, job, error.errno or 0, 0.0, 0))
        return
    if pid == 0:
        _become(kind, stage, fd, caps, homes[slot])
    os.close(fd)
    jobs[pid] = job
    control.send(REPORT.pack(STARTED, job, 0, 0.0, 0))


def _become(kind: int, stage: Stage, fd: int, caps: jail.Caps, home: str) -> NoReturn:
    """Turn this fresh process into the job's, or the probe's, and end with it in any case."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(fd, _CHANNEL)
        jail.close_all_but(_CHANNEL)
        # Not the ones that it was born with: what it does to an open file that all jobs share, a
        # lock or a flag, would stay there for the next.
        null = os.open("/dev/null", os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        if kind == AHEAD:
            sys.modules["runner.rehearsal"].play_once()
        jail.enter(caps, home)
        gc.enable()
        if kind != PROBE:
            sys.modules["runner.job"].main(stage, ready=False)
        seen = probe.seen_by_job()
        jail.narrow()
        seen["seat"] = probe.seen_by_seat()
        os.write(_CHANNEL, json.dumps(seen).encode())
        status = 0
    finally:
        os._exit(status)  # no exit handler, no traceback of ours


def _report_ended(control: socket.socket, jobs: dict[int, int]) -> None:
    while jobs:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        job = jobs.pop(pid, 0)
        cpu = used.ru_utime + used.ru_stime
        control.send(REPORT.pack(ENDED, job, status, cpu, used.ru_maxrss))
