"""Make pairs of sockets, send descriptors over them and out-of-band bytes: where kernels had holes.

docker: answered
wasm: answered
answer: []
"""

from hostile import kernel, succeeded


def solve(task):
    import array

    pair = array.array("i", [0, 0])
    try:
        from ctypes import c_char
    except ImportError:
        return []
    place = (c_char * 8).from_buffer(pair)
    return succeeded(
        stream=lambda: kernel(53, 199, 1, 1, 0, place),
        packets=lambda: kernel(53, 199, 1, 5, 0, place),
        netlink=lambda: kernel(53, 199, 16, 3, 0, place),
        urgent=lambda: kernel(44, 206, 3, b"x", 1, 1, 0, 0),
        urgent_read=lambda: kernel(45, 207, 3, b"x" * 8, 1, 0x41, 0, 0),
        message=lambda: kernel(46, 211, 3, b"\0" * 56, 0x4000),
        peek=lambda: kernel(47, 212, 3, b"\0" * 56, 0x42),
        options=lambda: kernel(54, 208, 3, 1, 8, b"\1\0\0\0", 4),
        close=lambda: kernel(48, 210, 3, 0),
    )
