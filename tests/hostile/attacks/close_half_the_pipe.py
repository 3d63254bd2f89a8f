"""Close one direction of its pipe and go on in the other.

docker: answered | crashed | timed_out
wasm: crashed | timed_out | answered
active: 1
together: 3
"""

import os

from hostile import kernel

from agentkit import Agent


async def solve(task):
    try:
        kernel(48, 210, 3, 0)
    except (OSError, ImportError, AttributeError):
        os.close(0)
    return (await Agent("a").ask("x")).text
