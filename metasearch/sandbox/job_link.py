"""The host's end of one job's pipe inside a container: whole frames over the one stream.

Neither side sends more than a window of bytes that the other has not taken, so that a job which
does not read, or a host that does not want more calls, holds up itself and no other job.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from metasearch.sandbox import box_wire
from metasearch.sandbox.conversation import LinkClosed
from metasearch.sandbox.frames import MAX_FROM_JOB, FrameError, framed
from metasearch.types import Outcome

__all__ = ["Ending", "JobLink"]

_MOST_UNREAD = 4 << 20  # bytes: PID 1 keeps to the window, so more is no longer PID 1


@dataclass(frozen=True, slots=True)
class Ending:
    """What PID 1 says about a process that is no more.

    Attributes:
        how: "ended" by itself, "closed" its pipe, "deadline", "killed" at the host's word, or
            "refused" because there was no room for it.
        signal: 0 when it ended of itself.
        out_of_memory: the kernel ended a process of this container for its memory.
    """

    how: str
    signal: int = 0
    code: int = 0
    cpu_seconds: float = 0.0
    memory_kib: int = 0
    out_of_memory: bool = False

    @classmethod
    def parse(cls, payload: bytes) -> Ending:
        """Read the payload of an END frame.

        Raises:
            WireError: it is not one.
        """
        try:
            fields = json.loads(payload)
            return cls(
                str(fields["how"]),
                int(fields["signal"]),
                int(fields["code"]),
                float(fields["cpu_seconds"]),
                int(fields["memory_kib"]),
                bool(fields["out_of_memory"]),
            )
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            raise box_wire.WireError(f"an END of {payload[:80]!r}") from error

    def closed(self, cpu_cap: int) -> LinkClosed:
        """Return the end as a conversation understands it."""
        if self.how == "refused":
            return LinkClosed(Outcome.INFRASTRUCTURE, "the container had no room for the job")
        if self.how == "closed":
            return LinkClosed(Outcome.CRASHED, "it closed its pipe to the host")
        if self.how == "deadline" or self.signal == signal.SIGXCPU:
            return LinkClosed(Outcome.TIMED_OUT, "over its processor or wall-clock time")
        if self.signal == signal.SIGKILL and self.cpu_seconds >= cpu_cap:
            return LinkClosed(Outcome.TIMED_OUT, f"over {cpu_cap} s of processor time")
        if self.out_of_memory:
            return LinkClosed(Outcome.OUT_OF_MEMORY, "the kernel ended it: out of memory")
        if self.signal:
            return LinkClosed(Outcome.CRASHED, f"its process died of {_name(self.signal)}")
        return LinkClosed(Outcome.CRASHED)


class JobLink:
    """Satisfies `conversation.Link`.

    Args:
        write: queues bytes for the container.
        drain: returns when the queue has room.
        cpu_cap: processor seconds that the job's process was given.

    Attributes:
        ending: what PID 1 said, None while the process lives.
        gone: set once the process is no more, or the container is lost.
    """

    def __init__(
        self,
        number: int,
        write: Callable[[bytes], None],
        drain: Callable[[], Awaitable[None]],
        cpu_cap: int,
    ) -> None:
        self.number = number
        self.ending: Ending | None = None
        self.gone = asyncio.Event()
        self._write, self._drain, self._cpu_cap = write, drain, cpu_cap
        self._closed: LinkClosed | None = None
        self._unread = bytearray()
        self._untold = 0  # bytes looked at here that PID 1 has not been told of
        self._on_way = 0
        self._sending = asyncio.Lock()
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    async def send(self, body: bytes) -> None:
        """Hand over one frame, piece by piece as the job takes it; see `Link`."""
        data = memoryview(framed(body))
        async with self._sending:
            while data:
                while self._on_way > box_wire.WINDOW - box_wire.PIECE and self._closed is None:
                    self._room.clear()
                    await self._room.wait()
                if self._closed is not None:
                    raise self._closed
                piece, data = data[: box_wire.PIECE], data[box_wire.PIECE :]
                self._on_way += len(piece)
                self._write(box_wire.frame(box_wire.TO_JOB, self.number, bytes(piece)))
                await self._drain()

    async def receive(self) -> bytes:
        """Return the next frame's body; see `Link`."""
        while True:
            size = int.from_bytes(self._unread[:4], "big") if len(self._unread) >= 4 else 0
            if size > MAX_FROM_JOB:
                raise FrameError(f"a frame of {size} bytes; the most is {MAX_FROM_JOB}")
            if 4 <= len(self._unread) >= 4 + size:
                body = bytes(self._unread[4 : 4 + size])
                del self._unread[: 4 + size]
                return body
            if self._closed is not None:
                raise self._closed
            self._tell_taken()
            self._news.clear()
            await self._news.wait()

    # the container's side

    def feed(self, payload: bytes) -> None:
        """Take bytes that the job has written.

        Raises:
            WireError: more than the window allows.
        """
        self._unread += payload
        self._untold += len(payload)
        if len(self._unread) > _MOST_UNREAD:
            raise box_wire.WireError("more bytes of a job than were asked for")
        self._news.set()

    def taken(self, number: int) -> None:
        """The job has taken so many bytes."""
        self._on_way -= number
        self._room.set()

    def end(self, ending: Ending) -> None:
        """The job's process is no more."""
        self.ending = ending
        self.close(ending.closed(self._cpu_cap))

    def close(self, why: LinkClosed) -> None:
        """No byte will come any more."""
        self._closed = self._closed or why
        self.gone.set()
        self._news.set()
        self._room.set()

    def _tell_taken(self) -> None:
        if self._untold >= box_wire.WINDOW // 4:
            self._write(box_wire.count(box_wire.TAKEN_BY_HOST, self.number, self._untold))
            self._untold = 0


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
