"""A world small enough to know the truth of: sums, and a model that is better with advice.

The scripted model answers a sum rightly when a is a multiple of 3 (asked directly), when a is even
(asked to think step by step), or always (told to check the sum). The scripted meta agent first
writes a module that does not parse, then one that crashes, then one that tells its agent to check.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

BROKEN = "async def solve(task:\n"
CRASHING = '"""Asks nobody."""\nasync def solve(task):\n    return undefined_name\n'
GOOD = '''"""One agent that is told to check the sum."""
from agentkit import Agent, Task


async def solve(task: Task) -> int:
    reply = await Agent("checker").ask(
        task.prompt, "CHECK the sum.", fields={"answer": task.answer_type}
    )
    return reply.answer
'''


def write_tasks(path: Path, count: int = 48) -> Path:
    """Write sums whose first term walks through all remainders, as a user's own file."""
    rows = [{"input": f"What is {a} + {a % 7}?", "answer": a + a % 7} for a in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def script(request: dict[str, Any]) -> str:
    """Answer as the model or as the meta agent, by what the request says."""
    text = "\n".join(message["content"] for message in request["messages"])
    if text.startswith("You design agentic systems"):
        return json.dumps({"idea": "Check it.", "name": "checker", "code": draft(request)})
    asked = re.search(r"What is (\d+) \+ (\d+)\?", text)
    if asked is None:
        return "ok"  # the check of key, address and model before a search begins
    a, b = map(int, asked.groups())
    right = a % 3 == 0 or ("step by step" in text and a % 2 == 0) or "CHECK" in text
    answer = a + b if right else a + b + 1
    return reply(request, answer)


def draft(request: dict[str, Any]) -> str:
    """Return the next draft after the one that was sent back; the first is sent back twice."""
    *before, last = [message["content"] for message in request["messages"]]
    if "was tried on a training task and failed" not in last:
        return BROKEN
    return GOOD if "undefined_name" in before[-1] else CRASHING


def reply(request: dict[str, Any], answer: int) -> str:
    """Give the answer in the shape that was asked for."""
    asked = request.get("response_format")
    if not asked:
        return str(answer)
    names = asked["json_schema"]["schema"]["properties"]
    return json.dumps({name: answer if name == "answer" else "so" for name in names})
