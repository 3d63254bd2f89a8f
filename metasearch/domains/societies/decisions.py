"""What a member may reply: typed, so that a reply is either what was asked for or invalid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from metasearch.types import Json

__all__ = [
    "Choice",
    "Decision",
    "Fields",
    "Flag",
    "Invalid",
    "OneOf",
    "Real",
    "Text",
    "Whole",
]


class Invalid(ValueError):
    """A reply is not what was asked for; the message is one line for the log."""


class Decision(Protocol):
    """A kind of reply."""

    def read(self, value: Json) -> Json:
        """Return the reply as the rules use it.

        Raises:
            Invalid: it is no such reply. Nothing is guessed: "ten" is not 10.
        """
        ...

    def told(self) -> Json:
        """Say to a member what may be replied, as plain JSON with a "type"."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in [low, high]."""

    low: int
    high: int

    def read(self, value: Json) -> int:
        """Return the number; 7.0 is one, True and "7" are not."""
        number = _number(value)
        if number != int(number) or not self.low <= number <= self.high:
            raise Invalid(f"{_short(value)} is no whole number from {self.low} to {self.high}")
        return int(number)

    def told(self) -> Json:
        """Say it."""
        return {"type": "int", "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Real:
    """A number in [low, high], rounded to multiples of `step` above `low` where one is given."""

    low: float
    high: float
    step: float | None = None

    def read(self, value: Json) -> float:
        """Return the number."""
        number = _number(value)
        if not self.low <= number <= self.high:
            raise Invalid(f"{_short(value)} is no number from {self.low:g} to {self.high:g}")
        if self.step is None:
            return float(number)
        steps = round((number - self.low) / self.step)
        return min(self.high, round(self.low + steps * self.step, 12))

    def told(self) -> Json:
        """Say it."""
        step = {} if self.step is None else {"step": self.step}
        return {"type": "float", "low": self.low, "high": self.high, **step}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some texts or whole numbers."""

    options: tuple[str | int, ...]

    def read(self, value: Json) -> str | int:
        """Return the option."""
        for option in self.options:
            if type(value) is type(option) and value == option:
                return option
        raise Invalid(f"{_short(value)} is none of {', '.join(map(str, self.options))}")

    def told(self) -> Json:
        """Say it."""
        return {"type": "choice", "options": list(self.options)}


@dataclass(frozen=True, slots=True)
class Text:
    """A text; what is beyond `most` characters is cut off."""

    most: int

    def read(self, value: Json) -> str:
        """Return the text, cut."""
        if not isinstance(value, str):
            raise Invalid(f"{_short(value)} is no text")
        return value[: self.most]

    def told(self) -> Json:
        """Say it."""
        return {"type": "str", "most": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or False."""

    def read(self, value: Json) -> bool:
        """Return the flag; 1 is none."""
        if not isinstance(value, bool):
            raise Invalid(f"{_short(value)} is neither true nor false")
        return value

    def told(self) -> Json:
        """Say it."""
        return {"type": "bool"}


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with these fields; further ones are left out, missing ones are invalid."""

    fields: Mapping[str, Decision]

    def read(self, value: Json) -> dict[str, Json]:
        """Return the object."""
        if not isinstance(value, dict):
            raise Invalid(f"{_short(value)} has no fields {', '.join(self.fields)}")
        missing = [name for name in self.fields if name not in value]
        if missing:
            raise Invalid(f"the field {missing[0]!r} is missing")
        return {name: kind.read(value[name]) for name, kind in self.fields.items()}

    def told(self) -> Json:
        """Say it."""
        return {"type": "object", "fields": {name: one.told() for name, one in self.fields.items()}}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The first of these that the reply is."""

    decisions: tuple[Decision, ...]

    def read(self, value: Json) -> Json:
        """Return the reply as the first decision that can read it does."""
        reasons = []
        for decision in self.decisions:
            try:
                return decision.read(value)
            except Invalid as reason:
                reasons.append(str(reason))
        raise Invalid("; ".join(reasons))

    def told(self) -> Json:
        """Say it."""
        return {"type": "one of", "kinds": [one.told() for one in self.decisions]}


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"{_short(value)} is no number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{value} is no number")
    return value


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
