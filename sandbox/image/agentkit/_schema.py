"""Fields of a reply: what is asked for, and the reading of what came.

A field's type is `str`, `int`, `float`, `bool`, `list[...]` of one of these, or a sequence of
strings: one of these.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

__all__ = ["FieldType", "Mismatch", "instruction", "read", "schema"]

FieldType = Any
_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)```", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d{1,400}")
_MOST_STARTS = 50  # places where an object may begin in a long text, so that reading stays linear
_EDGE = " \t\r\n.,:;()[]\"'`*"


class Mismatch(ValueError):
    """The reply is not what was asked for; the text can be shown to the model."""


def schema(fields: Mapping[str, FieldType]) -> dict[str, Any]:
    """Return the JSON schema of an object with exactly these fields.

    Raises:
        TypeError: a field's type is none of those above.
    """
    return {
        "type": "object",
        "properties": {name: _schema_of(name, kind) for name, kind in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }


def instruction(fields: Mapping[str, FieldType]) -> str:
    """Return the sentence that asks for these fields, for endpoints that know no schema."""
    keys = ", ".join(f'"{name}" ({_spoken(kind)})' for name, kind in fields.items())
    return f"Reply with only one JSON object with the keys: {keys}."


def read(text: str, fields: Mapping[str, FieldType]) -> dict[str, Any]:
    """Return the fields found in a reply, in the order asked for; unasked keys are left out.

    The object may stand in a fenced block or between other words. Numbers given as text are taken
    when exact.

    Raises:
        Mismatch: there is no such object, a key is missing or a value has the wrong type.
    """
    problem = Mismatch("there is no JSON object in it")
    for value in _objects(text):
        try:
            return {name: _field(value, name, kind) for name, kind in fields.items()}
        except Mismatch as error:
            problem = error
    raise problem


def _field(value: dict[str, Any], name: str, kind: FieldType) -> Any:
    if name not in value:
        raise Mismatch(f'the key "{name}" is missing')
    try:
        return _coerced(value[name], kind)
    except (ValueError, OverflowError):
        raise Mismatch(f'"{name}" must be {_spoken(kind)}') from None


def _objects(text: str) -> list[dict[str, Any]]:
    """Every JSON object to be found: the whole text, else fenced blocks, else anywhere."""
    for candidate in (text.strip(), *_FENCE.findall(text)):
        try:
            value = json.loads(candidate, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return [value]
    return _scattered(text)


def _scattered(text: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    found: list[dict[str, Any]] = []
    at = text.find("{")
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _schema_of(name: str, kind: FieldType) -> dict[str, Any]:
    if isinstance(kind, type) and kind in _NAMES:
        return {"type": _NAMES[kind]}
    if _is_list(kind):
        return {"type": "array", "items": _schema_of(name, _item(kind))}
    if isinstance(kind, list | tuple) and kind and all(isinstance(each, str) for each in kind):
        return {"type": "string", "enum": list(kind)}
    raise TypeError(
        f"field {name!r}: a type is str, int, float, bool, list[...] or a tuple of allowed strings,"
        f" not {kind!r}"
    )


def _is_list(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return kind is list or origin is list


def _item(kind: FieldType) -> FieldType:
    return (get_args(kind) or (str,))[0]


def _spoken(kind: FieldType) -> str:
    if isinstance(kind, type) and kind in _NAMES:
        return {"integer": "an integer", "number": "a number", "boolean": "true or false"}.get(
            _NAMES[kind], "a string"
        )
    if _is_list(kind):
        return f"a list, each {_spoken(_item(kind))}"
    return "one of " + ", ".join(json.dumps(each, ensure_ascii=False) for each in kind)


def _coerced(value: Any, kind: FieldType) -> Any:
    if kind is str:
        return _text(value)
    if kind is bool:
        return _truth(value)
    if kind is int:
        return _whole(value)
    if kind is float:
        return _real(value)
    if _is_list(kind):
        if not isinstance(value, list):
            raise ValueError
        return [_coerced(each, _item(kind)) for each in value]
    return _choice(value, kind)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value, allow_nan=False)
    raise ValueError


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "yes": True, "no": False}[_word(value)]


def _word(value: Any) -> str:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in ("true", "false", "yes", "no"):
        raise ValueError
    return word


def _whole(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    number = _real(value)
    if isinstance(value, int):
        return value
    if number != int(number):
        raise ValueError
    return int(number)


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _choice(value: Any, allowed: Any) -> str:
    given = _text(value)
    if given in allowed:
        return given
    word = given.strip(_EDGE).casefold()
    near = [each for each in allowed if each.strip(_EDGE).casefold() == word]
    if len(near) != 1:
        raise ValueError
    return str(near[0])
