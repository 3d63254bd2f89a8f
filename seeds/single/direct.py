"""One call that gives the answer and nothing else.

The floor of every comparison: what the model knows without being told to think.
Written for this project; Apache-2.0.
"""

from agentkit import Agent, Task


async def solve(task: Task) -> object:
    agent = Agent("answerer", temperature=0.0)
    reply = await agent.ask(task.prompt, fields={"answer": task.answer_type})
    return reply.answer
