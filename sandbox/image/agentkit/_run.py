"""Running code that a model wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from agentkit import _link

__all__ = ["Run", "run_code"]

_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Run:
    """What became of `run_code`: `value`, `stdout` (what was printed), `error` ("" when `ok`)."""

    value: Any = None
    stdout: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """True when the code ran to its end."""
        return not self.error


async def run_code(code: str, *, seconds: float = 5.0) -> Run:
    """Run Python source in a fresh interpreter, limited as this one and without a model.

    Code fences are stripped. The value is that of a last expression, else of the variable `answer`,
    else the last printed line. An error in the code is in `Run.error` and is not raised.
    """
    body = {"code": _unfenced(str(code)), "seconds": float(seconds)}
    got = await _link.call("run_code", body)
    return Run(got.get("value"), str(got.get("stdout") or ""), str(got.get("error") or ""))


def _unfenced(code: str) -> str:
    found = _FENCE.search(code)
    return found.group(1) if found else code
