"""A container's standard input and output as an asynchronous pair of read and write.

Where the engine is reached by a plain socket (Unix, TCP), the event loop watches it. What docker-py
gives for TLS, ssh and Windows' named pipes can only block, so threads wait for it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

__all__ = ["Attached", "attached"]

_READ_BYTES = 1 << 18
_BUFFER_BYTES = 1 << 20  # waiting to be written before `drain` waits


class Attached(Protocol):
    """The two directions of an attached container."""

    async def read(self) -> bytes:
        """Return what has come, b"" at the end; never raises for a broken connection."""
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes; what is written after the end is lost."""
        ...

    async def drain(self) -> None:
        """Return when there is room for more."""
        ...

    async def close(self) -> None:
        """Close both directions: the container's standard input ends, and PID 1 with it."""
        ...


async def attached(raw: Any) -> Attached:
    """Take over what `attach_socket` of docker-py returned, before the container has started."""
    inner = getattr(raw, "_sock", raw)
    if isinstance(inner, socket.socket) and not isinstance(inner, ssl.SSLSocket):
        # A descriptor of our own: the one of the HTTP response is closed with the response.
        own = socket.socket(inner.family, inner.type, inner.proto, os.dup(inner.fileno()))
        _forget(raw)
        own.setblocking(False)
        unix = own.family == getattr(socket, "AF_UNIX", None)
        connect = asyncio.open_unix_connection if unix else asyncio.open_connection
        reader, writer = await connect(sock=own, limit=_READ_BYTES)
        writer.transport.set_write_buffer_limits(_BUFFER_BYTES)
        return _Watched(reader, writer)
    return _Threaded(raw)


class _Watched:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._late: list[bytes] = []  # goes out at the next turn of the event loop, as one piece

    async def read(self) -> bytes:
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        if not self._late:
            asyncio.get_running_loop().call_soon(self._flush)
        self._late.append(data)

    def _flush(self) -> None:
        # Each piece on its own wakes the engine, its shim and PID 1.
        data = b"".join(self._late)
        self._late.clear()
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        with suppress(OSError):
            await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


class _Threaded:
    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._socket = getattr(raw, "_sock", raw)  # or what behaves as one
        self._socket.settimeout(None)
        self._threads = ThreadPoolExecutor(2, "metasearch-attached")  # one reads, one writes
        self._waiting = bytearray()
        self._writing: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        try:
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(self._threads, self._socket.recv, _READ_BYTES)
            return bytes(data or b"")
        except (OSError, ValueError, RuntimeError):  # the last two: closed meanwhile
            return b""

    def write(self, data: bytes) -> None:
        self._waiting += data
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._waiting:
            data = bytes(self._waiting)
            self._waiting.clear()
            with suppress(OSError, ValueError):
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, self._socket.sendall, data)

    async def drain(self) -> None:
        if self._writing is not None and len(self._waiting) > _BUFFER_BYTES:
            await asyncio.shield(self._writing)

    async def close(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
        # Wakes the thread that waits in a read, which closing alone does not.
        with suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)
        _forget(self._raw)
        self._threads.shutdown(wait=False)


def _forget(raw: Any) -> None:
    """Close what docker-py opened, the HTTP response around it included."""
    response = getattr(raw, "_response", None)
    if response is not None:
        response.close()
    raw.close()
