"""Lock files of the image, which jobs at the same time could use as a board.

docker: answered
wasm: answered
answer: []
"""

import os
import struct

from hostile import succeeded


def solve(task):
    try:
        import fcntl
    except ImportError:
        return []
    if not os.path.exists("/box"):
        return []
    fd = os.open("/box/runner/job.py", os.O_RDONLY)
    lock = struct.pack("hhqqi", fcntl.F_RDLCK, 0, 4711, 1, 0)
    return succeeded(
        flock=lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
        posix=lambda: fcntl.fcntl(fd, fcntl.F_SETLK, lock),
        open=lambda: fcntl.fcntl(fd, 37, lock),
        lease=lambda: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK),
        notify=lambda: fcntl.fcntl(os.open("/box", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS),
    )
