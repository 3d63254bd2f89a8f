"""Runs a model's code in a process of its own: the end of that program, after what it needs."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["main"]

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 60
KEPT_CHARACTERS = 16_000


def limit() -> None:
    """Cap memory and processor time where the system knows how."""
    try:
        import resource
    except ImportError:  # Windows
        return
    caps = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_CPU: CPU_SECONDS}
    for kind, most in caps.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def main(execute: Callable[[str, Any], dict[str, Any]], printed: Callable[[int], Any]) -> None:
    """Read code from the input, run it, and print its result as one line of JSON.

    Args:
        execute: the sandbox's own function for this.
        printed: makes a file that keeps so many characters of what is written to it.
    """
    code, out = sys.stdin.read(), sys.stdout
    sys.stdin = io.StringIO()
    kept = printed(KEPT_CHARACTERS)
    sys.stdout = sys.stderr = kept
    limit()
    result = execute(code, kept)
    out.write("\n" + json.dumps(result))
    out.flush()
