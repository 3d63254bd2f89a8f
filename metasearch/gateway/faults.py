"""What a failed attempt means: try again, ask differently, or tell the user.

Everything that an endpoint says is a stranger's text: it is cut to one line, and the key is struck
out of it, before a person sees it.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import openai

from metasearch.errors import ConfigError, GatewayUnavailable, MetasearchError
from metasearch.gateway.base import PromptTooLong, RequestRefused
from metasearch.gateway.settings import ModelSettings
from metasearch.gateway.wire import Damaged
from metasearch.types import Json

__all__ = ["Fatal", "Filtered", "Retry", "Unsupported", "Verdict", "judge"]

MESSAGE_CHARS = 200
TOO_LONG = re.compile(
    r"context.?(length|size|window)|maximum (context|prompt|input)|too many tokens"
    r"|(prompt|input|request|message)s? (is|are|was)? ?too (long|large)"
    r"|exceeds? .{0,40}(context|token)",
    re.IGNORECASE,
)
FILTERED = re.compile(r"content.?(filter|policy|management)|flagged|moderation|safety", re.I)
PARTS = ("response_format", "max_tokens", "temperature", "seed")  # what may be dropped or renamed
SCHEMA_WORDS = re.compile(r"response.?format|json.?schema|structured|grammar|guided", re.I)


@dataclass(frozen=True, slots=True)
class Retry:
    """The same may work later.

    Attributes:
        why: one line.
        busy: the endpoint asks for less (429, 503, no answer in time).
        retry_after: seconds it asks for, if it does.
        billed: it did the work, so it has most likely billed; the answer is lost.
        page: the answer is a web page.
        tries: equal failures after which, if other calls get answers meanwhile, the
            request itself is to blame; 0 is never.
    """

    why: str
    busy: bool = False
    retry_after: float | None = None
    billed: bool = False
    page: bool = False
    tries: int = 6


@dataclass(frozen=True, slots=True)
class Unsupported:
    """One member of the request's JSON is not understood; `part` is "" when none is named."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Filtered:
    """The endpoint's own filter took the prompt: a reply of its kind, not an error."""

    why: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """Trying again cannot help; `vanished`: unless the model was there before."""

    error: MetasearchError
    vanished: bool = False


Verdict: TypeAlias = Retry | Unsupported | Filtered | Fatal


def judge(error: Exception, settings: ModelSettings, body: Mapping[str, Json], key: str) -> Verdict:
    """Say what a failed attempt means.

    Args:
        error: what the client, the clock or the reading of the reply raised.
        settings: for messages.
        body: the request's JSON as it was sent.
        key: struck out of messages.

    Raises:
        Exception: `error` itself, where it is none of the endpoint's or the request's doing.
    """
    if isinstance(error, Damaged):
        return Retry(f"answers with {error.why}", billed=not error.page, page=error.page)
    if isinstance(error, openai.APITimeoutError) and (refusal := _refusal(error)):
        return Retry(f"cannot be reached: {_line(refusal, key)}")
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        why = f"does not answer within {settings.timeout:g} s"
        return Retry(why, busy=True, billed=True, tries=4)
    if isinstance(error, openai.APIStatusError):
        return _judge_status(error, settings, body, key)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        told = _line(str(cause) or type(cause).__name__, key)
        if "payload is not completed" in told:  # aiohttp's words for a body that ends too early
            return Retry("breaks off in mid-answer", billed=True)
        return Retry(f"cannot be reached: {told}")
    if isinstance(error, OSError):
        return Retry(f"cannot be reached: {_line(str(error), key)}")
    if isinstance(error, ValueError | TypeError):
        return Fatal(
            RequestRefused(f"this request cannot be sent as JSON: {_line(str(error), key)}")
        )
    raise error


def _refusal(error: BaseException) -> str:
    """Return why there is no connection at all, "" where there may be one.

    The aiohttp transport reports a refused connection and an unknown host as time-outs, too.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and not isinstance(link, TimeoutError):
            return str(link)
        link = link.__cause__ or link.__context__
    return ""


def _judge_status(
    error: openai.APIStatusError, settings: ModelSettings, body: Mapping[str, Json], key: str
) -> Verdict:
    status, told = error.status_code, _line(_message(error), key)
    code = f"{error.code or ''} {error.type or ''}".lower()
    where = f"{settings.base_url} answers {status}"
    if status == 401 or (status == 403 and not FILTERED.search(told + code)):
        name = settings.key_env or "no key at all"
        return Fatal(
            ConfigError(f"{where} to the key in {name}: {told}; set {name} to a valid key")
        )
    if status == 402 or "insufficient_quota" in code:
        return Fatal(GatewayUnavailable(f"{where}: {told}; top the account up, then resume"))
    if status == 404 or status == 405:
        return Fatal(_not_found(error, settings, told), vanished=True)
    if status in (408, 409, 425, 429) or status >= 500:
        busy = status in (408, 429, 503, 529)
        tries = 0 if busy else 6
        after = _retry_after(error)
        return Retry(f"answers {status}: {told}", busy=busy, retry_after=after, tries=tries)
    if status == 413 or "context_length" in code or "exceed_context" in code:
        return Fatal(PromptTooLong(f"{settings.name}: {told}"))
    if FILTERED.search(code) or (status == 403 and FILTERED.search(told)):
        return Filtered(told)
    part = _unsupported(error, told, body)
    if part:
        return Unsupported(part, told)
    if TOO_LONG.search(told):
        return Fatal(PromptTooLong(f"{settings.name}: {told}"))
    if FILTERED.search(told):
        return Filtered(told)
    if "response_format" in body:
        return Unsupported("", f"{where}: {told}")
    return Fatal(RequestRefused(f"{where} to this request: {told}"))


def _not_found(error: openai.APIStatusError, settings: ModelSettings, told: str) -> ConfigError:
    name = settings.remote or settings.name
    if "json" not in error.response.headers.get("content-type", ""):
        hint = "" if settings.base_url.rstrip("/").endswith("/v1") else "; is /v1 missing?"
        return ConfigError(
            f"nothing answers at {settings.base_url}/chat/completions ({error.status_code}){hint}"
        )
    return ConfigError(f"{settings.base_url} knows no model {name!r}: {told}")


def _unsupported(error: openai.APIStatusError, told: str, body: Mapping[str, Json]) -> str:
    """Return the member of the request that the endpoint complains of, "" if none is named."""
    named = f"{error.param or ''} {told}"
    if "response_format" in body and SCHEMA_WORDS.search(named):
        return "response_format"
    for part in PARTS:
        if part in body and re.search(rf"\b{part}\b", named):
            return part
    return ""


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        inner = body.get("message") or body.get("detail") or body.get("error")
        return inner if isinstance(inner, str) else str(inner or body)
    if isinstance(body, str) and "<" not in body[:32]:
        return body
    return "a page that is not JSON"


def _line(text: str, key: str) -> str:
    """Return a stranger's text as one short line without the key and without control characters."""
    if key and key != "none":
        text = text.replace(key, "[key]")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= MESSAGE_CHARS else text[: MESSAGE_CHARS - 1] + "…"


def _retry_after(error: openai.APIStatusError) -> float | None:
    headers = error.response.headers
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            date = email.utils.parsedate_to_datetime(value) if "," in value else None
            seconds = (date - datetime.now(UTC)).total_seconds() if date else -1.0
        if 0 <= seconds < 86_400:
            return seconds
    return None
