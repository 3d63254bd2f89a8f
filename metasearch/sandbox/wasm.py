"""The sandbox where no container engine answers: CPython on WebAssembly under wasmtime.

Each job is an interpreter of its own in a child process of its own. The guest has no file system
but the standard library it carries in its memory, no network, no environment, no processes, no
threads: WebAssembly gives a guest only what the host hands it, and that is two ends of a pipe, a
clock and random numbers. Pure Python runs about five times slower than natively.
"""

from __future__ import annotations

import asyncio
import math
import os
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import wasm_image
from metasearch.sandbox.base import MEMBER, RUN_CODE, SEATS, AnswerCall, Job, JobResult, Limits
from metasearch.sandbox.conversation import converse, no_model
from metasearch.sandbox.wasm_pool import Kind, Pool
from metasearch.sandbox.wasm_process import Interpreter
from metasearch.types import Json, Outcome

__all__ = ["WasmSandbox", "WasmWorker"]

_VERSION_SOURCE = "import sys; sys.version.split()[0]"
# The interpreter itself needs that much of the guest's memory; a design's own limit comes on top.
_INTERPRETER_MIB = 16
_LEAST_SECONDS = 32.0
_TRIES = 3  # of a job whose interpreter was lost before the design did anything that the host saw


class WasmSandbox:
    """Runs designs in WebAssembly interpreters.

    Args:
        parallel: how many jobs may be alive at once, waiting for a model included; None is four
            times the cores within 4 to 32. Each takes some 20 MB besides the design's own memory.
        spare: how many started interpreters wait for jobs; None is one more than the cores.
        cache: directory of the prepared files; None is the user's cache directory.
    """

    name = "wasm"

    def __init__(
        self, *, parallel: int | None = None, spare: int | None = None, cache: Path | None = None
    ) -> None:
        cores = os.cpu_count() or 1
        self._parallel = parallel if parallel is not None else max(4, min(32, 4 * cores))
        self._spare = min(self._parallel, spare if spare is not None else cores + 1)
        self._starting = cores
        self._cache = cache
        self._jobs = asyncio.Semaphore(self._parallel)
        # Runs of code have places of their own: their parents wait for them and hold the others.
        self._runs = asyncio.Semaphore(max(2, self._parallel // 2))
        # So have members: those of one episode have to be there together.
        self._seats = asyncio.Semaphore(max(SEATS, self._parallel))
        self._opening = asyncio.Lock()
        self._pool: Pool | None = None
        self._image: wasm_image.WasmImage | None = None
        self._workers: set[WasmWorker] = set()
        self._closed = False

    @classmethod
    async def available(cls) -> str:
        """Return "" when this sandbox can be used here, else why not in one line."""
        return wasm_image.missing()

    async def open(self, source: str) -> WasmWorker:
        """Return a worker for a design; the first call on a machine takes some seconds to prepare.

        Raises:
            SandboxUnavailable: wasmtime or the interpreter's module is missing or cannot be used.
        """
        await self._opened()
        worker = WasmWorker(self, source)
        self._workers.add(worker)
        return worker

    async def describe(self) -> dict[str, Json]:
        """Return versions, limits and settings, after having run a program."""
        await self._opened()
        assert self._image is not None
        result = await self.run(_VERSION_SOURCE, Job({}, entry=RUN_CODE), no_model)
        if not isinstance(result.answer, dict):
            raise SandboxUnavailable(f"the WebAssembly interpreter does not run: {result.error}")
        return {
            "name": self.name,
            "python": result.answer.get("value"),
            "wasmtime": self._image.wasmtime,
            "module": str(self._image.module),
            "module_sha256": self._image.sha256,
            "module_known": self._image.sha256 == wasm_image.MODULE_SHA256,
            "parallel": self._parallel,
            "spare": self._spare,
            "limits": asdict(Limits()),
        }

    async def close(self) -> None:
        """End every job and every spare interpreter."""
        self._closed = True
        for worker in list(self._workers):
            await worker.close()
        async with self._opening:
            if self._pool is not None:
                await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def run(
        self,
        source: str,
        job: Job,
        answer_call: AnswerCall,
        *,
        running: set[Interpreter] | None = None,
    ) -> JobResult:
        """Run one job in an interpreter of its own.

        Args:
            running: holds the interpreter while it serves the job, so that another can end it.

        Raises:
            SandboxUnavailable: no interpreter can be started.
        """
        pool = await self._opened()
        held = running if running is not None else set()
        kind = _kind(job.limits)

        async def run_nested(code: str, limits: Limits) -> JobResult:
            nested = Job({}, job.seed, limits, RUN_CODE)
            return await self.run(code, nested, no_model, running=held)

        async with {RUN_CODE: self._runs, MEMBER: self._seats}.get(job.entry, self._jobs):
            for _ in range(_TRIES):
                interpreter = await pool.take(kind)
                held.add(interpreter)
                try:
                    result = await converse(interpreter, source, job, answer_call, run_nested)
                    lost = result.outcome is Outcome.INFRASTRUCTURE and interpreter.was_silent
                finally:
                    held.discard(interpreter)
                    interpreter.end("its job is done")
                if not lost:
                    break
            return result

    def forget(self, worker: WasmWorker) -> None:
        """Drop a closed worker."""
        self._workers.discard(worker)

    async def _opened(self) -> Pool:
        async with self._opening:
            if self._closed:
                raise SandboxUnavailable("the sandbox is closed")
            if self._pool is None:
                self._pool = await self._started()
                self._pool.warm(_kind(Limits()))
            return self._pool

    async def _started(self) -> Pool:
        """Prepare, and try one interpreter: cached files may be damaged or of another processor."""
        for anew in (False, True):
            self._image = await wasm_image.prepare(self._cache, anew=anew)
            pool = Pool(self._image, spare=self._spare, starting=self._starting)
            try:
                await pool.trial(_kind(Limits()))
            except SandboxUnavailable as error:
                problem = error
                await pool.close()
            else:
                return pool
        raise problem


class WasmWorker:
    """The jobs of one design; nothing of it stays between two of them."""

    def __init__(self, sandbox: WasmSandbox, source: str) -> None:
        self._sandbox = sandbox
        self._source = source
        self._running: set[Interpreter] = set()
        self._closed = False

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        """Run the design once.

        Raises:
            SandboxUnavailable: no interpreter can be started, or the worker is closed.
        """
        if self._closed:
            raise SandboxUnavailable("the worker is closed")
        return await self._sandbox.run(self._source, job, answer_call, running=self._running)

    async def close(self) -> None:
        """End the jobs that still run; their results say `INFRASTRUCTURE`."""
        self._closed = True
        for interpreter in list(self._running):
            interpreter.end("its worker is closed")
        self._sandbox.forget(self)


def _kind(limits: Limits) -> Kind:
    memory = (limits.memory_mib + _INTERPRETER_MIB) << 20
    # The host's clock ends a job at its limit; the child's own cap is for a host that does not. So
    # it may be coarse, and interpreters started for one limit serve the next.
    seconds = max(_LEAST_SECONDS, 2.0 ** math.ceil(math.log2(2.0 * limits.active_seconds)))
    return Kind(memory, seconds)
