"""Write without end to the standard output and error themselves, below Python.

threats: 32, 33
docker: answered | timed_out
wasm: crashed
active: 1
"""

import os


def solve(task):
    for _ in range(2000):
        os.write(1, b"x" * 100_000)
        os.write(2, b"y" * 100_000)
    return "flooded"
