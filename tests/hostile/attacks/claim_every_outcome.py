"""Claim outcomes that only the host may give, in every spelling and type.

docker: crashed
wasm: crashed
"""

from hostile import send


def solve(task):
    kinds = [
        "infrastructure",
        "answered",
        "timed_out",
        None,
        7,
        ["crashed"],
        {"a": 1},
        "INFRASTRUCTURE",
    ]
    kind = kinds[len(task.prompt) % len(kinds)]
    send(
        {
            "type": "result",
            "status": ["answered"],
            "kind": kind,
            "error": {"no": "text"},
            "stdout": [1],
            "answer": "x",
        }
    )
    return "honest"
