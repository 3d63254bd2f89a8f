"""The process in which one job's interpreter runs: CPython on WebAssembly, from a prepared image.

Started by file path as `python -I -S wasm_child.py SITE CODE MEMORY LIMIT_BYTES CPU_SECONDS
PARENT_PID` with an empty environment; it imports the standard library and wasmtime, nothing of
metasearch. The guest's standard input and output are this process's own, which are the pipe to the
host. It gets no directory, no environment, no socket.

A snapshot of an interpreter that has done its imports is copied into the fresh instance's memory
(`wasm_prepare.py` made it), so a job starts in a millisecond instead of a quarter of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import threading
import time
from typing import Any, NoReturn

__all__ = ["EXIT_LATE", "EXIT_SETUP", "EXIT_TRAP"]

EXIT_TRAP = 65  # the guest broke a rule of WebAssembly, by a stack too deep for example
EXIT_LATE = 66  # the guest's processor time is used up
EXIT_SETUP = 67  # this process could not start the guest: never the guest's doing
WAKE = "from runner import job; job.main()"
FLAGS = ("python", "-S", "-s", "-P", "-B", "-c")
STACK_POINTER = "__stack_pointer"  # the name under which the prepared code exports it
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_SIGKILL = 9
_GRACE_SECONDS = 5.0  # of processor time, before the kernel's own limit strikes


def main(arguments: list[str]) -> NoReturn:
    """Serve one job and end the process; the guest has no say in the exit code."""
    try:
        site, code, memory, limit, seconds, parent = arguments
        bind_to_parent(int(parent))
        restrict(float(seconds))
        sys.path.append(site)
        store, instance = restored(code, memory, int(limit))
    except Exception as error:  # noqa: BLE001 - whatever it is, the host must be told
        leave(EXIT_SETUP, f"{type(error).__name__}: {error}")
    watch(float(seconds))
    start(store, instance)


def start(store: Any, instance: Any) -> NoReturn:
    """Enter the guest and end the process with it."""
    import wasmtime

    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap:
        leave(0)
    except BaseException as error:  # noqa: BLE001 - whatever ends a guest is its own doing
        cause = str(error).strip().splitlines() or [type(error).__name__]
        leave(EXIT_TRAP, cause[-1].strip())
    leave(0)


def engine() -> Any:
    """Return an engine; one configuration, or compiled code would not load.

    Processor time is limited from outside the guest (a thread that ends this process), not by
    epochs: checks in every loop of the compiled code would cost a tenth of the speed and add
    nothing, since this process has one guest only.
    """
    import wasmtime

    config = wasmtime.Config()
    config.wasm_threads = False
    return wasmtime.Engine(config)


def instantiated(where: Any, module: Any, code: str, limit: int) -> tuple[Any, Any]:
    """Return a store and an instance that will run `code` with a pipe and nothing else."""
    import wasmtime

    store = wasmtime.Store(where)
    store.set_limits(memory_size=limit, instances=1, memories=1)
    wasi = wasmtime.WasiConfig()
    wasi.argv = [*FLAGS, code]
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    store.set_wasi(wasi)
    linker = wasmtime.Linker(where)
    linker.define_wasi()
    return store, linker.instantiate(store, module)


def restored(code: str, memory: str, limit: int) -> tuple[Any, Any]:
    """Return store and instance with the interpreter of the prepared image in it."""
    import wasmtime

    where = engine()
    module = wasmtime.Module.deserialize_file(where, code)
    store, instance = instantiated(where, module, WAKE, limit)
    with open(memory, "rb") as file:
        head = json.loads(file.readline())
        blob = bytearray(file.read())
    exports = instance.exports(store)
    linear = exports["memory"]
    if sum(size for _, size in head["runs"]) != len(blob):
        raise ValueError(f"{memory} is damaged")
    missing = head["pages"] - linear.size(store)
    if missing > 0:
        linear.grow(store, missing)
    base = ctypes.addressof(linear.data_ptr(store).contents)
    source = ctypes.addressof(ctypes.c_char.from_buffer(blob))
    for start_at, size in head["runs"]:
        ctypes.memmove(base + start_at, source, size)
        source += size
    exports[STACK_POINTER].set_value(store, head["stack"])
    return store, instance


def bind_to_parent(parent: int) -> None:
    """On Linux, die with the host even when it is killed; elsewhere standard input ends.

    And before the host, where memory runs out: then a job is lost, not the search.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    score = "/proc/self/oom_score_adj"
    with contextlib.suppress(OSError), open(score, "w", encoding="ascii") as file:
        file.write("1000")
    if os.getppid() != parent:
        leave(EXIT_SETUP, "the host is gone")


def restrict(seconds: float) -> None:
    """Set the kernel's limits, where there are any, as a second line behind WebAssembly's own."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = int(seconds + _GRACE_SECONDS) + 1
    for name, value in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_CPU", hard),
    ):
        kind = getattr(resource, name, None)
        if kind is not None:
            # One second apart: at the first the kernel says SIGXCPU, which has a name as an
            # outcome, and at the second SIGKILL, which could be anybody's.
            resource.setrlimit(kind, (value, value + (name == "RLIMIT_CPU")))


def watch(seconds: float) -> None:
    """End the process when the guest has computed for so long; it sleeps, so waiting costs nothing.

    The guest runs in one thread, so its processor time cannot grow faster than the clock on the
    wall.
    """
    end = time.process_time() + seconds

    def look() -> None:
        while (left := end - time.process_time()) > 0:
            time.sleep(max(left, 0.01))
        leave(EXIT_LATE, f"over {seconds:g} s of processor time")

    threading.Thread(target=look, daemon=True).start()


def leave(code: int, message: str = "") -> NoReturn:
    """End the process at once."""
    if message:
        os.write(2, message.encode("utf-8", "replace")[:2000])
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
