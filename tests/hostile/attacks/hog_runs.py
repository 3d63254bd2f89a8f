"""Ask for many slow runs of code at once; a job beside it gets its own run all the same.

docker: answered | timed_out
wasm: answered | timed_out
wall: 3
"""

from agentkit import gather, run_code


async def solve(task):
    await gather(run_code("while True: pass", seconds=30) for _ in range(16))
    return "hogged"
