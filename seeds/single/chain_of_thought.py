"""One agent thinks step by step, then answers.

Wei et al. 2022, arXiv:2201.11903; parameters as in ADAS (Hu, Lu, Clune 2024, arXiv:2408.08435).
Written anew for this project; Apache-2.0, as is ADAS.
"""

from agentkit import Agent, Task


async def solve(task: Task) -> object:
    thinker = Agent("thinker", temperature=0.5)
    reply = await thinker.ask(
        task.prompt,
        "Think step by step, then answer.",
        fields={"thinking": str, "answer": task.answer_type},
    )
    return reply.answer
