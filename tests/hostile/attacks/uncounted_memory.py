"""Get memory that the kernel's limit of private, writable memory does not count.

docker: answered
wasm: answered
answer: []
"""

import os

from hostile import succeeded

GROWS_DOWN = 0x100


def solve(task):
    try:
        import mmap
        import resource
    except ImportError:
        return []
    shared, private = mmap.MAP_SHARED, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

    def device():
        fd = os.open("/dev/zero", os.O_RDWR)
        mmap.mmap(fd, 1 << 20, shared)[0] = 1

    return succeeded(
        nameless=lambda: mmap.mmap(-1, 1 << 20, shared | mmap.MAP_ANONYMOUS),
        validated=lambda: mmap.mmap(-1, 1 << 20, 0x03 | mmap.MAP_ANONYMOUS),
        device=device,
        like_a_stack=lambda: mmap.mmap(-1, 1 << 20, private | GROWS_DOWN),
        stack=lambda: resource.setrlimit(resource.RLIMIT_STACK, (1 << 30, 1 << 30)),
    )
