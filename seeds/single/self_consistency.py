"""Five independent chains of thought; the majority answers.

Wang et al. 2022, arXiv:2203.11171; parameters as in ADAS (Hu, Lu, Clune 2024, arXiv:2408.08435).
Written anew for this project; Apache-2.0, as is ADAS.
"""

from agentkit import Agent, Task, gather, majority

VOTERS = 5


async def solve(task: Task) -> object:
    voters = [Agent(f"voter {number}", temperature=0.8) for number in range(1, VOTERS + 1)]
    replies = await gather(
        voter.ask(
            task.prompt,
            "Think step by step, then answer.",
            fields={"thinking": str, "answer": task.answer_type},
        )
        for voter in voters
    )
    return majority(reply.answer for reply in replies)  # a tie goes to the answer given first
