"""Attach to other processes, read and write their memory, take their descriptors.

threats: 9, 10
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import kernel, succeeded


def solve(task):
    parent = os.getppid() if hasattr(os, "getppid") else 1

    def copied(read):
        import ctypes

        buffer = ctypes.create_string_buffer(64)
        pair = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 64)
        numbers = (310, 270) if read else (311, 271)
        kernel(*numbers, parent, pair, 1, pair, 1, 0)

    return succeeded(
        attach=lambda: kernel(101, 117, 16, parent, 0, 0),
        seize=lambda: kernel(101, 117, 0x4206, parent, 0, 0),
        traceme=lambda: kernel(101, 117, 0, 0, 0, 0),
        read=lambda: copied(True),
        write=lambda: copied(False),
        pidfd=lambda: kernel(434, 434, parent, 0),
        getfd=lambda: kernel(438, 438, 0, 0, 0),
        madvise=lambda: kernel(440, 440, 0, 0, 0, 0, 0),
        kcmp=lambda: kernel(312, 272, os.getpid(), parent, 0, 0, 0),
        limits=lambda: kernel(302, 261, parent, 7, 0, (b"0" * 16)),
        robust=lambda: kernel(274, 100, 1, b"0" * 8, b"0" * 8),
        affinity=lambda: kernel(203, 122, parent, 8, b"\1" + b"\0" * 7),
        scheduler=lambda: kernel(144, 119, parent, 0, b"\0" * 4),
        priority=lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
        memory=lambda: open("/proc/1/mem", "r+b").close(),
    )
