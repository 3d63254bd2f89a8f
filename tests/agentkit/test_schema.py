from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st


def read(text: str, **fields: Any) -> dict[str, Any]:
    from agentkit import _schema

    return _schema.read(text, fields)


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": "42"}',
        '  {"answer": "42"}  ',
        '```json\n{"answer": "42"}\n```',
        'My plan {simple}: here.\n{"answer": "42"} Done.',
        'First {"other": 1}, then {"answer": "42"}',
        '{"answer": "42", "confidence": 0.9}',
    ],
)
def test_the_object_is_found_where_it_stands(text: str) -> None:
    assert read(text, answer=str) == {"answer": "42"}


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        ('"42"', int, 42),
        ("42.0", int, 42),
        ('"-7"', int, -7),
        ('" 3.5 "', float, 3.5),
        ("3", float, 3.0),
        ('"true"', bool, True),
        ('"No"', bool, False),
        ("42", str, "42"),
        ("true", str, "true"),
        ('"b)"', ("A", "B"), "B"),
        ('" (B) "', ("A", "B"), "B"),
        ('["1", 2]', list[int], [1, 2]),
        ("[]", list[str], []),
        ('["a"]', list, ["a"]),
        ("12345678901234567890123", int, 12345678901234567890123),
    ],
)
def test_exact_values_are_taken(value: str, kind: Any, wanted: Any) -> None:
    got = read(f'{{"x": {value}}}', x=kind)["x"]
    assert got == wanted
    assert type(got) is type(wanted)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("42.5", int),
        ('"forty"', int),
        ("true", int),
        ("null", str),
        ('{"a": 1}', str),
        ('"nan"', float),
        ("1e999", float),
        ("NaN", float),
        ("1" + "0" * 400, float),
        ("1", bool),
        ('"maybe"', bool),
        ('"C"', ("A", "B")),
        ('"AB"', ("A", "B")),
        ('""', ("A", "B")),
        ('"x"', list[str]),
        ('["x", null]', list[str]),
    ],
)
def test_inexact_values_are_not(value: str, kind: Any) -> None:
    from agentkit._schema import Mismatch

    with pytest.raises(Mismatch):
        read(f'{{"x": {value}}}', x=kind)


def test_the_problem_names_the_key() -> None:
    from agentkit._schema import Mismatch

    with pytest.raises(Mismatch, match='"answer" is missing'):
        read('{"thinking": "x"}', thinking=str, answer=str)
    with pytest.raises(Mismatch, match='"answer" must be one of "A", "B"'):
        read('{"answer": "C"}', answer=("A", "B"))


def test_an_unknown_type_of_field_is_the_designs_error() -> None:
    from agentkit import _schema

    with pytest.raises(TypeError, match="'answer'"):
        _schema.schema({"answer": dict})


def test_the_schema_is_strict_and_ordered() -> None:
    from agentkit import _schema

    schema = _schema.schema({"b": str, "a": list[float], "c": ("x", "y")})
    assert schema == {
        "type": "object",
        "properties": {
            "b": {"type": "string"},
            "a": {"type": "array", "items": {"type": "number"}},
            "c": {"type": "string", "enum": ["x", "y"]},
        },
        "required": ["b", "a", "c"],
        "additionalProperties": False,
    }
    assert list(schema["properties"]) == ["b", "a", "c"]


@given(st.text(alphabet='{}[]",:\\ \n`ajson1', max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    from agentkit._schema import Mismatch

    with contextlib.suppress(Mismatch):
        assert set(read(text, a=str)) == {"a"}


@given(st.dictionaries(st.sampled_from("abc"), st.text(), min_size=3), st.text(max_size=20))
def test_what_json_says_is_what_comes_out(values: dict[str, str], before: str) -> None:
    fields = dict.fromkeys(values, str)
    assert read(json.dumps(values), **fields) == values
    if "{" not in before and "`" not in before:
        assert read(f"{before} {json.dumps(values)}", **fields) == values


def test_a_long_text_without_an_object_is_refused_quickly() -> None:
    from agentkit._schema import Mismatch

    with pytest.raises(Mismatch):
        read("{" * 200_000, a=str)
