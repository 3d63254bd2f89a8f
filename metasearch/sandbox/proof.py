"""Does a sandbox hold, here and now? Five attacks of one line each, before any design is let in.

What was asked of an engine says little: flags are ignored without an error. What an attack achieves
says it. A job that does nothing harmful is run beside them, or a sandbox in which nothing runs at
all would seem to hold.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from pathlib import Path

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.base import Job, JobResult, Limits, Sandbox, Worker
from metasearch.sandbox.conversation import no_model
from metasearch.types import Outcome

__all__ = ["ATTACKS", "attacked", "prove", "refused"]

ATTACKS = {
    "read a file of the host": "from pathlib import Path; found = Path({canary!r}).read_text()",
    "open a socket": "import socket; socket.socket().close()",
    "start a process": "import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0)",
    "write a file": "import os; os.makedirs({folder!r}, exist_ok=True); os.mkdir({mark!r})",
    "signal its parent": "import os; os.kill(os.getppid(), 0)",
}
_HARMLESS = "found = 'nothing'"
_SOURCE = """
def solve(task):
    names = {}
    exec(task.prompt, names)
    return names.get("found", "done")
"""
_LIMITS = Limits(active_seconds=5.0, wall_seconds=30.0)


async def attacked(sandbox: Sandbox) -> dict[str, str]:
    """Run each of `ATTACKS` as a job of one design.

    Returns:
        attack: what stopped it in a few words, "" when it succeeded.

    Raises:
        SandboxUnavailable: the sandbox cannot run a design at all.
    """
    # Nothing is made for them: it would be left lying where a search is killed.
    mark = Path(tempfile.gettempdir()) / f"metasearch-{secrets.token_hex(8)}" / "written"
    names = {"canary": __file__, "folder": str(mark.parent), "mark": str(mark)}
    lines = [_HARMLESS, *(line.format(**names) for line in ATTACKS.values())]
    worker = await sandbox.open(_SOURCE)
    try:
        harmless, *results = await asyncio.gather(*(_ran(worker, line) for line in lines))
    finally:
        await worker.close()
    if (harmless.outcome, harmless.answer) != (Outcome.ANSWERED, "nothing"):
        why = _last(harmless.error) or harmless.outcome.value
        raise SandboxUnavailable(f"the sandbox {sandbox.name} cannot run a design: {why}")
    found = {
        attack: _stopped(sandbox, result) for attack, result in zip(ATTACKS, results, strict=True)
    }
    if mark.exists():  # whatever it said of itself
        found["write a file"] = ""
        shutil.rmtree(mark.parent)
    return found


def refused(name: str, found: dict[str, str]) -> SandboxUnavailable | None:
    """Return the error for a sandbox in which an attack succeeded, None when all were stopped."""
    done = [attack for attack, stopped_by in found.items() if not stopped_by]
    if not done:
        return None
    return SandboxUnavailable(
        f"the sandbox {name} does not hold: a design in it can {', '.join(done)}; nothing was run. "
        "Mend its set-up or choose another one with --sandbox"
    )


async def prove(sandbox: Sandbox) -> None:
    """Return when every attack was stopped.

    Raises:
        SandboxUnavailable: one succeeded, or no design can be run.
    """
    if error := refused(sandbox.name, await attacked(sandbox)):
        raise error


async def _ran(worker: Worker, line: str) -> JobResult:
    return await worker.run(Job({"prompt": line, "answer_type": "str"}, limits=_LIMITS), no_model)


def _stopped(sandbox: Sandbox, result: JobResult) -> str:
    if result.outcome is Outcome.ANSWERED:
        return ""
    why = _last(result.error)
    if result.outcome is Outcome.INFRASTRUCTURE:
        raise SandboxUnavailable(f"the sandbox {sandbox.name} fails while it is tried: {why}")
    return why or result.outcome.value


def _last(error: str) -> str:
    """The last line of a traceback: what was raised."""
    return error.strip().rpartition("\n")[2][:120]
