"""Write to address 0, and free what is still in use.

docker: crashed
wasm: crashed
"""

import ctypes


def solve(task):
    ctypes.memset(0, 1, 1)
    return "alive"
