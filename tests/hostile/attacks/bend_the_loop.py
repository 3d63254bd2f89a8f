"""Put an event loop of its own in the place of the runner's, and start more of them inside it.

docker: answered | crashed | timed_out
wasm: answered | crashed | timed_out
active: 1
"""

import asyncio

from agentkit import Agent


async def solve(task):
    loop = asyncio.get_running_loop()
    loop.select = lambda timeout: []
    asyncio.set_event_loop_policy(None)
    for _ in range(10_000):
        loop.call_soon(lambda: loop.call_soon(print, "x" * 1000))
    return (await Agent("a").ask("x")).text
