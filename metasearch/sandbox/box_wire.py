"""Bytes between the host and PID 1 of a container; the other end is `sandbox/image/runner/box.py`.

Frames in both directions: `u32 length | u8 kind | u32 job | payload`, big endian, at most 256 KiB
of payload. The engine wraps what comes out of a container once more, with eight bytes that say
whether it was written to the standard output or to the standard error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = [
    "END",
    "FROM_JOB",
    "JOB",
    "KILL",
    "MAX_PAYLOAD",
    "PIECE",
    "PING",
    "PONG",
    "READY",
    "TAKEN_BY_HOST",
    "TAKEN_BY_JOB",
    "TO_JOB",
    "VERSION",
    "WINDOW",
    "BoxFrame",
    "Unwrapper",
    "WireError",
    "count",
    "count_of",
    "frame",
    "start",
]

VERSION = 1
MAX_PAYLOAD = 1 << 18  # bytes
PIECE = 1 << 16  # bytes sent at once, so that a large reply to one job does not hold up the others
WINDOW = 1 << 18  # bytes of one job on their way in one direction before the receiver took some

# host to box
JOB, TO_JOB, KILL, TAKEN_BY_HOST, PING = 1, 2, 3, 4, 5
# box to host
READY, FROM_JOB, END, TAKEN_BY_JOB, PONG = 16, 17, 18, 19, 20

_HEADER = struct.Struct(">IBI")
_START = struct.Struct(">dII")
_COUNT = struct.Struct(">I")
_WRAPPER = struct.Struct(">BxxxI")
_STDOUT = 1
_KEPT_ERROR = 4_000  # bytes of the standard error, for diagnostics only


class WireError(Exception):
    """What came is not what PID 1 writes: the container cannot be trusted any more."""


class BoxFrame(NamedTuple):
    """One frame from PID 1."""

    kind: int
    job: int
    payload: bytes


def frame(kind: int, job: int = 0, payload: bytes = b"") -> bytes:
    """Return one frame for PID 1."""
    return _HEADER.pack(len(payload), kind, job) + payload


def start(job: int, wall_seconds: float, memory_mib: int, cpu_seconds: int) -> bytes:
    """Return the frame that makes a process for a job."""
    return frame(JOB, job, _START.pack(wall_seconds, memory_mib, cpu_seconds))


def count(kind: int, job: int, number: int) -> bytes:
    """Return a frame whose payload is one count."""
    return frame(kind, job, _COUNT.pack(number))


def count_of(payload: bytes) -> int:
    """Return the count in a payload.

    Raises:
        WireError: it is not one.
    """
    if len(payload) != _COUNT.size:
        raise WireError(f"a count of {len(payload)} bytes")
    number: int = _COUNT.unpack(payload)[0]
    return number


class Unwrapper:
    """Turns what an attached connection delivers into frames of PID 1.

    Attributes:
        errors: the last bytes of the container's standard error.
    """

    def __init__(self) -> None:
        self._wrapped = bytearray()
        self._plain = bytearray()
        self.errors = b""

    def feed(self, data: bytes) -> Iterator[BoxFrame]:
        """Yield the frames that are complete now.

        Raises:
            WireError: a length, a stream or a kind that PID 1 does not write.
        """
        self._wrapped += data
        self._unwrap()
        while len(self._plain) >= _HEADER.size:
            length, kind, job = _HEADER.unpack_from(self._plain)
            if length > MAX_PAYLOAD or not READY <= kind <= PONG:
                raise WireError(f"a frame of kind {kind} and {length} bytes")
            end = _HEADER.size + length
            if len(self._plain) < end:
                return
            payload = bytes(self._plain[_HEADER.size : end])
            del self._plain[:end]
            yield BoxFrame(kind, job, payload)

    def _unwrap(self) -> None:
        while len(self._wrapped) >= _WRAPPER.size:
            stream, length = _WRAPPER.unpack_from(self._wrapped)
            end = _WRAPPER.size + length
            if stream > 2 or length > 1 << 24:
                raise WireError(f"the engine's stream {stream} with {length} bytes")
            if len(self._wrapped) < end:
                return
            piece = self._wrapped[_WRAPPER.size : end]
            if stream == _STDOUT:
                self._plain += piece
            else:
                self.errors = (self.errors + bytes(piece))[-_KEPT_ERROR:]
            del self._wrapped[:end]
