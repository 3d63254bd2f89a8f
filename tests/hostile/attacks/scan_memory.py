"""Look through all of its own memory for inputs of other jobs.

threats: 20
docker: answered
wasm: answered
answer: []
active: 20
times: 3
"""

import gc
import sys

from hostile import CANARY


def solve(task):
    found = set()
    try:
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                span, mode = line.split()[:2]
                start, end = (int(part, 16) for part in span.split("-"))
                if mode[0] == "r" and end - start < 64 << 20 and "[v" not in line:
                    try:
                        memory.seek(start)
                        found.update(CANARY.findall(memory.read(end - start)))
                    except (OSError, ValueError, OverflowError):
                        continue
    except OSError:
        pass  # its memory is closed to itself, too
    texts = [each for each in gc.get_objects() if isinstance(each, dict)]
    for each in texts:
        for value in list(each.values()):
            if isinstance(value, str | bytes):
                data = value.encode("utf-8", "replace") if isinstance(value, str) else value
                found.update(CANARY.findall(data))
    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            if isinstance(value, str | dict | list):
                found.update(CANARY.findall(str(value).encode("utf-8", "replace")))
        frame = frame.f_back
    return sorted(each.decode() for each in found)
