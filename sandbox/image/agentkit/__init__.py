"""What a design is written with: agents that ask a model, and the few tools to combine them.

A design is one module that defines `async def solve(task: Task)` and returns the answer, or for a
society `class Member(Player)`. It imports the standard library and this package, nothing else.
`REFERENCE.md` and `REFERENCE_MEMBER.md` beside this file are the texts shown to those who write
designs.
"""

from agentkit._agent import Agent, Reply, Task
from agentkit._combine import gather, majority
from agentkit._errors import AgentError, BudgetError, ReplyError
from agentkit._memory import Memory
from agentkit._run import Run, run_code
from agentkit._society import Action, Event, Player, Request

__all__ = [
    "Action",
    "Agent",
    "AgentError",
    "BudgetError",
    "Event",
    "Memory",
    "Player",
    "Reply",
    "ReplyError",
    "Request",
    "Run",
    "Task",
    "gather",
    "majority",
    "run_code",
]
