"""Stop its own process by the one call for signals that is left to it.

threats: 23
docker: timed_out
wasm: crashed
active: 0.5
"""

import os
import threading

from hostile import kernel


def solve(task):
    kernel(234, 131, os.getpid(), threading.get_native_id(), 19)
    return "woken"
