"""Take turns as if it were a seat of a society, by the kit and in frames of its own.

docker: answered
wasm: answered
answer: ["bad_request", "bad_request", "ok"]
"""

from hostile import send

from agentkit import AgentError, _link


def solve(task):
    said = []
    for body in ({}, {"action": 1, "op": "ask", "seat": 0}):
        try:
            said.append(_link.call_blocking("turn", body)["request"])
        except AgentError as error:
            said.append(error.kind)
    messages = [{"role": "user", "content": "x"}]
    for number in (10**6, 10**6 + 1):
        send({"type": "call", "id": number, "op": "turn", "body": {"action": number}})
    said.append(
        _link.call_blocking("ask", {"op": "turn", "agent": "a", "messages": messages})["text"]
    )
    return said
