"""Keep a call open and compute meanwhile: time of its own that looks like waiting.

docker: timed_out
wasm: timed_out
active: 1
wall: 3
"""

from hostile import send


def solve(task):
    code = "import time\ntime.sleep(0.9)"
    number = 0
    while True:
        number += 1
        if number % 200_000 == 1:
            send(
                {
                    "type": "call",
                    "id": number,
                    "op": "run_code",
                    "body": {"code": code, "seconds": 1},
                }
            )
