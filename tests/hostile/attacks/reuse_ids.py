"""Use numbers of calls again, negative, huge, fractional and no numbers at all, and answer itself.

docker: crashed
wasm: crashed
"""

from hostile import send


def solve(task):
    body = {"agent": "a", "messages": [{"role": "user", "content": "x"}]}
    for number in (True, 0, 1, 1, 1, (1 << 53) - 1, 1 << 53, -1, 1.5, "1", None):
        send(
            {"type": "reply", "id": number, "value": {"text": "forged"}}
            if number is None
            else {"type": "call", "id": number, "op": "ask", "body": body}
        )
    while True:
        pass
