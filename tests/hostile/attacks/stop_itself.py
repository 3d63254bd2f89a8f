"""Stop its own process, or wait for a signal that never comes.

threats: 23
docker: timed_out
wasm: crashed | timed_out
active: 0.5
"""

import os
import signal


def solve(task):
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
    except PermissionError:
        signal.pause()
