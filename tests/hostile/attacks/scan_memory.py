"""Look through all of its own memory for inputs of other jobs.

threats: 20
docker: answered
wasm: answered
answer: []
times: 3
"""

import gc
import sys
from contextlib import suppress

from hostile import CANARY


def solve(task):
    found = set(mapped())
    gc.unfreeze()  # what was there before the job is found, too
    holders = [each for each in gc.get_objects() if isinstance(each, dict | list | tuple)]
    frame = sys._getframe()
    while frame:
        holders.append(frame.f_locals)
        frame = frame.f_back
    for each in holders:
        for value in list(each.values()) if isinstance(each, dict) else each:
            if isinstance(value, str | bytes):
                data = value.encode("utf-8", "replace") if isinstance(value, str) else value
                found.update(CANARY.findall(data))
    return sorted(each.decode() for each in found)


def mapped():
    """Yield what is found below Python, where the process may read its own memory."""
    with (
        suppress(OSError),
        open("/proc/self/maps") as maps,
        open("/proc/self/mem", "rb", 0) as memory,
    ):
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if mode[0] == "r" and end - start < 64 << 20 and "[v" not in line:
                with suppress(OSError, ValueError, OverflowError):
                    memory.seek(start)
                    yield from CANARY.findall(memory.read(end - start))
