"""Put a transport of its own in the place of the kit's, and end its own calls with forged replies.

docker: answered
wasm: answered
answer: ["forged", 0]
"""

from agentkit import Agent, _link


class Own:
    async def call(self, op, body):
        return {"text": "forged", "finish": "stop"}


async def solve(task):
    pipe = _link._connected[0]
    pipe.dispatch({"id": 1, "value": {"text": "x"}})  # a reply to a call that nobody made
    _link.connect(Own())
    return [(await Agent("a").ask("x")).text, pipe._next_id]
