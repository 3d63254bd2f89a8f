"""First the principles behind the task, then an answer that builds on them.

Zheng et al. 2023, arXiv:2310.06117; parameters as in ADAS (Hu, Lu, Clune 2024, arXiv:2408.08435).
Written anew for this project; Apache-2.0, as is ADAS.
"""

from agentkit import Agent, Task


async def solve(task: Task) -> object:
    theorist = Agent("theorist", temperature=0.5)
    thinker = Agent("thinker", temperature=0.5)
    principles = await theorist.ask(
        task.prompt,
        "Do not solve this yet. Think step by step: which principles are behind it? Explain them.",
        fields={"thinking": str, "principle": str},
    )
    reply = await thinker.ask(
        task.prompt,
        principles,
        "Use these principles: think step by step, then answer.",
        fields={"thinking": str, "answer": task.answer_type},
    )
    return reply.answer
