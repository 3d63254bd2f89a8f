"""Three roles debate for two rounds; a judge reads the last round and decides.

Du et al. 2023, arXiv:2305.14325; roles and parameters as in ADAS for MGSM (Hu, Lu, Clune 2024,
arXiv:2408.08435). Written anew for this project; Apache-2.0, as is ADAS.
"""

from agentkit import Agent, Task, gather

ROLES = ("a math professor", "a grade school teacher", "a math enthusiast")
ROUNDS = 2


async def solve(task: Task) -> object:
    debaters = [Agent(role, role, temperature=0.8) for role in ROLES]
    fields = {"thinking": str, "answer": task.answer_type}
    replies = await gather(
        debater.ask(task.prompt, "Think step by step, then answer.", fields=fields)
        for debater in debaters
    )
    for _ in range(1, ROUNDS):
        said = [f"{reply.agent} thought: {reply.thinking}" for reply in replies]
        replies = await gather(
            debater.ask(
                task.prompt,
                f"You thought: {replies[seat].thinking}",
                *said[:seat],
                *said[seat + 1 :],
                "Take the others' thoughts as advice: think again, then answer.",
                fields=fields,
            )
            for seat, debater in enumerate(debaters)
        )
    judge = Agent("judge", temperature=0.1)
    decision = await judge.ask(
        task.prompt, *replies, "Weigh these thoughts and answers, then decide.", fields=fields
    )
    return decision.answer
