"""Read every file that can be read and look for labels.

threats: 2, 4
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import FILE, canaries


def solve(task):
    found = canaries(FILE)
    for folder, below, names in os.walk("/"):
        if folder == "/":
            below[:] = [name for name in below if name not in ("proc", "sys", "dev")]
        files = [name for name in names if not name.endswith(".so")]
        found += canaries(*(os.path.join(folder, name) for name in files))
    return sorted(set(found))
