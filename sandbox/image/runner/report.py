"""What a job says to the host about a design's values and errors."""

from __future__ import annotations

import gc
import json
import traceback
from types import TracebackType
from typing import Any

import agentkit

__all__ = ["FILE", "Unusable", "failure", "plain"]

FILE = "design.py"  # the design's name in its tracebacks
ERROR_CHARACTERS = 4_000
MAX_DEPTH = 60  # of a value; the host refuses frames deeper than 64


class Unusable(Exception):
    """A value is not plain JSON, or too large."""


def plain(value: Any, what: str, most_bytes: int) -> Any:
    """Return a value as plain JSON.

    Args:
        what: "the answer", for the message.

    Raises:
        Unusable: it is not plain JSON, too large or too deep.
    """
    if value is None or type(value) is bool:
        return value
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unusable(f"{what} is not plain JSON: {_said(error)}") from None
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise Unusable(f"{what} has {size} bytes; the most is {most_bytes}")
    found = json.loads(text)
    if _depth(found) > MAX_DEPTH:
        raise Unusable(f"{what} is nested deeper than {MAX_DEPTH}")
    return found


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [inner for each in level for inner in _inner(each)]
    return depth


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def failure(error: BaseException) -> dict[str, str]:
    """Return the kind and the text of whatever a design has raised."""
    if isinstance(error, Unusable):
        return {"kind": "wrong_format", "error": str(error)}
    kind = "crashed"
    if _out_of_memory(error):
        kind = "out_of_memory"
    elif isinstance(error, agentkit.ReplyError | agentkit.BudgetError):
        kind = str(error.kind)
    return {"kind": kind, "error": _told(error)}


def _out_of_memory(error: BaseException) -> bool:
    """Return whether there was no memory, not even for saying so: then Python loses the error."""
    lost = isinstance(error, SystemError) and str(error) == "error return without exception set"
    return lost or isinstance(error, MemoryError)


def _told(error: BaseException) -> str:
    """The last part of the traceback, without the runner's own lines."""
    trace = _below(error.__traceback__)
    if _out_of_memory(error):
        error.__traceback__ = trace = None  # lets go of what the frames hold
        gc.collect()
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except BaseException as another:  # a hostile __str__ may raise anything
        text = f"{type(error).__name__} (its text cannot be shown: {type(another).__name__})"
    return text[-ERROR_CHARACTERS:].strip()


def _below(trace: TracebackType | None) -> TracebackType | None:
    """Skip frames until the design's own file."""
    at = trace
    while at is not None and at.tb_frame.f_code.co_filename != FILE:
        at = at.tb_next
    return at


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
