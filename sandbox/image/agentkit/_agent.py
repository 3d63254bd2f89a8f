"""An agent asks a model in one role; its replies carry the fields that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentkit import _link, _schema
from agentkit._errors import ReplyError
from agentkit._memory import Memory

__all__ = ["Agent", "Reply", "Task"]

AnswerType = type | tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """One problem: `prompt`, and `answer_type`: choices or `str`, `int`, `float`, `bool`."""

    prompt: str
    answer_type: AnswerType = str


class Reply:
    """What an agent said: `.text`, `.agent` (its name), and the fields asked for.

    A field is `reply.answer` or `reply["answer"]`; `str(reply)` is what another agent is shown.
    """

    text: str
    agent: str

    def __init__(self, agent: str, text: str, fields: Mapping[str, Any] | None = None) -> None:
        self._author = agent
        self._text = text
        self._fields = dict(fields or {})
        # Fields last: a design that asks for a field "text" means that one.
        self.__dict__.update({"text": text, "agent": agent, **self._fields})

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __getattr__(self, name: str) -> Any:
        known = ", ".join(self.__dict__.get("_fields") or ["text"])
        raise AttributeError(f"this reply has no field {name!r}, only: {known}")

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __str__(self) -> str:
        if not self._fields:
            return f"[{self._author}]\n{self._text}"
        return "\n".join([f"[{self._author}]", *(f"{k}: {v}" for k, v in self._fields.items())])

    def __repr__(self) -> str:
        return f"Reply({self._author!r}, {self._fields or self._text!r})"


class Agent:
    """A model in a role: "You are {role}.".

    What a `memory` holds is shown before each question, and the exchange is noted in it.
    """

    def __init__(
        self,
        name: str,
        role: str = "a helpful assistant",
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.name = str(name)
        self.role = str(role)
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.memory = memory

    async def ask(
        self,
        *parts: object,
        fields: Mapping[str, _schema.FieldType] | None = None,
        temperature: float | None = None,
    ) -> Reply:
        """Ask once and return the `Reply`.

        Args:
            parts: texts, replies of other agents or anything with a `str`; blank lines go between
            them. fields: name -> `str`, `int`, `float`, `bool`, `list[str]` ... or a tuple of
            allowed strings. The reply
                is checked against them; a misfit is shown to the model once before `ReplyError`.
            temperature: for this question, instead of the agent's own.

        Raises:
            ReplyError: the reply does not fit, is blank, cut off or refused.
            BudgetError: this task's cap of calls or tokens is reached.
        """
        question = "\n\n".join(str(part) for part in parts)
        messages = self._messages(question, fields)
        heat = self.temperature if temperature is None else temperature
        reply = await self._exchange(messages, fields, heat)
        if self.memory is not None:
            self.memory.add(f"Asked: {question}\n\n{reply}")
        return reply

    def _messages(self, question: str, fields: Mapping[str, Any] | None) -> list[dict[str, str]]:
        user = [str(self.memory)] if self.memory else []
        user.append(question)
        if fields:
            user.append(_schema.instruction(fields))
        return [
            {"role": "system", "content": f"You are {self.role}."},
            {"role": "user", "content": "\n\n".join(user)},
        ]

    async def _exchange(
        self, messages: list[dict[str, str]], fields: Mapping[str, Any] | None, heat: float | None
    ) -> Reply:
        body = request(self.name, messages, fields, heat, self.max_tokens)
        text, finish = checked(await _link.call("ask", body))
        if not fields:
            return Reply(self.name, whole(text, finish))
        try:
            return Reply(self.name, text, _schema.read(text, fields))
        except _schema.Mismatch as misfit:
            whole(text, finish)
            again = f"That does not fit: {misfit}. {_schema.instruction(fields)}"
        turn = [{"role": "assistant", "content": text}, {"role": "user", "content": again}]
        text, finish = checked(await _link.call("ask", {**body, "messages": [*messages, *turn]}))
        try:
            return Reply(self.name, text, _schema.read(text, fields))
        except _schema.Mismatch as misfit:
            whole(text, finish)
            raise ReplyError(f"{self.name}: the reply does not fit: {misfit}", text=text) from None


def request(
    name: str,
    messages: list[dict[str, str]],
    fields: Mapping[str, Any] | None,
    temperature: float | None,
    max_tokens: int | None,
) -> dict[str, Any]:
    """Return the body of an "ask"; what is None is left out."""
    body: dict[str, Any] = {"agent": name, "messages": messages}
    if temperature is not None:
        body["temperature"] = float(temperature)
    if max_tokens is not None:
        body["max_tokens"] = int(max_tokens)
    if fields:
        body["schema"] = _schema.schema(fields)
    return body


def checked(got: dict[str, Any]) -> tuple[str, str]:
    """Return text and finish of the host's reply.

    Raises:
        ReplyError: the model refused or said nothing.
    """
    text, finish = str(got.get("text") or ""), str(got.get("finish") or "stop")
    if finish == "content_filter":
        raise ReplyError("the model refused", "refused", text)
    if not text.strip():
        kind = "truncated" if finish == "length" else "blank"
        raise ReplyError("the model said nothing", kind, text)
    return text, finish


def whole(text: str, finish: str) -> str:
    """Return the text unless it was cut off.

    Raises:
        ReplyError: the model was stopped at its cap of tokens.
    """
    if finish == "length":
        raise ReplyError("the reply was cut off at max_tokens", "truncated", text)
    return text
