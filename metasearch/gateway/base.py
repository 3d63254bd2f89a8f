"""What a gateway is: the only door to a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from metasearch.errors import ConfigError, GatewayUnavailable
from metasearch.types import ModelReply, ModelRequest, Owner, Stream, Usage

__all__ = [
    "Caps",
    "Gateway",
    "NotRecorded",
    "PromptTooLong",
    "Record",
    "RecordMode",
    "RequestRefused",
    "Spent",
]


class EndpointDown(GatewayUnavailable):
    """The endpoint does not answer now and may later."""


class RequestRefused(ConfigError):
    """The endpoint refuses this one request (a 400), whoever made it; others may go through.

    It counts against the design that asked, never as infrastructure.
    """


class PromptTooLong(RequestRefused):
    """The prompt does not fit in the model's context."""


class RecordMode(StrEnum):
    """What the record is used for."""

    NORMAL = "normal"  # read, and written
    RECORD_ONLY = "record-only"  # written, never read: every call is made anew
    REPLAY_ONLY = "replay-only"  # read, no call is ever made
    OFF = "off"  # as record-only, but no later call is answered with what is written


class NotRecorded(ConfigError):
    """A replay met a call that the record does not hold."""


class Record(Protocol):
    """Where replies are kept. The archive is one; the gateway does not know which."""

    def find(self, key: str) -> ModelReply | None:
        """Return the recorded reply (with `recorded=True`), or None."""
        ...

    async def keep(
        self, key: str, request: ModelRequest, stream: Stream, reply: ModelReply, owner: Owner
    ) -> str:
        """Write a reply durably; returns once it is committed, many are committed together.

        Args:
            key: the call's address. With a tilde and more after it the reply is in the books, but
                is never found.

        Returns:
            The key under which it is: another than `key` where a reply was there already.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits of one search; None means no limit of that kind.

    Attributes:
        dollars: never exceeded, calls in flight included (their worst case is reserved).
        tokens: prompt and completion tokens together.
        calls: model calls really made.
    """

    dollars: float | None = None
    tokens: int | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been really paid; replies from the record cost nothing."""

    dollars: float = 0.0
    usage: Usage = Usage()
    calls: int = 0


class Gateway(Protocol):
    """Meters, limits, records and makes every model call."""

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        """Answer a request from the record, else from the endpoint.

        Raises:
            BudgetExhausted: the worst case of this call does not fit under a cap.
            GatewayUnavailable: no answer will come; `EndpointDown` where one may come later.
            RequestRefused: the endpoint refuses this request (`PromptTooLong` is one kind).
            ConfigError: key, URL or model is wrong, so that no request can be answered.
        """
        ...

    async def check(self) -> None:
        """Find a wrong key, URL or model before anything is spent on them.

        Raises:
            ConfigError, GatewayUnavailable: as `ask`, with what to mend.
        """
        ...

    def spent(self, owner: Owner | None = None) -> Spent:
        """Return what this search has paid so far, for one owner or in all."""
        ...

    async def close(self) -> None:
        """Close the one long-lived client; safe to call twice."""
        ...
