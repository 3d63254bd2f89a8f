"""Column types that keep a value exactly, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from metasearch.types import Json

__all__ = [
    "PICODOLLARS",
    "JsonText",
    "SafeText",
    "UtcTime",
    "from_picodollars",
    "to_picodollars",
    "unsafe",
]

# Every list price per million tokens is a whole number of these for one token, so sums of money are
# exact and the same in any order and on any database. A float or a micro-dollar would drift.
PICODOLLARS = 10**12

# PostgreSQL refuses NUL, SQLite's functions cut at it, and no UTF-8 holds a lone surrogate; yet
# models write both. They are kept as this character (for private use, so absent from real text)
# and four hexadecimal digits.
_ESCAPE = "\U0010d7ff"
_UNSAFE = re.compile(f"[\x00\ud800-\udfff{_ESCAPE}]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def to_picodollars(dollars: float) -> int:
    """Return a sum of money as the archive keeps it."""
    return round(dollars * PICODOLLARS)


def from_picodollars(amount: Any) -> float:
    """Return dollars; None (the sum of no rows) is 0.0."""
    return int(amount or 0) / PICODOLLARS


def _escape(match: re.Match[str]) -> str:
    return f"{_ESCAPE}ffff" if match[0] == _ESCAPE else f"{_ESCAPE}{ord(match[0]):04x}"


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPE if match[1] == "ffff" else chr(int(match[1], 16))


def unsafe(stored: str) -> str:
    """Return the string that `SafeText` was given."""
    if stored.isascii() or _ESCAPE not in stored:
        return stored
    return _ESCAPED.sub(_unescape, stored)


# (The unused `dialect` below is SQLAlchemy's signature.)


class SafeText(TypeDecorator[str]):
    """Any Python string, NUL and lone surrogates included; ordinary text is stored as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Escape what a database cannot hold."""
        if value is None or (value.isascii() and "\x00" not in value):
            return value
        return _UNSAFE.sub(_escape, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Give the string back as it was."""
        return None if value is None else unsafe(value)


class JsonText(TypeDecorator[Json]):
    """Plain JSON as ASCII text: readable by any tool, and safe for NUL and surrogates.

    None is the JSON null; an SQL NULL is made by leaving the column out.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: Dialect) -> str:  # noqa: ARG002
        """Write it compactly."""
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Json:  # noqa: ARG002
        """Parse it."""
        return None if value is None else json.loads(value)


class UtcTime(TypeDecorator[datetime.datetime]):
    """A moment; what has no zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime.datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> datetime.datetime | None:
        """Turn it to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(datetime.UTC)

    def process_result_value(
        self,
        value: datetime.datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> datetime.datetime | None:
        """SQLite forgets the zone: it is UTC; a server may speak in another."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=datetime.UTC)
        return value.astimezone(datetime.UTC)
