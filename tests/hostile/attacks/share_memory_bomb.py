"""Map shared memory without a name, which its cap of private memory does not count.

docker: out_of_memory
wasm: out_of_memory | crashed
alone: yes
"""

import mmap


def solve(task):
    kept = []
    while True:
        try:
            kept.append(mmap.mmap(-1, 64 << 20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
        except OSError:
            raise MemoryError from None
        for page in range(0, 64 << 20, 4096):
            kept[-1][page] = 1
