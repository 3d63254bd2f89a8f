from __future__ import annotations

import ast
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasearch.assets import asset
from metasearch.sandbox import box_wire

FRAMES = [
    (box_wire.READY, 0, b"{}"),
    (box_wire.FROM_JOB, 7, b"x" * 70_000),
    (box_wire.PONG, 0, b""),
]


def wrapped(data: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


@given(st.lists(st.integers(1, 5000), max_size=30))
def test_frames_come_out_however_the_bytes_are_cut(cuts: list[int]) -> None:
    plain = b"".join(box_wire.frame(*each) for each in FRAMES)
    stream, rest = b"", plain
    for cut in cuts:  # the engine's own frames, with the container's complaints between them
        stream += wrapped(rest[:cut]) + wrapped(b"warning\n", 2)
        rest = rest[cut:]
    stream += wrapped(rest)
    unwrapper = box_wire.Unwrapper()
    found = []
    for start in range(0, len(stream), 997):
        found += unwrapper.feed(stream[start : start + 997])
    assert [tuple(each) for each in found] == FRAMES
    assert len(unwrapper.errors) == min(4000, 8 * len(cuts))


@pytest.mark.parametrize(
    "data",
    [
        wrapped(struct.pack(">IBI", box_wire.MAX_PAYLOAD + 1, box_wire.FROM_JOB, 1)),
        wrapped(box_wire.frame(box_wire.JOB, 1)),  # a kind that only the host sends
        wrapped(b"Traceback (most recent call last)"),
        b"HTTP/1.1 500 Internal Server Error",
        struct.pack(">BxxxI", 1, 1 << 30),
    ],
)
def test_what_pid_1_does_not_write_ends_the_container(data: bytes) -> None:
    with pytest.raises(box_wire.WireError):
        list(box_wire.Unwrapper().feed(data))


@given(st.binary(max_size=300))
def test_random_bytes_are_frames_or_a_wire_error(data: bytes) -> None:
    unwrapper = box_wire.Unwrapper()
    try:
        frames = list(unwrapper.feed(data))
    except box_wire.WireError:
        return
    assert all(len(each.payload) <= box_wire.MAX_PAYLOAD for each in frames)


def test_both_ends_agree_on_every_number() -> None:
    source = (asset("sandbox") / "image" / "runner" / "box.py").read_text("utf-8")
    theirs = dict(_constants(ast.parse(source)))
    names = [name for name in box_wire.__all__ if name.isupper()]
    assert {name: theirs[name] for name in names} == {
        name: getattr(box_wire, name) for name in names
    }
    formats = [theirs["HEADER"], theirs["START"], theirs["COUNT"]]
    assert formats == [box_wire._HEADER.format, box_wire._START.format, box_wire._COUNT.format]


def _constants(module: ast.Module) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for node in module.body:
        if not isinstance(node, ast.Assign):
            continue
        target, value = node.targets[0], node.value
        if isinstance(value, ast.Call):  # struct.Struct("...")
            value = value.args[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        if any(name.id.startswith("_") for name in names):
            continue  # its own affair, and not always a plain number
        number = eval(compile(ast.Expression(value), "box", "eval"), {"__builtins__": {}})
        values = number if isinstance(target, ast.Tuple) else [number]
        found += [(name.id, each) for name, each in zip(names, values, strict=True)]
    return found
