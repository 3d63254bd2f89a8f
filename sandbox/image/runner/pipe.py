"""The pipe to the host, and the calls that wait on it.

A frame is `u32 big-endian length | UTF-8 JSON object`.

Works with blocking reads and `poll` alone, so the same code runs on Linux and on WebAssembly (WASI
preview 1), where `poll` on the standard input keeps its time-out. One thread only.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import select
import threading
from collections import deque
from typing import Any, NoReturn

from agentkit._errors import AgentError, error_of

__all__ = ["MAX_SENT", "Pipe"]

MAX_SENT = 1 << 20  # bytes of one frame to the host; it ends the job at more
_CHUNK = 1 << 16


class Pipe:
    """The job's end of the pipe; also the transport of the kit.

    Args:
        read_fd, write_fd: may be the same descriptor (a socket pair).
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._poll = select.poll()
        self._poll.register(read_fd, select.POLLIN)
        self._buffer = bytearray()
        self._futures: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._replies: dict[int, dict[str, Any]] = {}  # of calls that block
        self._queue: deque[tuple[int, bytes]] = deque()
        self._open = 0
        self._next_id = 0
        self._asked: set[int] = set()
        self._heard = 0  # replies to those; the host tells by it which calls were made at once
        self._thread = threading.get_ident()
        self.most_open = 16  # calls on their way at once; the host stops reading at more

    # frames

    def send(self, value: dict[str, Any]) -> None:
        """Write one frame."""
        self._write(_body(value))

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Read one frame; None when none came within `timeout` seconds.

        The process ends when the host is gone.
        """
        while (frame := self._cut()) is None:
            if timeout is not None and not self._poll.poll(max(0, math.ceil(timeout * 1000))):
                return None
            chunk = os.read(self._read_fd, _CHUNK)
            if not chunk:
                leave()
            self._buffer += chunk
        return frame

    def _cut(self) -> dict[str, Any] | None:
        if len(self._buffer) < 4:
            return None
        end = 4 + int.from_bytes(self._buffer[:4], "big")
        if len(self._buffer) < end:
            return None
        frame: dict[str, Any] = json.loads(self._buffer[4:end])
        del self._buffer[:end]
        return frame

    def _write(self, body: bytes) -> None:
        data = memoryview(len(body).to_bytes(4, "big") + body)
        while data:
            data = data[os.write(self._write_fd, data) :]

    # calls

    async def call(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a call; the loop goes on until its reply is there."""
        number, data = self._new_call(op, body)
        future = asyncio.get_running_loop().create_future()
        self._futures[number] = future
        self._post(number, data)
        try:
            return _value(await future)
        finally:
            self._futures.pop(number, None)

    def call_blocking(self, op: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a call and read frames until its reply is there; other replies are handed on."""
        number, data = self._new_call(op, body)
        self._replies[number] = {}
        self._post(number, data)
        while not self._replies[number]:
            frame = self.receive()
            if frame is not None:
                self.dispatch(frame)
        return _value(self._replies.pop(number))

    def waiting(self) -> bool:
        """True while a reply is still to come."""
        return self._open > 0

    def dispatch(self, frame: dict[str, Any]) -> None:
        """Give a reply to the call that waits for it."""
        number = frame["id"]
        self._open -= 1
        if number in self._asked:
            self._asked.remove(number)
            self._heard += 1
        if number in self._replies:
            self._replies[number] = frame
        else:
            future = self._futures.get(number)  # None: its task was cancelled
            if future is not None and not future.done():
                future.set_result(frame)
        while self._queue and self._open < self.most_open:
            waiting, data = self._queue.popleft()
            if waiting in self._futures or waiting in self._replies:  # else its task was cancelled
                self._post(waiting, data)

    def _new_call(self, op: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if threading.get_ident() != self._thread:
            raise AgentError(
                "the kit can be used in the main thread only; use gather instead of threads"
            )
        self._next_id += 1
        if op == "ask":
            self._asked.add(self._next_id)
            body = {**body, "heard": self._heard}
        data = _body({"type": "call", "id": self._next_id, "op": op, "body": body})
        if len(data) > MAX_SENT:
            raise AgentError(f"a call of {len(data)} bytes is too large; the most is {MAX_SENT}")
        return self._next_id, data

    def _post(self, number: int, data: bytes) -> None:
        if self._open >= self.most_open:
            self._queue.append((number, data))
            return
        self._open += 1
        self._write(data)


def leave() -> NoReturn:
    """End the process at once: nothing of the design runs any more, no exit handler either."""
    try:
        os.nice(19)  # giving back its memory takes a millisecond; others have answers to give
    finally:  # a member may not, WebAssembly cannot, and a design may have broken it
        os._exit(0)


def _body(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which is not text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _value(frame: dict[str, Any]) -> dict[str, Any]:
    error = frame.get("error")
    if error:
        raise error_of(str(error.get("kind")), str(error.get("message")))
    value: dict[str, Any] = frame.get("value") or {}
    return value
