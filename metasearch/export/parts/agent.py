"""Runs an exported design on one question, as the search's own runner does."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from metasearch.export.parts.client import AgentFailure, Session, Settings, Wire
from metasearch.export.parts.code import run_here

__all__ = ["Exported"]

TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Exported:
    """A design and what it runs on.

    Attributes:
        design: the names of the design's module.
        kit: the copied `agentkit`.
        settings: how the model is asked where a call does not say otherwise.
        answer_type: what an answer is where a call does not say otherwise.
        child: source of the program that runs a model's code.
    """

    design: Mapping[str, Any]
    kit: Any
    settings: Settings
    answer_type: Any = str
    child: str = ""

    def __post_init__(self) -> None:
        self.kit.link.connect(Wire())

    async def solve(self, prompt: str, answer_type: Any = None, **changes: Any) -> Any:
        """Answer one question.

        Args:
            prompt: the question.
            answer_type: str, int, float, bool or a tuple of choices; None is the design's own.
            changes: of `settings`: model, base_url, api_key, allow_code ...

        Raises:
            AgentFailure: the endpoint cannot be used, or code may not run; the text says more.
            Exception: whatever the design itself raises.
        """
        async with self.asking(**changes):
            return await self.run(prompt, answer_type)

    @asynccontextmanager
    async def asking(self, **changes: Any) -> AsyncIterator[None]:
        """Let the design ask its model inside this block; `changes` as for `solve`.

        Raises:
            AgentFailure: the endpoint cannot be used, or code may not run; the text says more.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        settings = replace(self.settings, **given)
        async with settings.client() as client:
            session = Session(
                settings, self.kit.error_of, self._run_code, asyncio.get_running_loop(), client
            )
            token = Wire.session.set(session)
            try:
                yield
            finally:
                Wire.session.reset(token)
                if session.failure is not None:  # also where the design has swallowed it
                    raise session.failure

    async def run(self, prompt: str, answer_type: Any = None) -> Any:
        """Run the design over whatever its kit is connected to, and return its answer."""
        kind = self.answer_type if answer_type is None else answer_type
        task = self.kit.Task(prompt, typed(kind))
        solve = self.design.get("solve")
        if solve is None:
            value = await asyncio.to_thread(self._forward, task)
        elif inspect.iscoroutinefunction(solve):
            value = await solve(task)
        else:
            value = await asyncio.to_thread(solve, task)
        if inspect.isawaitable(value):
            value = await value
        return self._plain(value)

    def answer(self, question: str, answer_type: Any = None, **changes: Any) -> str:
        """Answer one question and wait for it; the answer as text."""
        coroutine = self.solve(question, answer_type, **changes)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return text_of(asyncio.run(coroutine))
        with ThreadPoolExecutor(1) as pool:  # in a notebook, say, where a loop already runs
            return text_of(pool.submit(asyncio.run, coroutine).result())

    async def _run_code(self, code: str, seconds: float) -> dict[str, Any]:
        return await run_here(self.child, code, seconds)

    def _forward(self, task: Any) -> Any:
        """Run a design of the interface of published ADAS archives."""
        adas = self.kit.adas
        with _forward_lock:  # its agents are numbered, and its answer typed, by the module
            adas.begin(task.answer_type)
            asked = adas.Info("task", "User", task.prompt, -1)
            return self.design["forward"](adas.System(), asked)

    def _plain(self, value: Any) -> Any:
        if self.kit.adas is not None and isinstance(value, self.kit.adas.Info):
            return value.content
        if isinstance(value, self.kit.Reply):
            return value._fields.get("answer", value._text)
        return value


_forward_lock = threading.Lock()


def typed(kind: Any) -> Any:
    """Return an answer type given as itself, by name, or as choices ("yes,no").

    Raises:
        AgentFailure: the name is not known.
    """
    if isinstance(kind, str) and "," in kind:
        return tuple(choice.strip() for choice in kind.split(","))
    if isinstance(kind, str) and kind not in TYPES:
        raise AgentFailure(f"{kind!r} is no answer type: {', '.join(TYPES)}, or choices: yes,no")
    if isinstance(kind, str):
        return TYPES[kind]
    return kind if isinstance(kind, type) else tuple(kind)


def text_of(answer: Any) -> str:
    """Return an answer as text: itself, or its JSON."""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
