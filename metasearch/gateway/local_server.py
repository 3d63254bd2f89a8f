"""The child process that serves the local model: llama.cpp's own server, on loopback only.

Run by `local.start` as `python -m metasearch.gateway.local_server FOLDER`, with its orders as JSON
on standard input. It writes `server.json` into the folder once it answers. Every user of it has a
file `users/PID-N` there; when the last of those processes is gone, it ends.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["PORT", "STATE", "USERS", "is_alive", "users_alive", "write_state"]

STATE = "server.json"
USERS = "users"
PORT = "port"
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
    params.port = _free(orders["port"])
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


def users_alive(folder: Path) -> set[int]:
    """Return the processes that use the server; the traces of those that are gone are removed."""
    alive = set()
    for user in (folder / USERS).iterdir():
        pid = int(user.name.partition("-")[0])
        if is_alive(pid):
            alive.add(pid)
        else:
            user.unlink(missing_ok=True)
    return alive


def _free(port: int) -> int:
    """Return the port if it is free, else 0: any."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # connections of the dead server linger for a minute
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _watch(folder: Path, token: str) -> None:
    """Return once nobody needs the server, or another one has taken its place."""
    while True:
        time.sleep(WATCH_SECONDS)
        try:
            state = json.loads((folder / STATE).read_text("utf-8"))
        except (OSError, ValueError):
            return  # the state is gone: that is the order to stop
        if state["token"] != token or not (state["keep"] or users_alive(folder)):
            return


def main() -> None:
    """Serve until nobody needs it."""
    folder = Path(sys.argv[1])
    orders = json.load(sys.stdin)
    server = _serve(orders)
    address = server.listening_address
    token = orders["token"]
    state = {**orders, "pid": os.getpid(), "address": address}
    (folder / PORT).write_text(address.rpartition(":")[2], "ascii")
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
