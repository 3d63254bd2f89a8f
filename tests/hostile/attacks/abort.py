"""Abort the interpreter.

docker: crashed
wasm: crashed
together: 3
"""

import os


def solve(task):
    os.abort()
