"""When PID 1 has processes made: its code against a fork server that only says what it was told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from metasearch.assets import asset

STAGE = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
from runner import processes
from runner.fork_server import ENDED, FAILED, REPORT, REQUEST, STARTED

class Slots:
    def __init__(self, count): self.free = list(range(count))
    def take(self): return self.free.pop() if self.free else None
    def give_back(self, slot): self.free.append(slot)
    def kill(self, slot): pass

class Clock:
    now = 100.0
    def monotonic(self): return self.now

clock = processes.time = Clock()
mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
theirs.setblocking(False)
A, B = (256, 10), (128, 5)
ends = {}

def stage(slots, held):
    global slots_, all_
    slots_ = Slots(slots)
    all_ = processes.Processes(mine, slots_, held)

def made(seconds=0.0):
    # Let time pass and make what is asked for; the caps of each, in order.
    clock.now += seconds
    caps = []
    while True:
        all_.advance(clock.now)
        try:
            packet, fds, _, _ = socket.recv_fds(theirs, REQUEST.size, 1)
        except BlockingIOError:
            return caps
        _, key, slot, memory, cpu = REQUEST.unpack(packet)
        ends[key] = socket.socket(fileno=fds[0])
        caps.append((memory, cpu))
        theirs.send(REPORT.pack(STARTED, key, 0, 0.0, 0))
        assert all_.read() is None

def taken(caps):
    job = all_.take(caps)
    if job is not None:
        job.number = job.key
    return job

def over(job):
    ends.pop(job.key).close()
    theirs.send(REPORT.pack(ENDED, job.key, 0, 0.0, 0))
    all_.forget(all_.read().job)

def left():
    # Processes that have read the end of their pipes; each then ends.
    gone = []
    for key, end in list(ends.items()):
        end.setblocking(False)
        try:
            if end.recv(1) == b"":
                gone.append(key)
        except BlockingIOError:
            continue
        ends.pop(key).close()
        theirs.send(REPORT.pack(ENDED, key, 0, 0.0, 0))
        all_.forget(all_.read().job)
    return len(gone)

said = {}
"""


def _said(script: str) -> Any:
    program = STAGE + script + "\nprint(json.dumps(said))\n"
    image = asset("sandbox") / "image"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program, str(image)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_processes_are_made_ahead_once_a_job_waits_and_serve_the_next_ones() -> None:
    said = _said("""
stage(slots=16, held=4)
said["before any job"] = made(9.0)
first = taken(A)
said["at once"] = made()
said["while it begins"] = made(0.05)
said["while it waits"] = made(0.2)
jobs = [taken(A) for _ in range(4)]
said["for four more"] = made()
said["each is its own"] = len({job.key for job in [first, *jobs]})
""")
    assert said == {
        "before any job": [],
        "at once": [[256, 10]],
        "while it begins": [],
        "while it waits": [[256, 10]] * 4,
        "for four more": [],
        "each is its own": 5,
    }


def test_none_is_made_ahead_while_many_jobs_run() -> None:
    said = _said("""
stage(slots=32, held=4)
jobs = [taken(A) for _ in range(12)]
said["jobs"] = len(made())
said["ahead"] = len(made(1.0))
for job in jobs[:4]:
    over(job)
said["when few are left"] = len(made(1.0))
""")
    assert said == {"jobs": 12, "ahead": 0, "when few are left": 4}


def test_what_is_held_is_let_go_when_nothing_runs_any_more() -> None:
    said = _said("""
stage(slots=16, held=4)
first = taken(A)
made(); made(1.0)
over(first)
said["soon after"] = [len(made(1.0)), left()]
said["later"] = [len(made(9.0)), left(), len(slots_.free)]
said["and stays away"] = len(made(9.0))
""")
    assert said == {"soon after": [0, 0], "later": [0, 4, 16], "and stays away": 0}


def test_a_job_of_another_kind_gets_its_own_process_and_a_slot_of_those_that_are_held() -> None:
    said = _said("""
stage(slots=4, held=3)
first = taken(A)
made(); made(1.0)
other = taken(B)
said["no slot yet"] = [other.slot, made()]
said["let go"] = left()
said["then"] = made()
said["refused"] = [taken(B) is not None, taken(B) is not None, taken(B)]
""")
    assert said == {
        "no slot yet": [None, []],
        "let go": 3,
        "then": [[128, 5]],
        "refused": [True, True, None],
    }


def test_one_that_cannot_be_made_ends_the_making_until_the_next_job() -> None:
    said = _said("""
stage(slots=16, held=4)
first = taken(A)
made()
clock.now += 1.0
all_.advance(clock.now)
for _ in range(2):
    key = REQUEST.unpack(socket.recv_fds(theirs, REQUEST.size, 1)[0])[1]
    theirs.send(REPORT.pack(FAILED, key, 11, 0.0, 0))
    gone = all_.read()
    said["why"] = [gone.job.how, gone.status, gone.job.number]
    all_.forget(gone.job)
said["again"] = made(1.0)
said["slots"] = len(slots_.free)
taken(A)
said["next job"] = [len(made()), len(made(1.0))]
""")
    assert said == {"why": ["refused", 11, 0], "again": [], "slots": 15, "next job": [1, 4]}
