"""Raise its limits, its priority and its place in the queue of what the kernel kills first.

threats: 16
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import kernel, succeeded


def solve(task):
    attempts = {
        "not the first to be killed": lambda: 1 / (score() != 1000),
        "nice": lambda: os.nice(-5),
        "priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, 0),
        "dumpable": lambda: kernel(157, 167, 4, 1, 0, 0, 0),
        "score": lambda: written("/proc/self/oom_score_adj", "500"),
        "lowest": lambda: written("/proc/self/oom_score_adj", "0"),
        "old": lambda: written("/proc/self/oom_adj", "0"),
        "realtime": lambda: kernel(144, 119, 0, 1, b"\1\0\0\0"),
        "io": lambda: kernel(251, 30, 1, 0, 1 << 13),
    }
    try:
        import resource
    except ImportError:
        return succeeded(**attempts)
    for name in ("AS", "DATA", "NPROC", "NOFILE", "FSIZE", "CORE", "CPU", "MEMLOCK", "MSGQUEUE"):
        attempts[name] = lambda name=name: lifted(resource, name)
    return succeeded(**attempts)


def lifted(resource, name):
    kind = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (hard + 1, hard + 1))


def score():
    with open("/proc/self/oom_score_adj") as file:
        return int(file.read())


def written(path, text):
    with open(path, "w") as file:
        file.write(text)
