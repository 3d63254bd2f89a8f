"""Where an exported agent's questions go: straight to an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import openai
from openai.types.chat import ChatCompletion

__all__ = ["AgentFailure", "Session", "Settings", "Wire"]

OPEN_CALLS = 16  # in flight at the same time, as in the search


class AgentFailure(Exception):
    """The agent cannot work like this; the text is one line that says how to mend it.

    Attributes:
        exit_code: 2 when the user can mend it, 4 when the endpoint is down.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code


@dataclass(frozen=True)
class Settings:
    """How the model is asked.

    Attributes:
        model: the endpoint's name of it.
        base_url, api_key: None leaves them to OPENAI_BASE_URL and OPENAI_API_KEY.
        max_tokens: new tokens of one call where the design names none, and the most it may name.
        temperature: where the design sets none; None is the endpoint's default.
        max_field_chars: longest text of a field in a structured reply; None is no cap.
        max_calls: of one question; beyond them the design is told that its budget is spent.
        allow_code: run programs that the model writes, on this machine.
        timeout: seconds for one call.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = None
    max_tokens: int = 1024
    temperature: float | None = None
    max_field_chars: int | None = None
    max_calls: int = 32
    allow_code: bool = False
    timeout: float = 120.0

    def client(self) -> openai.AsyncOpenAI:
        """Return a client.

        Raises:
            AgentFailure: there is no key, and no endpoint that might need none.
        """
        key = self.api_key or os.environ.get("OPENAI_API_KEY")
        own = self.base_url or os.environ.get("OPENAI_BASE_URL")
        if not key and not own:
            raise AgentFailure("no key: set OPENAI_API_KEY, or name an endpoint with --base-url")
        return openai.AsyncOpenAI(
            api_key=key or "none", base_url=self.base_url, timeout=self.timeout
        )


RunCode = Callable[[str, float], Awaitable[dict[str, Any]]]
ErrorOf = Callable[[str, str], Exception]


@dataclass
class Session:
    """One question's conversation with the endpoint.

    Attributes:
        error_of: makes the kit's error of (kind, message).
        failure: what ended it, even where the design has swallowed the exception.
        unsupported: parameters that this endpoint has refused, so that they are not sent again.
    """

    settings: Settings
    error_of: ErrorOf
    run_code: RunCode
    loop: asyncio.AbstractEventLoop
    client: openai.AsyncOpenAI
    failure: AgentFailure | None = None
    calls: int = 0
    unsupported: set[str] = field(default_factory=set)
    thread: int = field(default_factory=threading.get_ident)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OPEN_CALLS))

    async def answer(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call of the kit."""
        try:
            if op == "run_code":
                return await self._run(body)
            async with self.slots:
                return await self._ask(self.client, body)
        except AgentFailure as failure:
            self.failure = failure
            raise

    def answer_blocking(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call of a design that cannot wait for others meanwhile."""
        if threading.get_ident() != self.thread:
            return asyncio.run_coroutine_threadsafe(self.answer(op, body), self.loop).result()
        # On the loop's own thread, that loop stands still until this returns: use another one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, self._apart(op, body)).result()

    async def _apart(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            if op == "run_code":
                return await self._run(body)
            async with self.settings.client() as client:
                return await self._ask(client, body)
        except AgentFailure as failure:
            self.failure = failure
            raise

    async def _run(self, body: dict[str, Any]) -> dict[str, Any]:
        if not self.settings.allow_code:
            raise AgentFailure(
                "this agent wants to run a program that the model wrote, on this machine and not "
                "in a sandbox; allow it with --allow-code (allow_code=True) if you accept that"
            )
        return await self.run_code(str(body["code"]), float(body["seconds"]))

    async def _ask(self, client: openai.AsyncOpenAI, body: dict[str, Any]) -> dict[str, Any]:
        if self.calls >= self.settings.max_calls:
            raise self.error_of("over_budget", f"{self.settings.max_calls} calls a question")
        self.calls += 1
        try:
            completion = await self._complete(client, request(body, self.settings))
        except openai.APIError as error:
            raise _told(error, self.settings.model, str(client.base_url)) from error
        except ValueError as error:  # a body that is cut off or is no JSON
            raise AgentFailure(f"{client.base_url} sent half a reply: {error}", 4) from error
        if not isinstance(completion, ChatCompletion):  # the client hands a web page over as text
            raise AgentFailure(
                f"{client.base_url} is not an OpenAI-compatible endpoint; check the base URL", 4
            )
        if not completion.choices:
            raise AgentFailure(f"{client.base_url} sent a reply without choices", 4)
        message = completion.choices[0].message
        finish = completion.choices[0].finish_reason or "stop"
        if not message.content and message.refusal:
            return {"text": message.refusal, "finish": "content_filter"}
        return {"text": message.content or "", "finish": finish}

    async def _complete(self, client: openai.AsyncOpenAI, wanted: dict[str, Any]) -> Any:
        """Ask, leaving out or renaming what this endpoint does not take."""
        while True:
            try:
                return await client.chat.completions.create(**adapted(wanted, self.unsupported))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                name = _refused(error, wanted, self.unsupported)
                if name is None:
                    raise
                self.unsupported.add(name)


class Wire:
    """What the kit is connected to; it finds the session of the question that is being answered."""

    session: ContextVar[Session] = ContextVar("session")

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call while others go on."""
        return await self.session.get().answer(op, body)

    def call_blocking(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call before anything else happens."""
        return self.session.get().answer_blocking(op, body)


def request(body: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the parameters of a chat completion for one "ask" of the kit."""
    wanted: dict[str, Any] = {
        "model": settings.model,
        "messages": body["messages"],
        "max_tokens": min(int(body.get("max_tokens", settings.max_tokens)), settings.max_tokens),
    }
    temperature = body.get("temperature", settings.temperature)
    if temperature is not None:
        wanted["temperature"] = temperature
    if body.get("schema"):
        schema = capped(body["schema"], settings.max_field_chars)
        shape = {"name": "reply", "schema": schema, "strict": True}
        wanted["response_format"] = {"type": "json_schema", "json_schema": shape}
    return wanted


def capped(schema: dict[str, Any], chars: int | None) -> dict[str, Any]:
    """Return a schema of the kit whose texts without a choice have a `maxLength`."""
    if chars is None:
        return schema
    shorter = dict(schema)
    if schema.get("type") == "string" and "enum" not in schema:
        shorter["maxLength"] = chars
    if "properties" in schema:
        parts = schema["properties"].items()
        shorter["properties"] = {name: capped(part, chars) for name, part in parts}
    if "items" in schema:
        shorter["items"] = capped(schema["items"], chars)
    return shorter


def adapted(wanted: dict[str, Any], unsupported: set[str]) -> dict[str, Any]:
    """Return the request without what the endpoint refuses; a cap of tokens has a second name."""
    sent = {name: value for name, value in wanted.items() if name not in unsupported}
    if "max_tokens" in unsupported:
        sent["max_completion_tokens"] = wanted["max_tokens"]
    return sent


def _refused(
    error: openai.APIStatusError, wanted: dict[str, Any], unsupported: set[str]
) -> str | None:
    optional = ("response_format", "max_tokens", "temperature")
    left = [name for name in optional if name in wanted and name not in unsupported]
    named = [name for name in left if error.param == name or name in str(error)]
    # Some endpoints do not say what they dislike; a schema is the likeliest, and can be spared.
    return next(iter(named or left[:1] * (left[:1] == ["response_format"])), None)


def _told(error: openai.APIError, model: str, url: str) -> AgentFailure:
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return AgentFailure(f"{url} refuses the key: check OPENAI_API_KEY")
    if isinstance(error, openai.NotFoundError):
        return AgentFailure(f"{url} knows no model {model!r}: name one with --model")
    if isinstance(error, openai.APIStatusError) and error.status_code in (400, 422):
        return AgentFailure(f"{url} refuses the request: {error.message}")
    return AgentFailure(f"{url} does not answer: {error.message}", 4)
