"""Runs programs that the model wrote, on this machine. This is not a sandbox.

The program gets a process of its own with no environment variables, an empty working folder that is
removed afterwards, and a time limit. It can still read and write whatever its user can.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from typing import Any

__all__ = ["run_here"]

LONGEST_SECONDS = 30.0
START_SECONDS = 5.0  # an interpreter may need this long to start on a busy machine
OUTPUT_BYTES = 1_000_000


async def run_here(child: str, code: str, seconds: float) -> dict[str, Any]:
    """Run one program and return `{value, stdout, error}`.

    Args:
        child: source of the program that reads the code from its input and prints the result.
        code: what the model wrote.
        seconds: time it may take, at most `LONGEST_SECONDS`.
    """
    limit = min(max(seconds, 0.1), LONGEST_SECONDS)
    with tempfile.TemporaryDirectory(prefix="agent-code-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-X", "utf8", "-c", child),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
        )
        try:
            printed = await asyncio.wait_for(_talk(process, code), limit + START_SECONDS)
        except TimeoutError:
            return {"error": f"stopped after {limit:g} seconds"}
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _result(printed)


async def _talk(process: asyncio.subprocess.Process, code: str) -> bytes:
    """Hand the code over and return the end of what comes back."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(code.encode("utf-8", "replace"))
    process.stdin.close()
    printed = b""
    while part := await process.stdout.read(65_536):
        printed = (printed + part)[-OUTPUT_BYTES:]
    await process.wait()
    return printed


def _environment() -> dict[str, str]:
    # Windows starts no interpreter without SYSTEMROOT; nothing else of ours is passed on.
    return {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


def _result(printed: bytes) -> dict[str, Any]:
    lines = printed.decode("utf-8", "replace").splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"error": "the program ended the interpreter"}
    return result if isinstance(result, dict) else {"error": "the program gave no result"}
