"""A router reads the task and picks the expert who answers it.

Xu et al. 2023, arXiv:2305.14688; roles and parameters as in ADAS for MGSM (Hu, Lu, Clune 2024,
arXiv:2408.08435). Written anew for this project; Apache-2.0, as is ADAS.
"""

from agentkit import Agent, Task

ROLES = {
    "Math Professor": "a math professor",
    "Grade School Teacher": "a grade school teacher",
    "Math Enthusiast": "a math enthusiast",
    "Helpful Assistant": "a helpful assistant",  # whatever the experts are not for
}


async def solve(task: Task) -> object:
    router = Agent("router", temperature=0.5)
    route = await router.ask(
        task.prompt, "Who should answer this? Do not answer it.", fields={"choice": tuple(ROLES)}
    )
    expert = Agent(route.choice, ROLES[route.choice], temperature=0.5)
    reply = await expert.ask(
        task.prompt,
        "Think step by step, then answer.",
        fields={"thinking": str, "answer": task.answer_type},
    )
    return reply.answer
