"""Use the many options of prctl and of its neighbours that change what a process is to others.

docker: answered
wasm: answered
answer: []
"""

from hostile import kernel, succeeded

OPTIONS = {
    "dumpable": (4, 1), "parent death": (1, 0), "subreaper": (36, 1), "ptracer": (0x59616D61, -1),
    "mm": (35, 1), "filter off": (22, 0), "strict": (22, 1), "securebits": (28, 0),
    "drop bound": (24, 0), "ambient": (47, 2), "core sharing": (62, 1), "speculation": (53, 0),
    "merge": (67, 1), "io flusher": (57, 1), "dispatch": (59, 0),
}  # fmt: skip
HARMLESS = {
    "parent death",
    "subreaper",
    "dispatch",
    "drop bound",
    "ambient",
    "speculation",
    "strict",
    "securebits",
}


def solve(task):
    attempts = {
        name: lambda pair=pair: kernel(157, 167, *pair, 0, 0, 0)
        for name, pair in OPTIONS.items()
        if name not in HARMLESS
    }
    return succeeded(
        **attempts,
        file_of_faults=lambda: kernel(323, 282, 0),
        memory_file=lambda: kernel(319, 279, b"x\0", 0),
        secret_memory=lambda: kernel(447, 447, 0),
        pidfd=lambda: kernel(434, 434, 1, 0),
        mergeable=lambda: offered(),
        keyring=lambda: kernel(250, 219, 1, 0),
    )


def offered():
    """Let the kernel merge a page with equal ones of other containers, which time betrays."""
    import mmap

    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    page.madvise(12)
