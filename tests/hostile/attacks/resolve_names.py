"""Ask a name server.

threats: 7
docker: answered
wasm: answered
answer: []
"""

from hostile import succeeded


def solve(task):
    try:
        import socket
    except ImportError:
        return []
    return succeeded(
        address=lambda: socket.getaddrinfo("example.org", 80),
        old=lambda: socket.gethostbyname("example.org"),
        reverse=lambda: socket.gethostbyaddr("192.0.2.1"),
    )
