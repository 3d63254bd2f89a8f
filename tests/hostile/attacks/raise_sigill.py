"""Make the system calls that the kernel answers with a signal, not with an error.

docker: crashed
wasm: crashed
"""

from hostile import kernel


def solve(task):
    return kernel(335, 10_000, 0, 0, 0, 0, 0, 0), kernel(15, 139)
