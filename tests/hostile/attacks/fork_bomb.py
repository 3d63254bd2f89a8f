"""Fork for ever, and start programs for ever.

threats: 24, 25
docker: answered
wasm: answered
answer: 0
together: 3
"""

import os


def solve(task):
    made = 0
    for _ in range(2000):
        try:
            pid = os.fork()
        except (OSError, AttributeError):
            continue
        if pid == 0:
            os.setsid()
            while True:
                pass
        made += 1
    return made
