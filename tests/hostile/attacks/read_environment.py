"""Look for a key in its own environment and in that of every process.

threats: 1
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import CANARY, canaries


def solve(task):
    found = [each.decode() for each in CANARY.findall(repr(dict(os.environ)).encode())]
    found += sorted(set(os.environ) - {"HOME", "TMPDIR", "LANG", "PATH"})
    pids = ["self", "thread-self", *map(str, range(1, 600))]
    return found + canaries(*(f"/proc/{pid}/environ" for pid in pids))
