from __future__ import annotations

import asyncio
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasearch.sandbox.frames import (
    MAX_DEPTH,
    MAX_FROM_JOB,
    FrameError,
    clean,
    decode,
    encode,
    framed,
    read_frame,
)
from metasearch.types import Json

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.text("abc"), plain, max_size=4))
def test_plain_json_passes_unchanged(value: dict[str, Json]) -> None:
    try:
        body = encode(value)
    except ValueError:  # an infinity
        return
    got = decode(body)
    wanted = json.dumps(value, sort_keys=True, ensure_ascii=False)
    assert json.dumps(got, sort_keys=True, ensure_ascii=False) == clean(wanted)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"nonsense", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "not finite"),
        (b'{"a": -1e999}', "not finite"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not JSON"),
        (b'{"a": -1' + b"0" * 4300 + b"}", "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b'{"a": "\x00"}', "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": [{"b": 1, "\\u0062": 2}]}', "twice"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "deeper"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "deeper"),
        (b'{"a": ' + b"[" * 200_000, "deeper"),
        (b'{"a": [' + b"0," * 150_000 + b"0]}", "values"),
        (b'{"a": "' + b"x" * MAX_FROM_JOB + b'"}', "bytes"),
        (b'{"a": 1} extra', "not JSON"),
        (b"{'a': 1}", "not JSON"),
    ],
    ids=range(22),
)
def test_everything_else_is_a_frame_error(body: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        decode(body)


def test_a_huge_integer_is_refused_without_the_interpreters_own_limit() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        with pytest.raises(FrameError, match="digits"):
            decode(b'{"a": 1' + b"0" * 500_000 + b"}")
        assert decode(b'{"a": -' + b"9" * 4300 + b"}") == {"a": 1 - 10**4300}
    finally:
        sys.set_int_max_str_digits(before)


def test_only_plain_types_come_out() -> None:
    found: set[type] = set()
    waiting: list[object] = [
        decode(b'{"a": [1, -0.5, "x", true, false, null, {"b": []}], "\\ud800": "\\ud800"}')
    ]
    while waiting:
        one = waiting.pop()
        found.add(type(one))
        waiting += [*one, *one.values()] if isinstance(one, dict) else []
        waiting += one if isinstance(one, list) else []
    assert found == {dict, list, str, int, float, bool, type(None)}


def test_depth_up_to_the_limit() -> None:
    inner = MAX_DEPTH - 1
    assert decode(b'{"a": ' + b"[" * inner + b"]" * inner + b"}")["a"] is not None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\udfff\ud800", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"a\u0000b", "a\ufffdb"),
        (r"\u202eevil", "\ufffdevil"),
        ("\u2066x\u2069", "\ufffdx\ufffd"),
        ("\u200fx", "\ufffdx"),
        ("tab\\tnewline\\n", "tab\tnewline\n"),
    ],
)
def test_strings_and_keys_are_cleaned(text: str, wanted: str) -> None:
    got = decode(f'{{"{text}": ["{text}"]}}'.encode())
    assert got == {wanted: [wanted]}
    json.dumps(got, ensure_ascii=False).encode()


def test_a_frame_too_large_for_a_job_is_not_sent() -> None:
    with pytest.raises(FrameError, match="bytes"):
        encode({"a": "x" * (4 << 20)})


async def _read(data: bytes) -> list[bytes | None]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    found: list[bytes | None] = []
    while not found or found[-1] is not None:
        found.append(await read_frame(reader))
    return found


async def test_frames_are_cut_from_a_stream() -> None:
    data = framed(b"one") + framed(b"") + framed(b"three")
    assert await _read(data) == [b"one", b"", b"three", None]
    assert await _read(data[:-1]) == [b"one", b"", None]
    assert await _read(b"\0\0") == [None]
    with pytest.raises(FrameError, match="4294967295"):
        await _read(b"\xff\xff\xff\xff1234")
