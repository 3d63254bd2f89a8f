"""Three experts with traits answer, then all debate or all reflect, round by round; most votes win.

Zhang et al. 2024, arXiv:2310.02124 (MachineSoM), who found that the order of rounds matters and
traits hardly do. As there, a tie is no answer. Written for this project; Apache-2.0.
"""

from collections import Counter

from agentkit import Agent, Memory, Reply, ReplyError, Task, gather

TRAITS = ("overconfident", "overconfident", "easy-going")
PATTERN = ("debate", "debate", "reflect")

ROLES = {
    "overconfident": "an expert. You trust your own judgement and set out to convince the others",
    "easy-going": "an expert. You are objective, and good arguments of others change your mind",
}
STEPS = {
    "debate": "Above is what the others say now. Learn from it, then give your answer anew.",
    "reflect": "Check your latest answer step by step. Correct it where it is wrong.",
}


async def solve(task: Task) -> object:
    society = [
        Agent(f"member {number}", ROLES[trait], temperature=0.7, memory=Memory())
        for number, trait in enumerate(TRAITS, 1)
    ]
    first = "Think step by step, then answer."
    replies = await gather(turn(task, member, None, first) for member in society)
    for step in PATTERN:
        said = [reply if step == "debate" else None for reply in replies]
        replies = await gather(
            turn(task, member, replies[seat], *said[:seat], *said[seat + 1 :], STEPS[step])
            for seat, member in enumerate(society)
        )
    return elected([reply.answer for reply in replies if reply])


async def turn(task: Task, member: Agent, last: Reply | None, *parts: object) -> Reply | None:
    """One answer; the last one stays where nothing of use is said."""
    question = [] if last else [task.prompt]  # what was answered is remembered
    fields = {"rationale": str, "answer": task.answer_type}
    try:
        return await member.ask(*question, *filter(None, parts), fields=fields)
    except ReplyError:
        return last


def elected(answers: list[object]) -> object:
    """The one most frequent answer, None in a tie."""
    keys = [str(answer).strip().casefold() for answer in answers]
    leading = Counter(keys).most_common(2)
    if not leading or (len(leading) == 2 and leading[0][1] == leading[1][1]):
        return None
    return answers[keys.index(leading[0][0])]
