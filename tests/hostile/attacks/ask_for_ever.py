"""Ask as fast as the host refuses, for ever; the others are answered meanwhile.

docker: timed_out
wasm: timed_out
active: 1.5
wall: 6
together: 2
"""

from agentkit import AgentError, _link


def solve(task):
    while True:
        try:
            _link.call_blocking("run_code", {"code": 1, "seconds": -1})
        except AgentError:
            continue
