"""Make a process or a thread in new namespaces, by clone and by clone3.

threats: 12
docker: answered
wasm: answered
answer: []
"""

from hostile import kernel, succeeded

KINDS = {
    "user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000,
    "uts": 0x04000000, "cgroup": 0x02000000, "none": 17, "vfork": 0x4111, "parent": 0x8000 | 17,
    "files": 0x400 | 17,
}  # fmt: skip


def solve(task):
    attempts = {name: lambda flags=flags: cloned(flags) for name, flags in KINDS.items()}
    return succeeded(**attempts, clone3=clone3, clone3_user=lambda: clone3(0x10000000))


def cloned(flags):
    if kernel(56, 220, flags, 0, 0, 0, 0) == 0:
        import os

        os._exit(0)


def clone3(flags=0):
    import struct

    fields = struct.pack("8Q", flags, 0, 0, 0, 17, 0, 0, 0)
    if kernel(435, 435, fields, 64) == 0:
        import os

        os._exit(0)
