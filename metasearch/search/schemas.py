"""Which JSON schemas a design may ask for: those that the kit makes of `fields`, and no other.

An endpoint does much with a schema: it follows references, compiles patterns, counts up to limits;
the one on this machine does so in C++ and outside of every sandbox.
"""

from __future__ import annotations

from typing import Any

from metasearch.types import Json

__all__ = ["is_of_kit"]

_SCALARS = ("string", "integer", "number", "boolean")
_MOST_DEPTH = 8  # of lists in lists


def is_of_kit(schema: Json) -> bool:
    """Say whether a schema is an object of texts, numbers, truths, choices and lists of these."""
    if not isinstance(schema, dict):
        return False
    fields = schema.get("properties")
    if not isinstance(fields, dict) or not all(_is_field(each, 0) for each in fields.values()):
        return False
    around = {"type": "object", "required": list(fields), "additionalProperties": False}
    return bool({**around, "properties": fields} == schema)


def _is_field(field: Any, depth: int) -> bool:
    if not isinstance(field, dict) or depth > _MOST_DEPTH:
        return False
    kind = field.get("type")
    if kind == "array":
        return field.keys() == {"type", "items"} and _is_field(field["items"], depth + 1)
    choices = field.get("enum")
    if kind == "string" and isinstance(choices, list) and choices:
        return field.keys() == {"type", "enum"} and all(isinstance(each, str) for each in choices)
    return kind in _SCALARS and field.keys() == {"type"}
