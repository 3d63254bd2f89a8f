"""Let the inner code end its process, forge results and calls, and return what is no JSON.

docker: answered
wasm: answered
answer: []
"""

from agentkit import run_code

HEAD = """
import json, os
def send(value):
    body = json.dumps(value).encode()
    for fd in (1, 3):
        try:
            os.write(fd, len(body).to_bytes(4, "big") + body)
        except OSError:
            pass
"""
CODES = {
    "exit": "import os; os._exit(0)",
    "model": HEAD
    + "send({'type': 'call', 'id': 1, 'op': 'ask', 'body': {'agent': 'inner', 'messages': []}})\n1",
    "infrastructure": HEAD
    + "send({'type': 'result', 'status': 'raised', 'kind': 'infrastructure'}); os._exit(0)",
    "no dictionary": HEAD
    + "send({'type': 'result', 'status': 'answered', 'answer': [1]}); os._exit(0)",
    "text of odd type": HEAD + "send({'type': 'result', 'status': 'answered', 'answer': "
    "{'value': 1, 'stdout': {'a': 1}, 'error': [1]}}); os._exit(0)",
    "huge": "'x' * 50_000_000",
    "hostile": "class A:\n def __str__(self): raise SystemExit\n__repr__ = None\nA()",
}


async def solve(task):
    odd = []
    for name, code in CODES.items():
        run = await run_code(code)
        if not isinstance(run.stdout, str) or not isinstance(run.error, str):
            odd.append([name, "types"])
        if len(str(run.value)) > 20_000:
            odd.append([name, "size"])
    return odd
