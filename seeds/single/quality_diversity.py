"""Four different ways to solve the task, each knowing the earlier ones; a judge picks the answer.

Lu et al. 2024, arXiv:2405.15143; parameters as in ADAS (Hu, Lu, Clune 2024, arXiv:2408.08435).
Written anew for this project; Apache-2.0, as is ADAS.
"""

from agentkit import Agent, Task

OTHER_WAYS = 3


async def solve(task: Task) -> object:
    thinker = Agent("thinker", temperature=0.5)
    fields = {"thinking": str, "answer": task.answer_type}
    attempts = [await thinker.ask(task.prompt, "Think step by step, then answer.", fields=fields)]
    for _ in range(OTHER_WAYS):
        attempt = await thinker.ask(
            task.prompt,
            *attempts,
            "Find another interesting way to solve the task, then answer.",
            fields=fields,
        )
        attempts.append(attempt)
    judge = Agent("judge", temperature=0.1)
    decision = await judge.ask(
        task.prompt, *attempts, "Weigh these solutions, then give the final answer.", fields=fields
    )
    return decision.answer
