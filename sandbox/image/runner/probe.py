"""What is really in force, as a job sees it: looked up and tried, not taken on trust.

Runs once at the start of every container, in a process jailed like a job, before any design has
arrived. The host refuses the container if one of these is not as asked.
"""

from __future__ import annotations

import _thread as _thread_module
import ctypes
import errno
import os
import resource
import socket
import stat
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["cgroup", "killed_for_memory", "seen_by_init", "seen_by_job", "seen_by_seat"]

_CGROUP = "/sys/fs/cgroup"
# What is asked of both generations of control groups: (name, second generation, first generation).
_LIMITS = (
    ("memory", "memory.max", "memory/memory.limit_in_bytes"),
    ("swap", "memory.swap.max", "memory/memory.memsw.limit_in_bytes"),
    ("pids", "pids.max", "pids/pids.max"),
    ("cpu", "cpu.max", "cpu/cpu.cfs_quota_us"),
    ("cpu_period", "", "cpu/cpu.cfs_period_us"),
)


def cgroup() -> dict[str, str]:
    """Return the container's limits as the kernel writes them, "" for one that cannot be read."""
    second = os.path.exists(f"{_CGROUP}/cgroup.controllers")
    found = {"version": "2" if second else "1"}
    for name, newer, older in _LIMITS:
        found[name] = _text(f"{_CGROUP}/{newer if second else older}")
    return found


def killed_for_memory() -> int:
    """Return how many processes of this container the kernel has ended for want of memory."""
    for path in (f"{_CGROUP}/memory.events", f"{_CGROUP}/memory/memory.oom_control"):
        try:
            with open(path, encoding="ascii") as file:
                for line in file:
                    name, _, value = line.partition(" ")
                    if name == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0


def seen_by_init() -> dict[str, str]:
    """Return what the engine has set for the whole container; a job adds to it."""
    status = _status()
    return {"no_new_privileges": status.get("NoNewPrivs", ""), "seccomp": status.get("Seccomp", "")}


def seen_by_job() -> dict[str, Any]:
    """Return what this process is, what it may write, and what came of a dozen attacks."""
    status = _status()
    return {
        "uids": list(os.getresuid()),
        "groups": [*os.getresgid(), *os.getgroups()],
        "capabilities": {key: status.get(key, "") for key in ("CapEff", "CapPrm", "CapBnd")},
        "filters": status.get("Seccomp_filters", ""),
        "interfaces": _interfaces(),
        "writable": _writable(),
        "limits": {
            "memory": resource.getrlimit(resource.RLIMIT_DATA)[0],
            "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "processes": resource.getrlimit(resource.RLIMIT_NPROC)[0],
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        },
        "attacks": {name: _try(attack) for name, attack in _ATTACKS.items()},
        "python": "{}.{}.{}".format(*sys.version_info),
    }


def seen_by_seat() -> dict[str, str]:
    """Return what comes of attempts to tell other seats something; the process is narrowed."""
    return {name: _try(attempt) for name, attempt in _MESSAGES.items()}


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(4096).strip()
    except OSError:
        return ""


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        pairs = (line.split(":", 1) for line in file if ":" in line)
        return {key: value.strip() for key, value in pairs}


def _interfaces() -> list[str]:
    lines = _text("/proc/net/dev").splitlines()[2:]
    return sorted(line.split(":")[0].strip() for line in lines)


def _writable() -> list[str]:
    """Every mount point, and every folder at the root, that this process may write to."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        places = {line.split()[4] for line in file}
    places.update(f"/{name}" for name in os.listdir("/"))
    return sorted(place for place in places if _keeps(place))


def _keeps(place: str) -> bool:
    """Try it: permissions do not tell that a quota of 0 forbids what they allow."""
    if not os.access(place, os.W_OK):
        return False
    if not os.path.isdir(place):
        # Devices such as /dev/null keep nothing; engines lay it over what they hide in /proc.
        return not stat.S_ISCHR(os.stat(place).st_mode)
    try:
        _open(f"{place}/written", os.O_WRONLY | os.O_CREAT)
    except OSError:
        return False
    os.unlink(f"{place}/written")
    return True


def _call(number_x86: int, number_arm: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    number = number_x86 if os.uname().machine == "x86_64" else number_arm
    if library.syscall(number, 0, 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags, 0o600))


_ATTACKS: dict[str, Callable[[], object]] = {
    "socket": lambda: socket.socket(socket.AF_INET).close(),
    "fork": _fork,
    "exec": lambda: os.execv("/nothing", ["/nothing"]),
    "kill_init": lambda: os.kill(1, 0),
    "become_root": lambda: os.setuid(0),
    "write_root": lambda: _open("/written", os.O_WRONLY | os.O_CREAT),
    "write_code": lambda: _open("/box/runner/job.py", os.O_WRONLY),
    "read_init": lambda: _open("/proc/1/environ", os.O_RDONLY),
    "unshare": lambda: _call(272, 97),
    "ptrace": lambda: _call(101, 117),
    "io_uring": lambda: _call(425, 425),
    # The engine's own default filter allows this one, and so does the job's: is ours in force?
    "inotify": lambda: _call(294, 26),
}


def _thread() -> None:
    try:
        _thread_module.start_new_thread(os.getpid, ())
    except RuntimeError:
        raise OSError(errno.EPERM, "refused") from None


_MESSAGES: dict[str, Callable[[], object]] = {
    "thread": _thread,
    "file": lambda: _open("written", os.O_WRONLY | os.O_CREAT),
    "time": lambda: os.utime(".", (1, 1)),
    "mode": lambda: os.chmod(".", 0o701),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, 19),
}


def _try(attack: Callable[[], object]) -> str:
    """Return the name of the error that stopped it, or "done"."""
    try:
        attack()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "done"
