"""Catch the kernel's word that its processor time is used up, and go on.

docker: timed_out
wasm: crashed | timed_out
active: 1
"""

import signal


def solve(task):
    signal.signal(signal.SIGXCPU, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    signal.signal(signal.SIGALRM, lambda *_: None)
    while True:
        pass
