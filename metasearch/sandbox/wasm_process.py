"""One interpreter: a child process, and the host's end of the pipe to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from pathlib import Path
from typing import Any

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.conversation import LinkClosed
from metasearch.sandbox.frames import MAX_FROM_JOB, FrameError, decode, framed
from metasearch.sandbox.wasm_child import EXIT_LATE, EXIT_SETUP, EXIT_TRAP
from metasearch.sandbox.wasm_image import WasmImage, child_environment
from metasearch.types import Outcome

__all__ = ["Interpreter"]

START_SECONDS = 60.0  # until the ready frame; 0.07 s on an idle machine
_CHILD = Path(__file__).with_name("wasm_child.py")
_ENOUGH_FRAMES = 64  # unread, or ...
_ENOUGH_BYTES = 2 * MAX_FROM_JOB  # ... so many bytes: then the pipe is left to fill up
_DIAGNOSIS_BYTES = 2_000
# Signals that a guest could bring about by breaking the runtime; a plain kill comes from outside.
_FAULTS = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP")


class Interpreter(asyncio.SubprocessProtocol):
    """A `Link` to one job in a process of its own; serves one job and ends."""

    def __init__(self, alive: set[Interpreter]) -> None:
        self._alive = alive
        self._transport: asyncio.SubprocessTransport | None = None
        self._buffer = bytearray()
        self._frames: deque[bytes] = deque()
        self._unread = 0  # bytes in them
        self._cut_off = 0  # frames so far
        self._paused = False
        self._fault: FrameError | None = None
        self._said = bytearray()  # by the child itself: the guest has no standard error
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._gone = asyncio.Event()
        self._ended_by_host = ""

    @classmethod
    async def start(
        cls, image: WasmImage, memory_bytes: int, seconds: float, *, alive: set[Interpreter]
    ) -> Interpreter:
        """Start a child and wait until its interpreter has done its imports.

        Args:
            memory_bytes: cap of the guest's memory, the interpreter's own 16 MiB included.
            seconds: cap of its processor time.
            alive: holds the interpreter from here until its process is gone.

        Raises:
            SandboxUnavailable: it does not start; with what the child said.
        """
        arguments = [image.site, image.code, image.memory, memory_bytes, seconds, os.getpid()]
        _, self = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(alive),
            sys.executable,
            *("-I", "-S", str(_CHILD), *map(str, arguments)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(),
            **_detached(),
        )
        alive.add(self)
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = decode(await self.receive()).get("type") == "ready"
            if ready:
                return self
        except (LinkClosed, FrameError, TimeoutError) as error:
            problem = str(error) or type(error).__name__
        except BaseException:  # a cancelled start must not leave a process behind
            self.end("cancelled")
            raise
        else:
            problem = "it did not say that it is ready"
        self.end("did not start")
        raise SandboxUnavailable(f"the WebAssembly interpreter does not start: {problem}")

    @property
    def alive(self) -> bool:
        """True until the process has ended."""
        return not self._gone.is_set() and not self._ended_by_host

    @property
    def was_silent(self) -> bool:
        """True when all it sent is that it is ready, and the host has not ended it."""
        return self._cut_off <= 1 and not self._ended_by_host

    async def send(self, body: bytes) -> None:
        """Write one frame; waits while the pipe is full."""
        await self._room.wait()
        if self._transport is None or self._gone.is_set():
            raise self._why()
        pipe: Any = self._transport.get_pipe_transport(0)
        if pipe is None or pipe.is_closing():
            await self._gone.wait()
            raise self._why()
        pipe.write(framed(body))

    async def receive(self) -> bytes:
        """Return the next frame's body."""
        while not self._frames:
            if self._fault is not None:
                raise self._fault
            if self._gone.is_set():
                raise self._why()
            self._news.clear()
            await self._news.wait()
        body = self._frames.popleft()
        self._unread -= len(body)
        if self._paused:
            self._reading(True)
            self._cut()
        return body

    def end(self, reason: str) -> None:
        """Kill the process, if it still runs, and close the pipe; returns at once."""
        self._ended_by_host = self._ended_by_host or reason
        if self._transport is not None and not self._gone.is_set():
            _kill(self._transport)
        self._room.set()
        self._news.set()

    async def gone(self) -> None:
        """Wait until the process has ended and its pipes are closed."""
        await self._gone.wait()

    # asyncio.SubprocessProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The child has been started."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take what the child has written."""
        if fd == 1:
            self._buffer += data
            self._cut()
        elif len(self._said) < _DIAGNOSIS_BYTES:
            self._said += data

    def connection_lost(self, exc: Exception | None) -> None:
        """The process has ended and all that it wrote has been taken."""
        del exc
        if self._transport is not None:
            self._transport.close()
        self._alive.discard(self)
        self._gone.set()
        self._room.set()
        self._news.set()

    def pause_writing(self) -> None:
        """The pipe to the child is full."""
        self._room.clear()

    def resume_writing(self) -> None:
        """There is room again."""
        self._room.set()

    def _cut(self) -> None:
        """Cut whole frames off the buffer, until there are enough of them unread."""
        while len(self._buffer) >= 4 and self._fault is None:
            if len(self._frames) >= _ENOUGH_FRAMES or self._unread >= _ENOUGH_BYTES:
                self._reading(False)
                break
            size = int.from_bytes(self._buffer[:4], "big")
            if size > MAX_FROM_JOB:
                self._fault = FrameError(f"a frame of {size} bytes; the most is {MAX_FROM_JOB}")
                self._reading(False)
                break
            if len(self._buffer) < 4 + size:
                break
            self._frames.append(bytes(self._buffer[4 : 4 + size]))
            del self._buffer[: 4 + size]
            self._unread += size
            self._cut_off += 1
        self._news.set()

    def _reading(self, on: bool) -> None:
        pipe: Any = self._transport.get_pipe_transport(1) if self._transport else None
        self._paused = not on
        if pipe is None or pipe.is_closing():
            return
        if on:
            pipe.resume_reading()
        else:
            pipe.pause_reading()

    def _why(self) -> LinkClosed:
        """What the end of the process means. The guest has no say in the exit code."""
        if self._ended_by_host:
            return LinkClosed(Outcome.INFRASTRUCTURE, f"ended by the host: {self._ended_by_host}")
        code = self._transport.get_returncode() if self._transport else None
        said = self._said.decode("utf-8", "replace").strip()
        if code == 0:
            return LinkClosed(Outcome.CRASHED)
        if code == EXIT_LATE:
            return LinkClosed(Outcome.TIMED_OUT, said)
        if code == EXIT_TRAP:
            why = "often a recursion too deep for its stack"
            return LinkClosed(Outcome.CRASHED, f"the interpreter broke off ({why}): {said}")
        if code is not None and code < 0:
            return _by_signal(-code)
        what = "could not start" if code == EXIT_SETUP else f"ended with exit code {code}"
        return LinkClosed(Outcome.INFRASTRUCTURE, f"the child {what}: {said[-500:]}")


def _kill(transport: asyncio.SubprocessTransport) -> None:
    """Kill the child and let go of the pipes; the loop collects the process."""
    pid = transport.get_pid()
    if transport.get_returncode() is None and pid is not None:
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                transport.kill()
            else:
                # Not `transport.kill`: it looks for the exit code itself, behind the back of the
                # loop's watcher, which then finds no child and reports 255.
                os.kill(pid, signal.SIGKILL)
    for fd in (0, 1, 2):
        pipe = transport.get_pipe_transport(fd)
        if pipe is not None:
            pipe.close()


def _by_signal(number: int) -> LinkClosed:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGXCPU":
        return LinkClosed(Outcome.TIMED_OUT, "over its processor time")
    outcome = Outcome.CRASHED if name in _FAULTS else Outcome.INFRASTRUCTURE
    return LinkClosed(outcome, f"the interpreter died by {name}")


def _detached() -> dict[str, Any]:
    """Keep Ctrl-C in the terminal from reaching the child: the host decides when it ends."""
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
