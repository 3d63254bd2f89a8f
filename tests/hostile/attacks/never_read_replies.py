"""Ask for ever and read no reply, so that replies pile up in front of it.

docker: timed_out
wasm: timed_out
active: 1
wall: 5
"""

from hostile import send


def solve(task):
    number = 0
    while True:
        number += 1
        send(
            {
                "type": "call",
                "id": number,
                "op": "ask",
                "body": {"agent": "a", "messages": ["y" * 60_000]},
            }
        )
