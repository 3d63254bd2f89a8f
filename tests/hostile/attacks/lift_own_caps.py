"""Lift every cap that the runner keeps inside: calls at once, prints, size and depth of the answer.

docker: wrong_format | crashed
wasm: wrong_format | crashed
"""

import sys

from hostile import send

from agentkit import _link


def solve(task):
    job = sys.modules["runner.job"]
    job.MAX_DEPTH = 10**9
    sys.modules["runner.pipe"].MAX_SENT = 10**9
    _link._connected[0].most_open = 10**9
    sys.stdout.room = 10**9
    print("x" * 300_000)
    send({"type": "result", "status": "answered", "answer": "y" * 200_000, "stdout": "z" * 500_000})
    return "unreached"
