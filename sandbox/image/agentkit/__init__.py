"""What a design is written with: agents that ask a model, and the few tools to combine them.

A design is one module that defines `async def solve(task: Task)` and returns the answer. It imports
the standard library and this package, nothing else. `REFERENCE.md` beside this file is the text
shown to those who write designs.
"""

from agentkit._agent import Agent, Reply, Task
from agentkit._combine import gather, majority
from agentkit._errors import AgentError, BudgetError, ReplyError
from agentkit._memory import Memory
from agentkit._run import Run, run_code

__all__ = [
    "Agent",
    "AgentError",
    "BudgetError",
    "Memory",
    "Reply",
    "ReplyError",
    "Run",
    "Task",
    "gather",
    "majority",
    "run_code",
]
