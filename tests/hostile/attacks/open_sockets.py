"""Make a socket of every family.

threats: 6
docker: answered
wasm: answered
answer: []
"""

from hostile import kernel, succeeded


def solve(task):
    try:
        import socket
    except ImportError:
        return []
    families = (1, 2, 10, 15, 16, 17, 21, 29, 31, 38, 40, 44)
    attempts = {
        f"{family}/{kind}": lambda f=family, k=kind: socket.socket(f, k).close()
        for family in families
        for kind in (1, 2, 3, 5)
    }
    return succeeded(**attempts, plain=lambda: kernel(41, 198, 2, 1, 0))
