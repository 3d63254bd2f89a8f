"""Ask with bodies at every limit of size, depth and number of values.

docker: crashed
wasm: crashed
active: 10
"""

from hostile import frame, raw

from agentkit import AgentError, _link


def solve(task):
    deep = "x"
    for _ in range(55):
        deep = [deep]
    for messages in (
        "x" * 1_000_000,
        ["x"] * 90_000,
        deep,
        {str(n): n for n in range(40_000)},
        10**4000,
    ):
        try:
            _link.call_blocking("ask", {"agent": "a", "messages": messages})
        except AgentError:
            continue
    raw(frame(b'{"type":"call","id":77,"op":"ask","body":{"n":' + b"9" * 100_000 + b"}}"))
    while True:
        pass
