"""What a design returned, made into text before any scorer looks at it."""

from __future__ import annotations

import json
import math

from metasearch.domains.questions import folded
from metasearch.types import Json, Outcome, Score

__all__ = ["MAX_CHARS", "blank", "printed", "read", "unreadable"]

MAX_CHARS = 2_000
"""Longer answers are dumps, not answers; the cap also bounds every scorer's time."""

_MAX_INT_BITS = 8_000  # about 2,400 digits; str() refuses from 4,300 on
_WHOLE_FLOAT_LIMIT = 1e16  # beyond it a float's digits are not all its own
_UNANSWERED = ("", "n/a")


def printed(answer: Json) -> str:
    """Return the one text form of a JSON value: 18 and 18.0 are "18", True is "true".

    Lists and objects become JSON with sorted keys. What has no text form (a number that is not
    finite or has thousands of digits, nesting without end) becomes "".
    """
    if answer is None:
        return ""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, bool):
        return "true" if answer else "false"
    if isinstance(answer, int):
        return str(answer) if answer.bit_length() <= _MAX_INT_BITS else ""
    if isinstance(answer, float):
        return _printed_float(answer)
    try:
        return json.dumps(answer, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def read(answer: Json, *, gold: Json = None, limit: int = MAX_CHARS) -> str | Score:
    """Return the answer as stripped text, or the verdict that ends the matter.

    Args:
        answer: what the design returned.
        gold: the right answer; "N/A" counts as an answer only where it is the right one.
        limit: longest text that is read; a longer gold raises it to twice its length.
    """
    text = printed(answer).strip()
    if not text and answer is not None and not isinstance(answer, str):
        return unreadable(f"a {type(answer).__name__} that has no text form")
    right = printed(gold)
    if len(text) > max(limit, 2 * len(right)):
        return unreadable(f"{len(text)} characters long")
    if folded(text) in _UNANSWERED and folded(text) != folded(right):
        return blank()
    return text


def blank() -> Score:
    """Return the verdict on no answer."""
    return Score(0.0, Outcome.BLANK, "no answer")


def unreadable(why: str) -> Score:
    """Return the verdict on an answer that cannot be parsed."""
    return Score(0.0, Outcome.WRONG_FORMAT, why)


def _printed_float(number: float) -> str:
    if not math.isfinite(number):
        return ""
    whole = number.is_integer() and abs(number) < _WHOLE_FLOAT_LIMIT
    return str(int(number)) if whole else repr(number)
