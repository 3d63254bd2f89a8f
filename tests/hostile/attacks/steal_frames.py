"""Read the pipe to the host itself, in a thread and below the kit, for frames that are not its own.

docker: answered | timed_out
wasm: answered | timed_out | crashed
active: 1
"""

import os
import threading
import time
from contextlib import suppress

from hostile import send


def solve(task):
    got = []

    def read():
        for fd in (3, 0):
            try:
                got.append(os.read(fd, 1 << 16))
            except OSError:
                continue

    with suppress(RuntimeError):
        threading.Thread(target=read, daemon=True).start()
    send({"type": "call", "id": 1, "op": "ask", "body": {"agent": "thief", "messages": []}})
    time.sleep(0.3)
    return [each.decode("latin-1") for each in got if b"reply" in each and b'"id":1' not in each]
