"""Send the result by itself and go on working and asking.

threats: 48
docker: answered
wasm: answered
answer: "early"
"""

import time

from hostile import send


def solve(task):
    send({"type": "result", "status": "answered", "answer": "early", "stdout": ""})
    for number in range(100):
        send(
            {
                "type": "call",
                "id": 1000 + number,
                "op": "ask",
                "body": {"agent": "late", "messages": []},
            }
        )
        time.sleep(0.05)
    return "late"
