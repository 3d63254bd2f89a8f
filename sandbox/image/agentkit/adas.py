"""The interface of *Automated Design of Agentic Systems*, for archives published with the paper.

Source: Hu, Lu, Clune 2024, arXiv:2408.08435.

A design that defines `def forward(self, taskInfo)` and no `solve` is run with these names present.
Differences to the paper's framework: an agent's id is counted instead of drawn, the wording of the
prompts is ours, and a cap of calls raises `BudgetError`. As in the paper, a reply that does not fit
gives empty fields and is not asked for again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from agentkit import _link, _schema
from agentkit._agent import AnswerType, checked, request
from agentkit._errors import ReplyError

__all__ = ["Info", "LLMAgentBase", "System", "begin"]


class Info(NamedTuple):
    """One message: `name` of the field, `author`, `content`, `iteration_idx` (-1: none)."""

    name: str
    author: str
    content: Any
    iteration_idx: int


class System:
    """What `forward` gets as `self`."""


_ids = itertools.count()
_answer_type: list[AnswerType] = [str]


def begin(answer_type: AnswerType) -> None:
    """Start a task: ids are counted anew and fields named "answer" take this type."""
    global _ids
    _ids = itertools.count()
    _answer_type[:] = [answer_type]


class LLMAgentBase:
    """An agent with fixed output fields; a call asks the model once, one `Info` a field."""

    def __init__(
        self,
        output_fields: Sequence[str],
        agent_name: str,
        role: str = "helpful assistant",
        model: str | None = None,
        temperature: float = 0.5,
    ) -> None:
        self.output_fields = list(output_fields)
        self.agent_name = agent_name
        self.role = role
        self.model = model  # kept for the interface; the search decides which model answers
        self.temperature = temperature
        self.id = _letters(next(_ids))

    def generate_prompt(self, input_infos: Sequence[Any], instruction: str) -> tuple[str, str]:
        """Return the system and the user message."""
        fields = self._fields()
        parts = [text for text in map(self._shown, _numbered(input_infos)) if text]
        return f"You are a {self.role}.", "\n\n".join(
            [*parts, str(instruction), _schema.instruction(fields)]
        )

    def query(
        self, input_infos: Sequence[Any], instruction: str, iteration_idx: int = -1
    ) -> list[Info]:
        """Ask the model once; a field that cannot be read is ''."""
        system, user = self.generate_prompt(input_infos, instruction)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        body = request(self.agent_name, messages, self._fields(), self.temperature, None)
        found = self._read(body)
        author = repr(self)
        return [
            Info(name, author, found.get(name, ""), iteration_idx) for name in self.output_fields
        ]

    def __call__(
        self, input_infos: Sequence[Any], instruction: str, iteration_idx: int = -1
    ) -> list[Info]:
        return self.query(input_infos, instruction, iteration_idx=iteration_idx)

    def __repr__(self) -> str:
        return f"{self.agent_name} {self.id}"

    def _fields(self) -> dict[str, Any]:
        return {name: _answer_type[0] if name == "answer" else str for name in self.output_fields}

    def _read(self, body: dict[str, Any]) -> dict[str, str]:
        try:
            text, _ = checked(_link.call_blocking("ask", body))
        except ReplyError:
            return {}
        found: dict[str, str] = {}
        for name, kind in self._fields().items():
            try:
                found.update({name: str(_schema.read(text, {name: kind})[name])})
            except _schema.Mismatch:
                continue  # the paper's framework fills what is missing with ''
        return found

    def _shown(self, numbered: tuple[int, Any]) -> str:
        number, info = numbered
        if not isinstance(info, tuple) or len(info) != 4:
            return ""
        name, author, content, iteration = info
        if name == "task":
            return f"# Your task\n{content}"
        mine = " (yourself)" if author == repr(self) else ""
        turn = f", iteration {iteration + 1}" if iteration != -1 else ""
        return f"### {name} #{number} by {author}{mine}{turn}:\n{content}"


def _numbered(infos: Sequence[Any]) -> list[tuple[int, Any]]:
    """The task first; the others are counted per field name, from 1."""
    seen: dict[str, int] = {}
    tasks: list[tuple[int, Any]] = []
    others: list[tuple[int, Any]] = []
    for info in infos:
        name = str(info[0]) if isinstance(info, tuple) and info else ""
        seen[name] = seen.get(name, 0) + 1
        (tasks if name == "task" else others).append((seen[name], info))
    return tasks + others


def _letters(number: int) -> str:
    """Four letters, different for the first 456,976 agents of a task."""
    letters = ""
    for _ in range(4):
        number, digit = divmod(number, 26)
        letters = chr(ord("a") + digit) + letters
    return letters
