r"""The structures that moves put around designs: each is a module as a person would write it.

`$way`, `$one`, `$other` ... stand for the functions of the designs that are put in, the rest for
plain values. What the result does not use is left out again.
"""

from __future__ import annotations

__all__ = [
    "AGREE",
    "BOTH_RIGHT",
    "CASCADE",
    "CRITIC",
    "FALLBACK",
    "MENDED",
    "PANEL",
    "PROGRAM_FIRST",
    "RELAY",
    "ROUTE",
    "ROUTE_BY_FORM",
    "ROUTE_BY_TYPE",
    "VOTE",
]

_TRIED = '''
from collections.abc import Awaitable, Callable

from agentkit import ReplyError, Task


async def tried(way: Callable[[Task], Awaitable[object]], task: Task) -> object:
    """Return what a way answers, None where the model's reply is of no use."""
    try:
        return await way(task)
    except ReplyError:
        return None
'''

_SAME = '''
def same(one: object, other: object) -> bool:
    """Return whether two answers read the same."""
    return str(one).strip().casefold() == str(other).strip().casefold()
'''

_FIT = '''
from fractions import Fraction


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
'''

_PROGRAM = f'''
from agentkit import Agent, ReplyError, Task, run_code
{_FIT}

async def program(task: Task) -> object:
    """Let the model write a program; None where running it gives no answer of the right type."""
    coder = Agent("programmer", "a Python programmer", temperature=0.0)
    try:
        reply = await coder.ask(task.prompt, $instruction)
    except ReplyError:
        return None
    run = await run_code(reply.text)
    return fit(run.value, task.answer_type) if run.ok else None
'''

VOTE = f"""
from agentkit import Task, gather, majority
{_TRIED}
VOTERS = $count


async def solve(task: Task) -> object:
    answers = await gather(tried($way, task) for _ in range(VOTERS))
    given = [answer for answer in answers if answer is not None and str(answer).strip()]
    return majority(given) if given else None
"""

PANEL = f"""
from agentkit import Task, gather, majority
{_TRIED}

async def solve(task: Task) -> object:
    answers = await gather($ways)
    given = [answer for answer in answers if answer is not None and str(answer).strip()]
    return majority(given) if given else None  # a tie goes to the way that is named first
"""

CRITIC = """
from agentkit import Agent, ReplyError, Task

CHECKS = $count


async def solve(task: Task) -> object:
    checker = Agent("checker", $role, temperature=0.0)
    answer = await $way(task)
    for _ in range(CHECKS):
        try:
            review = await checker.ask(
                task.prompt,
                f"Proposed answer: {answer}",
                $instruction,
                fields={"correct": bool, "answer": task.answer_type},
            )
        except ReplyError:
            break
        if review.correct:
            break
        answer = review.answer
    return answer
"""

PROGRAM_FIRST = f"""
{_PROGRAM}

async def solve(task: Task) -> object:
    answer = $condition
    return await $way(task) if answer is None else answer
"""

MENDED = '''
from agentkit import Agent, ReplyError, Run, Task, run_code


async def mended(task: Task, code: str, run: Run) -> Run:
    """Show the model what its program came to, and run what it writes then."""
    mender = Agent("programmer", "a Python programmer", temperature=0.0)
    try:
        reply = await mender.ask(
            task.prompt, f"This program failed:\\n\\n{code}", run.error[-300:], $instruction
        )
    except ReplyError:
        return run
    return await run_code(reply.text)


async def solve(task: Task) -> object:
    return await mended(task, "", Run())
'''

CASCADE = f"""
from agentkit import Task, gather
{_TRIED}
{_SAME}

async def solve(task: Task) -> object:
    first, second = await gather(tried($one, task), tried($one, task))
    if first is not None and same(first, second):
        return first
    return await $other(task)
"""

FALLBACK = f"""
from agentkit import Task
{_TRIED}

async def solve(task: Task) -> object:
    answer = await tried($one, task)
    return await $other(task) if answer is None else answer
"""

AGREE = f"""
from agentkit import Agent, Task, gather
{_TRIED}
{_SAME}

async def solve(task: Task) -> object:
    first, second = await gather(tried($one, task), tried($other, task))
    if first is None or second is None:
        return second if first is None else first
    if same(first, second):
        return first
    judge = Agent("judge", $role, temperature=0.0)
    decision = await judge.ask(
        task.prompt,
        f"One answer: {{first}}",
        f"Another answer: {{second}}",
        $instruction,
        fields={{"answer": task.answer_type}},
    )
    return decision.answer
"""

BOTH_RIGHT = f"""
from agentkit import Task, gather
{_TRIED}
{_SAME}

async def solve(task: Task) -> object:
    first, second = await gather(tried($one, task), tried($other, task))
    if first is not None and same(first, second):
        return first
    return await $third(task)
"""

RELAY = f"""
from agentkit import Task
{_TRIED}

async def solve(task: Task) -> object:
    answer = await tried($one, task)
    if answer is None:
        return await $other(task)
    hint = f"{{task.prompt}}\\n\\nSomebody answered {{answer}}, which may be wrong."
    return await $other(Task(hint, task.answer_type))
"""

ROUTE = """
from agentkit import Agent, Task

KINDS = $kinds


async def solve(task: Task) -> object:
    sorter = Agent("sorter", temperature=0.0)
    question = await sorter.ask(
        task.prompt, "What kind of question is this? Do not answer it.", fields={"kind": KINDS}
    )
$branches
"""

ROUTE_BY_TYPE = """
from agentkit import Task


async def solve(task: Task) -> object:
$branches
"""

ROUTE_BY_FORM = """
import re

from agentkit import Task

$patterns


async def solve(task: Task) -> object:
$branches
"""
