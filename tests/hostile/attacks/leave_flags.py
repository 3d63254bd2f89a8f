"""Leave flags, an owner and a signal on the descriptors it was born with.

docker: answered
wasm: answered
answer: []
times: 3
"""

import os
from contextlib import suppress


def solve(task):
    try:
        import fcntl
    except ImportError:
        return []
    found = []
    for fd in (0, 1, 2):
        with suppress(OSError):
            if fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_APPEND | os.O_NONBLOCK):
                found.append(["flags", fd])
        with suppress(OSError):
            if fcntl.fcntl(fd, 11):
                found.append(["signal", fd])
    for fd in (0, 1, 2):
        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
        with suppress(OSError):
            fcntl.fcntl(fd, 10, 37)
    return found
