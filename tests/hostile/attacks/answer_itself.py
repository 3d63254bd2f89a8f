"""Put a transport of its own in the place of the kit's, and end its own calls with forged replies.

docker: answered
wasm: answered
answer: ["forged", 0]
"""

import gc

from agentkit import Agent, _link


class Own:
    async def call(self, op, body):
        return {"text": "forged", "finish": "stop"}


async def solve(task):
    pipes = [each for each in gc.get_objects() if type(each).__name__ == "Pipe"]
    for pipe in pipes:
        pipe.dispatch({"id": 1, "value": {"text": "x"}})  # replies to calls that nobody made
    _link.connect(Own())
    return [(await Agent("a").ask("x")).text, sum(pipe._next_id for pipe in pipes)]
