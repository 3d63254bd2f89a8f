"""Run code that runs code that runs code: each holds a place and waits for another one.

docker: answered
wasm: answered
answer: true
together: 4
wall: 20
"""

from agentkit import run_code

CODE = """
import asyncio
from agentkit import run_code
run = asyncio.run(run_code(f"CODE = {CODE!r}{chr(10)}{CODE}"))
run.error or run.value
"""


async def solve(task):
    run = await run_code(f"CODE = {CODE!r}\n{CODE}")
    return "cannot be used inside" in run.error
