"""The runner under this very CPython, without any protection: for tests of runner and host.

Deliberately here and not in the package: it must never be a way to run a design.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from metasearch.assets import asset
from metasearch.sandbox.base import AnswerCall, Job, JobResult, Limits
from metasearch.sandbox.conversation import LinkClosed, converse, no_model
from metasearch.sandbox.frames import framed, read_frame

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from runner import job; job.main(ready=False)"


class PlainLink:
    """A `Link` to a child process over its standard streams."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout

    async def send(self, body: bytes) -> None:
        try:
            self._to.write(framed(body))
            await self._to.drain()
        except ConnectionError:
            raise LinkClosed from None

    async def receive(self) -> bytes:
        body = await read_frame(self._from)
        if body is None:
            raise LinkClosed
        return body


async def run_plainly(
    source: str, answer_call: AnswerCall = no_model, *, entry: str = "solve", **limits: Any
) -> JobResult:
    """Run trusted source through the real runner and the real conversation."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", "-c", _BOOT, str(asset("sandbox") / "image")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )

    async def nested(code: str, inner: Limits) -> JobResult:
        return await run_plainly(code, entry="run_code", active_seconds=inner.active_seconds)

    job = Job({"prompt": "6 * 7?", "answer_type": "int"}, 0, Limits(**limits), entry)
    try:
        return await converse(PlainLink(process), source, job, answer_call, nested)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
