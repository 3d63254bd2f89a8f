"""Name other jobs, other designs and another model in the call; stay itself for the host.

threats: 55, 57, 58
docker: answered
wasm: answered
answer: ["ok"]
"""

from agentkit import _link


def solve(task):
    body = {
        "agent": "waiting", "messages": [{"role": "user", "content": "x"}], "job": 1, "job_id": 1,
        "design_id": "other", "task_id": "t", "model": "the most expensive", "n": 1000,
        "owner": "proposer", "dollars": -1.0, "id": 7,
    }  # fmt: skip
    return [_link.call_blocking("ask", body)["text"]]
