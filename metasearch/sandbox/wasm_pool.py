"""Interpreters started ahead of their jobs. None has ever seen a design, so they are for any."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.wasm_image import WasmImage
from metasearch.sandbox.wasm_process import Interpreter

__all__ = ["Kind", "Pool"]


class Kind(NamedTuple):
    """What has to be known when an interpreter is started."""

    memory_bytes: int
    seconds: float


class Pool:
    """Keeps a few interpreters of the kind asked for last ready to take.

    Args:
        spare: how many wait for a job; about 20 MB each.
        starting: how many may be starting at the same time; starting takes processor time.
    """

    def __init__(self, image: WasmImage, *, spare: int, starting: int) -> None:
        self._image = image
        self._spare = spare
        self._most_starting = starting
        self._kind = Kind(0, 0.0)
        self._ready: asyncio.Queue[Interpreter | SandboxUnavailable] = asyncio.Queue()
        self._starting: set[asyncio.Task[None]] = set()
        self._alive: set[Interpreter] = set()
        self._wanted = 0
        self._closed = False

    async def take(self, kind: Kind) -> Interpreter:
        """Return an interpreter that waits for its job; the caller ends it.

        Raises:
            SandboxUnavailable: none can be started, or the pool is closed.
        """
        if kind != self._kind and self._wanted:
            return await self._start(kind)  # others wait for spares of their kind: leave those be
        self._wanted += 1
        try:
            self.warm(kind)
            while True:
                got = await self._ready.get()
                if isinstance(got, SandboxUnavailable):
                    raise got
                if got.alive:
                    return got
                self._fill()
        finally:
            self._wanted -= 1
            self._fill()

    def warm(self, kind: Kind) -> None:
        """Start spares of this kind; spares of another kind are ended.

        Raises:
            SandboxUnavailable: the pool is closed.
        """
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed")
        if kind != self._kind:
            self._kind = kind
            while not self._ready.empty():
                got = self._ready.get_nowait()
                if isinstance(got, Interpreter):
                    got.end("another kind is wanted")
        self._fill()

    async def trial(self, kind: Kind) -> None:
        """Start one interpreter, the first to be taken.

        Raises:
            SandboxUnavailable: it does not start.
        """
        self._kind = kind
        self._ready.put_nowait(await self._start(kind))

    async def close(self) -> None:
        """End every interpreter and wait until all processes are gone."""
        self._closed = True
        self._refuse_waiting(SandboxUnavailable("the sandbox is closed"))
        starting = list(self._starting)
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        alive = list(self._alive)
        for interpreter in alive:
            interpreter.end("the sandbox is closed")
        await asyncio.gather(*(interpreter.gone() for interpreter in alive))

    def _fill(self) -> None:
        missing = self._wanted + self._spare - self._ready.qsize()
        while not self._closed and len(self._starting) < min(self._most_starting, missing):
            task = asyncio.ensure_future(self._add(self._kind))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _add(self, kind: Kind) -> None:
        """Start one interpreter and put it where it can be taken."""
        try:
            try:
                interpreter = await self._start(kind)
            except SandboxUnavailable:
                interpreter = await self._start(kind)  # one may be lost by chance, two are not
        except SandboxUnavailable as problem:
            self._refuse_waiting(problem)
            return
        if kind == self._kind and not self._closed:
            self._ready.put_nowait(interpreter)
        else:
            interpreter.end("another kind is wanted")
        asyncio.get_running_loop().call_soon(self._fill)  # when this task counts no more

    def _refuse_waiting(self, problem: SandboxUnavailable) -> None:
        for _ in range(self._wanted - self._ready.qsize()):
            self._ready.put_nowait(problem)

    async def _start(self, kind: Kind) -> Interpreter:
        return await Interpreter.start(self._image, *kind, alive=self._alive)
