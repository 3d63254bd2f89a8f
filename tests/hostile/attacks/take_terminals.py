"""Open pseudo-terminals, of which the whole machine has one limit.

docker: answered
wasm: answered
answer: 0
"""

import os


def solve(task):
    taken = []
    for name in ("/dev/ptmx", "/dev/pts/ptmx"):
        try:
            for _ in range(4096):
                taken.append(os.open(name, os.O_RDWR))
        except OSError:
            continue
    return len(taken)
