"""Runs a model's code in a process of its own: the end of that program, after `execute`."""

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


class Printed(io.TextIOBase):
    """Keeps the beginning of what is printed."""

    def __init__(self) -> None:
        self.kept = ""

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        self.kept += text[: KEPT_CHARACTERS - len(self.kept)]
        return len(text)

    def text(self) -> str:
        """Return what was kept."""
        return self.kept


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


def main(execute: Callable[[str, Any], dict[str, Any]]) -> None:
    """Read code from the input, run it, and print its result as one line of JSON."""
    code, out = sys.stdin.read(), sys.stdout
    sys.stdin = io.StringIO()
    kept = Printed()
    sys.stdout = sys.stderr = kept
    limit()
    result = execute(code, kept)
    out.write("\n" + json.dumps(result))
    out.flush()
