"""Open as many descriptors as it is given, of every kind.

threats: 31
docker: answered
wasm: answered
answer: true
together: 3
"""

import os


def solve(task):
    kept = []
    for make in (lambda: os.dup(0), lambda: os.pipe(), lambda: os.open("/dev/null", os.O_RDWR)):
        try:
            for _ in range(100_000):
                kept.append(make())
        except (OSError, AttributeError):
            continue
        else:
            return False
    return True
