"""The frames between host and job, `u32 big-endian length | UTF-8 JSON object`.

A job's frames are a stranger's word: what comes out of `decode` is plain JSON of bounded size and
depth with finite numbers and clean strings; whatever else arrives is a `FrameError`, never another
exception.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from metasearch.types import Json

__all__ = [
    "MAX_DEPTH",
    "MAX_FROM_JOB",
    "MAX_TO_JOB",
    "FrameError",
    "clean",
    "decode",
    "encode",
    "framed",
    "read_frame",
]

MAX_FROM_JOB = 1 << 20  # bytes
MAX_TO_JOB = 4 << 20  # bytes
MAX_DEPTH = 64
MAX_VALUES = 100_000  # in one frame, so that looking through it stays below some 30 ms
MAX_INTEGER_DIGITS = 4_300  # the interpreter's own limit, which a variable can switch off

# NUL ends strings in databases and terminals, lone surrogates cannot be written as UTF-8, and
# bidirectional controls make text read otherwise than it is (Boucher & Anderson, arXiv:2111.00169).
_UNCLEAN = re.compile("[\x00\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MAY_BE_UNCLEAN = re.compile("\\\\u|[\x00\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class FrameError(ValueError):
    """What arrived is not a frame; the text says why in a few words."""


def encode(value: dict[str, Json]) -> bytes:
    """Return the body of a frame to a job.

    Raises:
        FrameError: it is larger than a job accepts.
    """
    body = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > MAX_TO_JOB:
        raise FrameError(f"{len(body)} bytes are more than the {MAX_TO_JOB} of a frame")
    return body


def framed(body: bytes) -> bytes:
    """Return the body behind its length, as it goes over a pipe."""
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader, most: int = MAX_FROM_JOB) -> bytes | None:
    """Return the body of the next frame; None at the end of the stream, also in mid-frame.

    Raises:
        FrameError: the frame says that it is larger than `most` bytes; nothing of it was read.
    """
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > most:
            raise FrameError(f"a frame of {size} bytes; the most is {most}")
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def decode(body: bytes, most: int = MAX_FROM_JOB) -> dict[str, Json]:
    """Return the JSON object of a frame's body.

    Raises:
        FrameError: too large, not UTF-8, not strict JSON, a key twice in one object, not an
        object, too deep or too many values.
    """
    if len(body) > most:
        raise FrameError(f"a frame of {len(body)} bytes; the most is {most}")
    try:
        text = body.decode()
        value = _STRICT.decode(text)
    except RecursionError:
        raise FrameError(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise FrameError(f"not JSON: {_short(error)}") from None
    if not isinstance(value, dict):
        raise FrameError("not a JSON object")
    checked: dict[str, Json] = _Walk(_MAY_BE_UNCLEAN.search(text) is not None).through(value, 1)
    return checked


def clean(text: str) -> str:
    """Replace NUL, lone surrogates and bidirectional controls by U+FFFD."""
    return _UNCLEAN.sub("\ufffd", text)


class _Walk:
    """Looks at every value of a frame once: depth, number, finiteness; cleans where needed."""

    def __init__(self, cleaning: bool) -> None:
        self._cleaning = cleaning
        self._left = MAX_VALUES

    def through(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise FrameError(f"more than {MAX_VALUES} values")
        if isinstance(value, str):
            return clean(value) if self._cleaning else value
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise FrameError(f"nested deeper than {MAX_DEPTH}")
            return self._inside(value, depth + 1)
        if isinstance(value, float) and value - value != 0.0:
            raise FrameError("a number is not finite")  # 1e999 is infinite without being a constant
        return value

    def _inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, list):
            return [self.through(each, depth) for each in value]
        return {self.through(key, depth): self.through(each, depth) for key, each in value.items()}


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # readers differ in which of the two they take
        raise ValueError("a key is there twice in one object")
    return found


_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer, object_pairs_hook=_object)


def _short(error: Exception) -> str:
    return clean(str(error))[:100]
