"""`frame_fuzz`: random and mutated frames for all that the host decodes; only the named errors.

A round makes a short stream of frames from a seed and gives it to one of three readers: the strict
decoder, the conversation of one job, and a whole container whose PID 1 lies.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import box_wire
from metasearch.sandbox.base import CallRefused, Job, JobResult, Limits
from metasearch.sandbox.box_check import check
from metasearch.sandbox.container import Container, Settings
from metasearch.sandbox.conversation import LinkClosed, converse
from metasearch.sandbox.frames import MAX_DEPTH, MAX_FROM_JOB, FrameError, clean, decode, framed
from metasearch.types import Json, Outcome

SEED = 20_260
FULL, QUICK = 1_000_000, 50_000
SLOWEST_SECONDS = 2.0  # of processor time for one round, with at most some MiB of JSON in it
# In the last nine tenths of a run. Large frames make the allocator's own share swing by some 5 MB;
# what is kept by mistake shows in the number of live blocks.
GROWTH_MB, GROWTH_BLOCKS = 16.0, 5_000
HANG_SECONDS = 120  # for one round that waits

Reader = Callable[[random.Random], Coroutine[Any, Any, int]]

LIMITS = Limits(active_seconds=30.0, wall_seconds=30.0)
HONEST: tuple[dict[str, Json], ...] = (
    {"type": "ready"},
    {"type": "call", "id": 1, "op": "ask", "body": {"agent": "a", "messages": [{"role": "user"}]}},
    {"type": "call", "id": 2, "op": "run_code", "body": {"code": "1 + 1", "seconds": 2.5}},
    {"type": "result", "status": "answered", "answer": [1, 2.5, "ü", None], "stdout": "p"},
    {"type": "result", "status": "raised", "kind": "crashed", "error": "line 3", "stdout": ""},
)
BODIES = tuple(json.dumps(one, ensure_ascii=False).encode() for one in HONEST)
END: dict[str, Json] = {
    "how": "ended", "signal": 9, "code": 0, "cpu_seconds": 0.25, "memory_kib": 9000,
    "out_of_memory": True,
}  # fmt: skip
AWKWARD = (
    *(b"NaN", b"Infinity", b"1e999", b"-1", b"1e-999", b"9" * 4000, b"1" + b"0" * 4400, b"null"),
    *(b"true", b"[]", b"{}", b'""', b'"x"', b'"\\ud800\\u0000"', b"1.5", b"[[1]]", b'{"a":{}}'),
    b"[" * 5000,
    b"[" * 60 + b"]" * 60,
)
PIECES = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\x00", b"\xff", b"\xed\xa0\x80", b" "),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"1e-999", b"9" * 400, b"1" + b"0" * 4400, b"null"),
    *(b"\\ud800", b"\\u0000", b"\\u202e", b"\\uD83D\\uDE00", b"\xe2\x80\xae", b"\xef\xbb\xbf"),
    *(b'"type":', b'"id":', b'"op":', b'"call"', b'"result"', b'"answered"', b'"body":{', b"[[[["),
    *(b"true", b"[" * 70, b'{"a":' * 70, b"0," * 50),
)  # fmt: skip
LARGE: tuple[Callable[[random.Random], bytes], ...] = (
    lambda rng: b'{"a":' + b"[" * rng.randrange(200_000),
    lambda rng: b'{"a":' + b"[" * (n := rng.randrange(200)) + b"]" * n + b"}",
    lambda rng: b'{"a":[' + b"0," * rng.randrange(150_000) + b"0]}",
    lambda rng: b'{"a":' + b"7" * rng.randrange(500_000) + b"}",
    lambda rng: b'{"a":"' + b"\\ud800" * rng.randrange(100_000) + b'"}',
    lambda rng: b'{"a":"' + b"x" * (MAX_FROM_JOB + rng.randrange(-40, 40)) + b'"}',
    lambda rng: b"{" + b",".join(b'"%d":0' % n for n in range(rng.randrange(50_000))) + b"}",
)


def figure(quick: bool) -> dict[str, Json]:
    """Frames that were decoded or refused as they should be; the bound is all of them."""
    frames = QUICK if quick else FULL
    faulthandler.dump_traceback_later(3600, exit=True)  # where it hangs without waiting
    found = asyncio.run(fuzzed(frames, SEED))
    faulthandler.cancel_dump_traceback_later()
    return {
        "value": found["frames"],
        "bound": frames,
        "unit": "frames",
        "holds": found["frames"] >= frames
        and found["slowest_seconds"] <= SLOWEST_SECONDS
        and found["growth_mb"] <= GROWTH_MB
        and found["growth_blocks"] <= GROWTH_BLOCKS,
        **{key: value for key, value in found.items() if key != "frames"},
    }


async def fuzzed(frames: int, seed: int) -> dict[str, Any]:
    """Feed that many frames to all readers.

    Returns:
        frames given, the slowest round in seconds of processor time, and by how many megabytes and
        live blocks of memory this process has grown after the first tenth.

    Raises:
        Exception: whatever gets through that should not; the seed of its round is in a note.
    """
    readers: Sequence[Reader] = (decoding, decoding, decoding, decoding, conversing, containing)
    given = number = 0
    slowest, settled, blocks = 0.0, 0.0, 0
    while given < frames:
        rng = random.Random(seed * 1_000_003 + number)
        start = time.process_time()
        try:
            async with asyncio.timeout(HANG_SECONDS):
                given += await readers[number % len(readers)](rng)
        except Exception as error:
            error.add_note(f"round {number} of the seed {seed}")
            raise
        slowest = max(slowest, time.process_time() - start)
        number += 1
        if not settled and given * 10 >= frames:
            settled, blocks = resident(), sys.getallocatedblocks()
        if number % 20_000 == 0:
            print(f"{given} frames, {resident():.1f} MB", file=sys.stderr)
    grown = resident() - settled
    return {
        "frames": given,
        "rounds": number,
        "slowest_seconds": round(slowest, 3),
        "growth_mb": round(grown, 2),
        "growth_blocks": sys.getallocatedblocks() - blocks,
    }


def resident() -> float:
    """Return the megabytes of this process; 0.0 where there is no /proc."""
    gc.collect()
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


# making frames


def body(rng: random.Random) -> bytes:
    """Return a job's frame: honest, mutated, random, or large."""
    draw = rng.random()
    if draw < 0.05:
        return rng.choice(BODIES)
    if draw < 0.0505:
        return rng.choice(LARGE)(rng)
    if draw < 0.15:
        return rng.randbytes(rng.randrange(60))
    if draw < 0.4:
        return twisted(rng, rng.choice(HONEST))
    return mutated(rng, rng.choice(BODIES))


def twisted(rng: random.Random, honest: dict[str, Json]) -> bytes:
    """Return an honest object, one of its values replaced by one that is awkward."""
    fields = {name: json.dumps(value).encode() for name, value in honest.items()}
    fields[rng.choice(list(fields))] = rng.choice(AWKWARD)
    inside = (json.dumps(name).encode() + b":" + value for name, value in fields.items())
    return b"{" + b",".join(inside) + b"}"


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return the bytes with some cut out, doubled, flipped, or replaced by what is awkward."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            del out[at : at + rng.randrange(8)]
        elif kind == 1:
            out[at:at] = out[at : at + rng.randrange(40)]
        elif kind == 2 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        else:
            out[at : at + rng.randrange(3)] = rng.choice(PIECES)
    return bytes(out)


# the strict decoder


async def decoding(rng: random.Random) -> int:
    """Decode some bodies; what passes must be plain, bounded, clean and writable."""
    for _ in range(10):
        try:
            value = decode(body(rng))
        except FrameError as error:
            if len(str(error)) > 300:
                raise AssertionError("the error quotes too much of the frame") from error
            continue
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
        assert clean(text) == text
        assert depth(value) <= MAX_DEPTH
    return 10


def depth(value: Json) -> int:
    """Return how deep the containers of a value are nested; anything not plain fails."""
    level: list[Json] = [value]
    deepest = 0
    while level:
        inner: list[Json] = []
        for each in level:
            assert type(each) in (dict, list, str, int, float, bool, type(None))
            if isinstance(each, dict):
                assert all(type(key) is str for key in each)
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        deepest += any(isinstance(each, dict | list) for each in level)
        level = inner
    return deepest


# the conversation of one job


class Said:
    """A `Link` whose job has said everything already."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies

    async def send(self, body: bytes) -> None:
        """Take what the host says."""
        json.loads(body)

    async def receive(self) -> bytes:
        """Say the next."""
        await asyncio.sleep(0)  # calls get their turn
        if not self._bodies:
            raise LinkClosed
        return self._bodies.pop(0)


async def model(body: dict[str, Json]) -> dict[str, Json]:
    """Answer, or refuse as a host does."""
    if "messages" not in body:
        raise CallRefused("bad_request", "no messages")
    return {"text": "ok", "finish": "stop"}


async def nested(code: str, limits: Limits) -> JobResult:
    """Run nothing."""
    assert limits.active_seconds > 0
    return JobResult(Outcome.ANSWERED, {"value": len(code), "stdout": "", "error": ""})


def sound(result: JobResult) -> None:
    """Look whether a result is what `JobResult` promises."""
    text = json.dumps([result.answer, result.error, result.stdout], allow_nan=False)
    assert clean(json.loads(text)[1]) == result.error
    assert len(result.error) <= 4_000
    assert len(result.stdout) <= LIMITS.output_bytes
    assert (result.answer is None) or result.outcome is Outcome.ANSWERED


async def conversing(rng: random.Random) -> int:
    """Have one whole conversation with a job that says anything."""
    bodies = [body(rng) for _ in range(rng.randrange(1, 6))]
    bodies = [one for one in bodies if len(one) <= MAX_FROM_JOB]  # a link hands on no larger one
    count = len(bodies)
    sound(await converse(Said(bodies), "source", Job({}, 0, LIMITS), model, nested))
    return count


# a container whose PID 1 lies


class Lying:
    """An `Attached` that delivers a stream in uneven pieces."""

    def __init__(self, stream: bytes, rng: random.Random) -> None:
        self._stream, self._rng = stream, rng

    async def read(self) -> bytes:
        """Return some more."""
        await asyncio.sleep(0)
        size = self._rng.choice((1, 7, 300, 70_000))
        piece, self._stream = self._stream[:size], self._stream[size:]
        return piece

    def write(self, data: bytes) -> None:
        """Take what the host says."""

    async def drain(self) -> None:
        """There is room."""

    async def close(self) -> None:
        """Nothing to close."""


async def containing(rng: random.Random) -> int:
    """Give a container three jobs and a stream of box frames; every job has to come to an end."""
    count = rng.randrange(4, 16)
    stream = b"".join(wrapped(rng, box(rng)) for _ in range(count))
    if rng.random() < 0.3:
        stream = mutated(rng, stream)
    settings = Settings("image", {}, jobs=3, nested=1)
    one = Container(cast(Any, None), "name", cast(Any, Lying(stream, rng)), settings)
    attempts = await asyncio.gather(*(one.run("source", Job({}, 0, LIMITS), model) for _ in "abc"))
    for attempt in attempts:
        sound(attempt.result)
    await one._listening
    assert one.lost
    if one._ready.done() and one._ready.exception() is None:
        try:
            check(one._ready.result(), settings.asked(10_000))
        except SandboxUnavailable:
            return count
        raise AssertionError("a made-up READY was taken for true")
    return count


def box(rng: random.Random) -> bytes:
    """Return one frame as PID 1 would send it, or nearly."""
    kind, job = rng.choice((16, *[17] * 20, *[18] * 6, 19, 19, 20, 21)), rng.randrange(1, 5)
    payload = {
        16: lambda: body(rng),
        17: lambda: rng.choice((framed, bytes))(body(rng)[: box_wire.MAX_PAYLOAD // 2]),
        18: lambda: rng.choice((twisted(rng, END), mutated(rng, json.dumps(END).encode()))),
        19: lambda: rng.randbytes(rng.choice((4, 4, 4, rng.randrange(9)))),
    }.get(kind, lambda: b"")()
    whole = box_wire.frame(kind, job, payload)
    return mutated(rng, whole) if rng.random() < 0.02 else whole


def wrapped(rng: random.Random, data: bytes) -> bytes:
    """Return what the engine makes of it."""
    stream = rng.choice((1, 1, 1, 1, 1, 1, 1, 2))
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data
