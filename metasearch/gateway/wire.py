"""The chat-completions protocol as endpoints really speak it: requests out, replies in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from metasearch.gateway.settings import ModelSettings
from metasearch.types import Finish, Json, ModelRequest, Stream, Usage

__all__ = [
    "Completion",
    "Damaged",
    "Habits",
    "PromptBound",
    "estimate",
    "prompt_bound",
    "read_completion",
    "request_body",
]

CHARS_PER_TOKEN = 4  # of English text, for estimates where an endpoint sends no usage
MESSAGE_TOKENS = 16  # a chat template's own tokens around one message, generously
TEMPLATE_TOKENS = 64  # ... and around all of them, a default system prompt included
FINISHES = {"length": Finish.LENGTH, "max_tokens": Finish.LENGTH, "content_filter": Finish.FILTER}


@dataclass(slots=True)
class Habits:
    """What a model was found not to understand; learnt from its refusals, kept for the run.

    Attributes:
        dropped: members of the request's JSON to leave out; "max_tokens" stands for calling it
            max_completion_tokens.
        schema_worked: True once a schema was accepted: later refusals then concern one schema.
    """

    dropped: frozenset[str] = frozenset()
    schema_worked: bool = False

    def learn(self, without: frozenset[str], *, schema: bool) -> None:
        """Remember what a successful attempt left out, and whether it had a schema."""
        self.schema_worked = self.schema_worked or schema
        if self.schema_worked:
            without -= {"response_format"}
        self.dropped |= without


class Damaged(Exception):
    """A reply with status 200 that is none.

    Attributes:
        why: one line.
        page: True where it is a web page, as from a wrong address.
    """

    def __init__(self, why: str, *, page: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.page = page


class Completion(NamedTuple):
    """One reply; `estimated` says that the endpoint sent no usage and we counted characters."""

    text: str
    finish: Finish
    usage: Usage
    estimated: bool


def request_body(
    request: ModelRequest, stream: Stream, settings: ModelSettings, without: frozenset[str]
) -> dict[str, Json]:
    """Build the request's JSON.

    Args:
        request: what is asked.
        stream: gives the seed.
        settings: caps and the endpoint's name of the model.
        without: members that the endpoint does not understand, as in `Habits.dropped`.
    """
    cap = "max_completion_tokens" if "max_tokens" in without else "max_tokens"
    body: dict[str, Json] = {
        "model": settings.remote or settings.name,
        "messages": [{"role": role, "content": _clean(text)} for role, text in request.messages],
        cap: _cap(request, settings),
    }
    temperature = settings.temperature if request.temperature is None else request.temperature
    if temperature is not None and "temperature" not in without:
        body["temperature"] = temperature
    if "seed" not in without:
        body["seed"] = stream.seed()
    if request.schema is not None and "response_format" not in without:
        body["response_format"] = _response_format(request.schema, settings.max_field_chars)
    body.update(settings.extra_body)
    return body


class PromptBound(NamedTuple):
    """Tokens that a call may take at worst."""

    prompt: int
    completion: int


def prompt_bound(request: ModelRequest, settings: ModelSettings) -> PromptBound:
    """Return an upper bound of a call's tokens.

    Every token of a byte-level tokeniser stands for at least one byte, so the prompt has at most as
    many tokens as UTF-8 bytes; templates and the schema, which some endpoints count, are added.
    """
    size = TEMPLATE_TOKENS
    for role, content in request.messages:
        size += len(content.encode("utf-8", "surrogatepass")) + len(role) + MESSAGE_TOKENS
    if request.schema is not None:
        size += 2 * len(json.dumps(request.schema))
    return PromptBound(size, _cap(request, settings))


def read_completion(content: bytes, content_type: str, request: ModelRequest) -> Completion:
    """Read the body of a reply with status 200; an empty text is a reply like any other.

    Raises:
        Damaged: it is no completion.
    """
    try:
        body = json.loads(content)
    except ValueError:
        page = "html" in content_type or content[:64].lstrip().startswith((b"<!", b"<html"))
        raise Damaged("a web page" if page else "no whole JSON", page=page) from None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list):
        raise Damaged(f"JSON without choices{_told(body)}")
    if not choices or not isinstance(choices[0], dict):
        raise Damaged("an empty list of choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise Damaged("a choice without a message")
    text, finish = _text(message), FINISHES.get(str(choices[0].get("finish_reason")), Finish.STOP)
    if not text and isinstance(message.get("refusal"), str):
        text, finish = message["refusal"], Finish.FILTER
    usage = _usage(body.get("usage"))
    if usage is None:
        return Completion(text, finish, estimate(request, text), True)
    return Completion(text, finish, usage, False)


def estimate(request: ModelRequest, text: str) -> Usage:
    """Guess the tokens of a call from its characters."""
    asked = sum(len(message.content) for message in request.messages)
    return Usage(asked // CHARS_PER_TOKEN + 1, 0, len(text) // CHARS_PER_TOKEN + 1)


def _cap(request: ModelRequest, settings: ModelSettings) -> int:
    return max(1, min(request.max_tokens, settings.max_tokens))


def _clean(text: str) -> str:
    """Return text that UTF-8 can carry: a lone surrogate becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):  # some endpoints send the text in parts
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _usage(given: Json) -> Usage | None:
    if not isinstance(given, dict):
        return None
    prompt, completion = given.get("prompt_tokens"), given.get("completion_tokens")
    if not _is_count(prompt) or not _is_count(completion):
        return None
    details = given.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(prompt, min(cached, prompt) if _is_count(cached) else 0, completion)


def _is_count(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _told(body: Json) -> str:
    """Return the message of an error that came with status 200, as some proxies send it."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return f": {' '.join(message.split())[:200]}" if isinstance(message, str) else ""


def _response_format(schema: Json, max_field_chars: int | None) -> Json:
    if max_field_chars is not None:
        schema = _capped(schema, max_field_chars)
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": schema},
    }


def _capped(schema: Json, chars: int) -> Json:
    """Give every text without a choice or a cap of its own a `maxLength`."""
    if not isinstance(schema, dict):
        return schema
    capped = dict(schema)
    if schema.get("type") == "string" and not schema.keys() & {"enum", "const", "maxLength"}:
        capped["maxLength"] = chars
    if isinstance(schema.get("properties"), dict):
        capped["properties"] = {k: _capped(v, chars) for k, v in schema["properties"].items()}
    if "items" in schema:
        capped["items"] = _capped(schema["items"], chars)
    return capped
