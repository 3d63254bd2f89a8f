"""Signal PID 1, the fork server, every sibling and every process group.

threats: 39
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import kernel, succeeded


def solve(task):
    attempts = {}
    for pid in [1, *range(2, 400), -1, -400, 0]:
        if pid != getattr(os, "getpid", int)():
            attempts[f"kill {pid}"] = lambda pid=pid: os.kill(pid, 9)
            attempts[f"tkill {pid}"] = lambda pid=pid: kernel(200, 130, pid, 9)
            attempts[f"tgkill {pid}"] = lambda pid=pid: kernel(234, 131, pid, pid, 9)
            attempts[f"queue {pid}"] = lambda pid=pid: kernel(129, 138, pid, 9, b"\0" * 128)
    attempts["group"] = lambda: os.killpg(os.getpgid(0), 9)
    attempts["setpgid"] = lambda: os.setpgid(0, 0)
    attempts["setsid"] = lambda: os.setsid()
    return succeeded(**attempts)
