"""The host's side of a container, without an engine: which frames it sends, and when."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from metasearch.sandbox import box_wire
from metasearch.sandbox.attach import attached
from metasearch.sandbox.base import Job, Limits
from metasearch.sandbox.container import Container, Engine, Settings
from metasearch.types import Json

TOGETHER = 30
LIMITS = Limits(active_seconds=10.0, wall_seconds=30.0)


class _Pipe:
    """An attached container that only takes notes, and says what it is told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._coming: asyncio.Queue[bytes] = asyncio.Queue()

    def say(self, kind: int, job: int, payload: bytes) -> None:
        data = box_wire.frame(kind, job, payload)
        self._coming.put_nowait(box_wire._WRAPPER.pack(1, len(data)) + data)

    async def read(self) -> bytes:
        return await self._coming.get()

    def write(self, data: bytes) -> None:
        _, kind, job = box_wire._HEADER.unpack_from(data)
        if kind == box_wire.JOB:
            self.begun.append(job)

    async def drain(self) -> None:
        """There is always room."""

    async def close(self) -> None:
        self._coming.put_nowait(b"")


async def _no_answer(body: dict[str, Json]) -> dict[str, Json]:
    del body
    await asyncio.Event().wait()
    raise AssertionError


async def test_jobs_begin_one_after_the_other_and_a_silent_one_holds_up_nobody_for_long() -> None:
    pipe = _Pipe()
    box = Container(cast(Engine, None), "none", pipe, Settings("image", {}))
    running = [
        asyncio.ensure_future(box.run("", Job({}, limits=LIMITS), _no_answer))
        for _ in range(TOGETHER)
    ]
    await asyncio.sleep(0.02)
    first = len(pipe.begun)
    assert 1 < first < TOGETHER / 2
    pipe.say(box_wire.FROM_JOB, pipe.begun[0], b"\x00\x00")  # the beginning of a frame will do
    await asyncio.sleep(0.02)
    assert len(pipe.begun) == first + 1
    running[0].cancel()  # it has said its first word: nobody else gets its place again
    running[1].cancel()  # it has not
    running[-1].cancel()  # nor does one that waits keep a place
    await asyncio.sleep(0.02)
    assert len(pipe.begun) == first + 2
    await asyncio.sleep(0.4)
    assert len(pipe.begun) == TOGETHER - 1
    await pipe.close()
    await box._listening
    await asyncio.gather(*running, *box._endings, return_exceptions=True)


async def test_what_is_written_in_one_turn_of_the_loop_goes_out_as_one_piece() -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    pipe = await attached(ours)
    ours.close()
    pipe.write(b"one ")
    pipe.write(b"two")
    await asyncio.sleep(0.01)
    assert theirs.recv(100) == b"one two"
    pipe.write(b"three")
    await asyncio.sleep(0.01)
    assert theirs.recv(100) == b"three"
    await pipe.close()
    pipe.write(b"lost")
    await asyncio.sleep(0.01)
    assert theirs.recv(100) == b""
    theirs.close()
