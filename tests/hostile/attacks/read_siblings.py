"""Read the files, memory, environment, descriptors and folder of every other process.

threats: 3, 9, 10
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import canaries


def solve(task):
    opened = []
    me = {"self", "thread-self", str(os.getpid()) if hasattr(os, "getpid") else ""}
    pids = [
        name
        for name in (os.listdir("/proc") if os.path.isdir("/proc") else [])
        if name[0] in "123456789"
    ]
    for pid in set(pids) - me:
        for name in (
            "mem",
            "environ",
            "maps",
            "auxv",
            "io",
            "syscall",
            "stack",
            "pagemap",
            "map_files",
        ):
            try:
                os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    if file.read(1):
                        opened.append(name)
            except OSError:
                continue
        for name in ("cwd", "root", "exe", "fd/0", "fd/3", "ns/mnt"):
            try:
                opened.append(os.readlink(f"/proc/{pid}/{name}"))
            except OSError:
                continue
        opened += canaries(
            *(f"/proc/{pid}/{name}" for name in ("cmdline", "comm", "status", "stat"))
        )
    own = os.path.abspath(os.environ.get("HOME", "/nowhere"))
    for slot in range(64):
        if f"/jobs/{slot}" != own:
            try:
                opened.append(os.listdir(f"/jobs/{slot}"))
            except OSError:
                continue
    return opened
