"""Which sandbox a search uses: docker where an engine answers, else wasm, else none at all."""

from __future__ import annotations

import inspect
from typing import Any

from metasearch import plugins
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.base import Sandbox

__all__ = ["AUTO", "PREFERRED", "open_sandbox"]

AUTO = "auto"
PREFERRED = ("docker", "wasm")  # in this order


async def open_sandbox(name: str = AUTO, **settings: Any) -> Sandbox:
    """Return a sandbox that can run designs now.

    There is no unsafe last resort, and nothing changes to another sandbox in the midst of a run.

    Args:
        name: an installed sandbox, or "auto" for the first of `PREFERRED` that is available.
        settings: for the sandbox; it gets those that it knows ("runtime" is docker's alone).

    Raises:
        SandboxUnavailable: the named one, or each of them, with the reason and how to mend it.
        ConfigError: no sandbox of that name is installed.
    """
    names = PREFERRED if name == AUTO else (name,)
    reasons = []
    for each in names:
        kind = _loaded(each)
        reason = str(kind) if isinstance(kind, ImportError) else await kind.available()
        if not reason:
            chosen: Sandbox = _made(kind, settings)
            return chosen
        reasons.append(f"{each}: {reason}")
    raise SandboxUnavailable(
        "no sandbox is available, nothing was run. "
        + "; ".join(reasons)
        + ". Designs are code written by a model and are never run unprotected"
    )


def _loaded(name: str) -> Any:
    """The sandbox's class, or why it cannot be imported."""
    try:
        return plugins.load("sandboxes", name)
    except ImportError as error:
        return error


def _made(kind: Any, settings: dict[str, Any]) -> Any:
    known = inspect.signature(kind).parameters
    return kind(**{key: value for key, value in settings.items() if key in known})
