"""The child process that serves the local model: llama.cpp's own server, on loopback only.

Run by `local.start` as `python -m metasearch.gateway.local_server FOLDER`, with its orders as JSON
on standard input. It writes `server.json` into the folder once it answers. Every user of it has a
file `users/PID-N` there; when the last of those processes is gone, it ends.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["STATE", "USERS", "is_alive", "write_state"]

STATE = "server.json"
USERS = "users"
WATCH_SECONDS = 0.5
PROMPT_CACHE_MIB = 256  # prefixes kept beside the slots; llama.cpp's own default is 8 GiB


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
    params.cache_ram_mib = PROMPT_CACHE_MIB
    return xllamacpp.Server(params)


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the state in one step, so that no reader sees half of it."""
    draft = folder / f"{STATE}.{os.getpid()}"
    draft.write_text(json.dumps(state), "utf-8")
    os.replace(draft, folder / STATE)


def _is_needed(folder: Path) -> bool:
    for user in (folder / USERS).iterdir():
        if is_alive(int(user.name.partition("-")[0])):
            return True
        user.unlink(missing_ok=True)
    return False


def _watch(folder: Path, token: str) -> None:
    """Return once nobody needs the server, or another one has taken its place."""
    while True:
        time.sleep(WATCH_SECONDS)
        try:
            state = json.loads((folder / STATE).read_text("utf-8"))
        except (OSError, ValueError):
            return  # the state is gone: that is the order to stop
        if state["token"] != token or not (state["keep"] or _is_needed(folder)):
            return


def main() -> None:
    """Serve until nobody needs it."""
    folder = Path(sys.argv[1])
    orders = json.load(sys.stdin)
    server = _serve(orders)
    address = server.listening_address
    token = orders["token"]
    state = {**orders, "pid": os.getpid(), "address": address}
    write_state(folder, state)
    _watch(folder, token)
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
