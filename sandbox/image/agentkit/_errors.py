"""What can go wrong in the kit; every error is the design's own to handle."""

from __future__ import annotations

__all__ = ["AgentError", "BudgetError", "ReplyError", "error_of"]


class AgentError(Exception):
    """A call failed; `.kind` says how in one word."""

    def __init__(self, message: str, kind: str = "bad_request") -> None:
        super().__init__(message)
        self.kind = kind


class ReplyError(AgentError):
    """The model's reply is of no use; `.text` is what came.

    `.kind` is "wrong_format", "blank", "truncated" or "refused".
    """

    def __init__(self, message: str, kind: str = "wrong_format", text: str = "") -> None:
        super().__init__(message, kind)
        self.text = text


class BudgetError(AgentError):
    """This task's cap of calls or tokens is reached: answer with what there is."""

    def __init__(self, message: str, kind: str = "over_budget") -> None:
        super().__init__(message, kind)


def error_of(kind: str, message: str) -> AgentError:
    """Return the exception for an error that the host has sent."""
    if kind == "over_budget":
        return BudgetError(message)
    if kind in ("wrong_format", "blank", "truncated", "refused"):
        return ReplyError(message, kind)
    return AgentError(message, kind)
