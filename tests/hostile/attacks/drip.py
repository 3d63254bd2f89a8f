"""Send a frame byte by byte and never end it.

docker: timed_out
wasm: timed_out
active: 0.7
"""

import time

from hostile import raw


def solve(task):
    raw((1_000_000).to_bytes(4, "big"))
    while True:
        raw(b" ")
        time.sleep(0.001)
