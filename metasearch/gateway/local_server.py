"""The child process that serves the local model: llama.cpp's own server, on loopback only.

Run by `local.start` as `python -m metasearch.gateway.local_server FOLDER`, with its orders as JSON
on standard input. It writes `server.json` into the folder once it answers, and it ends when nobody
needs it any more: every user has a file `users/PID` there, and a user that is gone does not count.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["STATE", "USERS", "is_alive"]

STATE = "server.json"
USERS = "users"
WATCH_SECONDS = 0.5


def is_alive(pid: int) -> bool:
    """Say whether a process of this machine runs; a zombie does not."""
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return True  # no /proc here
    return stat.rpartition(")")[2].split()[0] != "Z"


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes

    still_active, limited_information = 259, 0x1000
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    process = kernel.OpenProcess(limited_information, False, pid)
    if not process:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(process, ctypes.byref(code))
    kernel.CloseHandle(process)
    return code.value == still_active


def _serve(orders: dict[str, Any]) -> Any:
    """Load the model and return the running server."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = orders["model_file"]
    params.model_alias = {orders["model"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = orders["parallel"]
    params.n_ctx = orders["parallel"] * orders["context_tokens"]
    params.kv_unified = False
    params.cont_batching = True
    params.n_gpu_layers = 0
    params.offline = True
    params.ui = False
    return xllamacpp.Server(params)


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    draft = folder / f"{STATE}.{os.getpid()}"
    draft.write_text(json.dumps(state), "utf-8")
    os.replace(draft, folder / STATE)


def _is_needed(folder: Path) -> bool:
    for user in (folder / USERS).iterdir():
        if is_alive(int(user.name)):
            return True
        user.unlink(missing_ok=True)
    return False


def _watch(folder: Path, token: str, *, keep: bool) -> None:
    """Return once nobody needs the server, or another one has taken its place."""
    while True:
        time.sleep(WATCH_SECONDS)
        try:
            state = json.loads((folder / STATE).read_text("utf-8"))
            if state["token"] != token or not (keep or _is_needed(folder)):
                return
        except (OSError, ValueError):
            return  # the state is gone: so was the order to stop


def main() -> None:
    """Serve until nobody needs it."""
    folder = Path(sys.argv[1])
    orders = json.load(sys.stdin)
    server = _serve(orders)
    address = server.listening_address
    token = orders["token"]
    state = {**orders, "pid": os.getpid(), "address": address}
    _write_state(folder, state)
    _watch(folder, token, keep=orders["keep"])
    _withdraw(folder, token)
    os._exit(0)  # at once: the server's own threads may be in the middle of a long prompt


def _withdraw(folder: Path, token: str) -> None:
    """Remove the state if it is still this server's."""
    try:
        if json.loads((folder / STATE).read_text("utf-8"))["token"] == token:
            (folder / STATE).unlink()
    except (OSError, ValueError):
        pass


if __name__ == "__main__":
    main()
