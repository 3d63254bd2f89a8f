"""The model writes a program that computes the answer; a chain of thought where that gives nothing.

Chen et al. 2022, arXiv:2211.12588, and Gao et al. 2022, arXiv:2211.10435.
Written for this project; Apache-2.0.
"""

from fractions import Fraction

from agentkit import Agent, ReplyError, Task, run_code


def fit(value: object, kind: type | tuple[str, ...]) -> object:
    """Return a program's value as the task's answer type, or None where it is not one."""
    text = "" if value is None else str(value).strip()
    if isinstance(kind, tuple):
        return next((choice for choice in kind if choice.casefold() == text.casefold()), None)
    if kind is str:
        return text or None
    if kind is bool:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.casefold())
    try:
        number = Fraction(text)
        whole = round(number)
        if kind is int:
            return whole if abs(number - whole) < 1e-9 else None  # sums of floats miss by a hair
        return float(number)
    except (ValueError, ArithmeticError):
        return None


async def program(task: Task) -> object:
    coder = Agent("programmer", "a Python programmer", temperature=0.0)
    try:
        reply = await coder.ask(
            task.prompt,
            "Write a short Python program that computes the answer and assigns it to the variable"
            " `answer`. Reply with the program only.",
        )
    except ReplyError:
        return None
    run = await run_code(reply.text)
    return fit(run.value, task.answer_type) if run.ok else None


async def solve(task: Task) -> object:
    answer = await program(task)
    if answer is not None:
        return answer
    thinker = Agent("thinker", temperature=0.5)
    reply = await thinker.ask(
        task.prompt,
        "Think step by step, then answer.",
        fields={"thinking": str, "answer": task.answer_type},
    )
    return reply.answer
