"""The embedded default: a small model behind llama.cpp's server, in a child process on loopback.

One server serves all searches of a user. It is found by a state file in the user's cache and ends
when the last process that needs it has ended, however that happened; `keep=True` leaves it running
until `stop`.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

import platformdirs

from metasearch.errors import ConfigError, GatewayUnavailable
from metasearch.gateway.fetch import DEFAULT_MODEL, MODELS, Tell, fetch, model_path
from metasearch.gateway.local_server import (
    PORT,
    STATE,
    USERS,
    is_alive,
    users_alive,
    write_state,
)
from metasearch.gateway.lock import exclusive

__all__ = [
    "CONTEXT_TOKENS",
    "LICENCE",
    "PARALLEL",
    "LocalServer",
    "available",
    "fetch",
    "start",
    "status",
    "stop",
]

PARALLEL = 8  # slots: requests worked on together; two cores gain little beyond that
CONTEXT_TOKENS = 8192  # of one slot: a meta agent's prompt with parents and traces has to fit
START_SECONDS = 120.0
STOP_SECONDS = 5.0
ANSWER_SECONDS = 2.0
LICENCE = (
    "Qwen2.5-Coder Instruct, by Alibaba Cloud, weights under the Apache License 2.0 "
    "(https://www.apache.org/licenses/LICENSE-2.0)"
)

# On a busy machine threads that spin while they wait for each other make it 3.6 times slower.
QUIET_THREADS = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}

_users = itertools.count()
_children: list[subprocess.Popen[bytes]] = []  # kept, so that their ends are collected


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server, and this process's claim on it.

    Attributes:
        base_url: for an OpenAI client.
        model: what requests must name.
        parallel: requests that it works on together; more of them wait there.
        context_tokens: prompt and new tokens of one request.
    """

    base_url: str
    pid: int
    model: str
    parallel: int
    context_tokens: int
    claim: Path | None = None

    def close(self) -> None:
        """Give the claim up; without any the server ends within a second. Safe to call twice."""
        if self.claim is not None:
            self.claim.unlink(missing_ok=True)


def available(name: str = DEFAULT_MODEL) -> str:
    """Say what is missing for `start` to work at once, "" when nothing is."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed: pip install 'metasearch[local]'"
    try:
        path = model_path(MODELS[name])
    except ConfigError as error:
        return str(error)
    return "" if path.is_file() else f"{path} is not there: metasearch local fetch"


def start(
    name: str = DEFAULT_MODEL,
    *,
    keep: bool = False,
    parallel: int = PARALLEL,
    context_tokens: int = CONTEXT_TOKENS,
    progress: Tell | None = None,
) -> LocalServer:
    """Return the running server, starting it (and fetching its model) where there is none.

    Args:
        name: a key of `fetch.MODELS`.
        keep: leave it running after this process has ended, until `stop`.
        parallel: slots; a server that runs already keeps its own.
        context_tokens: of one slot; a server that runs already keeps its own.
        progress: gets lines about the download.

    Raises:
        ConfigError: the extra is not installed, or another model is being served.
        GatewayUnavailable: the model cannot be fetched, or the server does not start.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(
            "the local model needs the extra [local]: pip install 'metasearch[local]'; or name an "
            "endpoint with --base-url and --model"
        )
    file = fetch(name, progress=progress)
    orders = {
        "model": name,
        "model_file": str(file),
        "parallel": parallel,
        "context_tokens": context_tokens,
        "keep": keep,
    }
    folder = _folder()
    with exclusive(folder / "lock"):
        claim = _claim(folder)
        try:
            return _server(_found_or_spawned(folder, orders), claim)
        except BaseException:  # Ctrl-C, too: without a server there is nothing to claim
            claim.unlink(missing_ok=True)
            raise


def _found_or_spawned(folder: Path, orders: dict[str, Any]) -> dict[str, Any]:
    """Return the state of the server that runs, after starting it if none does."""
    state = _running(folder)
    if state is None:
        fresh = {"token": secrets.token_hex(8), "port": _last_port(folder)}
        return _spawn(folder, {**orders, **fresh})
    if state["model"] != orders["model"]:
        raise ConfigError(
            f"the local server runs {state['model']}, not {orders['model']}: metasearch local stop"
        )
    if orders["keep"] and not state["keep"]:
        state["keep"] = True
        write_state(folder, state)
    return state


def status() -> LocalServer | None:
    """Return the running server without a claim on it, or None."""
    state = _running(_folder())
    return None if state is None else _server(state, None)


def stop() -> bool:
    """Stop the server that was left running; False when none was.

    Raises:
        ConfigError: a process still uses it; it is no longer kept and ends with its last user.
    """
    folder = _folder()
    with exclusive(folder / "lock"):
        state = _running(folder)
        if state is None:
            (folder / STATE).unlink(missing_ok=True)
            return False
        if users := users_alive(folder) - {os.getpid()}:
            write_state(folder, {**state, "keep": False})
            pids = ", ".join(str(pid) for pid in sorted(users))
            raise ConfigError(f"process {pids} still uses the local server, which ends with it")
        (folder / STATE).unlink()  # the server sees it within half a second
        _await_end(state["pid"])
    return True


def _folder() -> Path:
    folder = platformdirs.user_cache_path("metasearch", appauthor=False) / "local"
    (folder / USERS).mkdir(parents=True, exist_ok=True)
    return folder


def _claim(folder: Path) -> Path:
    claim = folder / USERS / f"{os.getpid()}-{next(_users)}"
    claim.touch()
    return claim


def _last_port(folder: Path) -> int:
    """Return the port of the last server: one that died comes back where its users look for it."""
    try:
        return int((folder / PORT).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def _running(folder: Path) -> dict[str, Any] | None:
    """Return the state of a server that is alive and answers, else None."""
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
        if not is_alive(state["pid"]):
            return None
        with urllib.request.urlopen(f"{state['address']}/health", timeout=ANSWER_SECONDS) as answer:
            return state if answer.status == 200 else None
    except (OSError, ValueError, KeyError, HTTPException):
        return None


def _server(state: dict[str, Any], claim: Path | None) -> LocalServer:
    return LocalServer(
        base_url=f"{state['address']}/v1",
        pid=state["pid"],
        model=state["model"],
        parallel=state["parallel"],
        context_tokens=state["context_tokens"],
        claim=claim,
    )


def _spawn(folder: Path, orders: dict[str, Any]) -> dict[str, Any]:
    """Start the child and wait until it answers."""
    (folder / STATE).unlink(missing_ok=True)
    log = folder / "server.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "metasearch.gateway.local_server", str(folder)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=_environment(),
            # A session of its own: Ctrl-C must reach the search, which saves, and not the model.
            start_new_session=True,
        )
    _children[:] = [each for each in _children if each.poll() is None] + [child]
    _give(child.stdin, orders)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = _running(folder)
        if state is not None:
            return state
        if child.poll() is not None:
            raise GatewayUnavailable(f"the local server ended: {_last_line(log)}; see {log}")
        time.sleep(0.05)
    child.kill()
    child.wait()
    raise GatewayUnavailable(f"the local server did not start in {START_SECONDS:g} s; see {log}")


def _give(stdin: IO[bytes] | None, orders: dict[str, Any]) -> None:
    assert stdin is not None
    try:
        with stdin:
            stdin.write(json.dumps(orders).encode())
    except BrokenPipeError:
        pass  # it ended at once; the caller sees that and why


def _environment() -> dict[str, str]:
    """Return the child's environment: quiet threads, and none of the user's keys."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_KEY")}
    return {**kept, **QUIET_THREADS}


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return lines[-1][:200]


def _await_end(pid: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while is_alive(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGTERM)
            return
        time.sleep(0.05)
