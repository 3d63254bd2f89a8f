"""A critic reviews each attempt; the thinker tries again until the critic is satisfied.

Madaan et al. 2023, arXiv:2303.17651, and Shinn et al. 2023, arXiv:2303.11366; parameters as in
ADAS (Hu, Lu, Clune 2024, arXiv:2408.08435). Written anew for this project; Apache-2.0, as is ADAS.
"""

from contextlib import suppress

from agentkit import Agent, BudgetError, Task

REVIEWS = 5


async def solve(task: Task) -> object:
    thinker = Agent("thinker", temperature=0.5)
    critic = Agent("critic", temperature=0.5)
    fields = {"thinking": str, "answer": task.answer_type}
    attempt = await thinker.ask(task.prompt, "Think step by step, then answer.", fields=fields)
    history: list[object] = []
    with suppress(BudgetError):  # no further call allowed: the latest attempt stands
        for _ in range(REVIEWS):
            review = await critic.ask(
                task.prompt,
                attempt,
                "Say what may be wrong with this attempt. Is its answer surely correct?",
                fields={"feedback": str, "correct": bool},
            )
            if review.correct:
                break
            history += [attempt, f"Feedback: {review.feedback}"]
            attempt = await thinker.ask(
                task.prompt,
                *history,
                "Learn from the feedback: think step by step, then give a better answer.",
                fields=fields,
            )
    return attempt.answer
