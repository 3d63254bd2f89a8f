"""Become root or another slot's user.

threats: 15
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import kernel, succeeded


def solve(task):
    own = os.getuid() if hasattr(os, "getuid") else 0
    others = {f"uid {uid}": lambda uid=uid: os.setuid(uid) for uid in (0, own - 1, own + 1)}
    return succeeded(
        **others,
        groups=lambda: os.setgroups([0]),
        gid=lambda: os.setgid(0),
        effective=lambda: os.seteuid(0),
        saved=lambda: os.setresuid(own, own, 0),
        real=lambda: os.setreuid(0, own),
        filesystem=lambda: 1 / (kernel(122, 151, 0) == 0),
        capabilities=lambda: kernel(126, 91, b"\x26\x05\x08\x20" + b"\0" * 4, b"\xff" * 24),
        ambient=lambda: kernel(157, 167, 47, 2, 7, 0, 0),
        securebits=lambda: kernel(157, 167, 28, 1, 0, 0, 0),
        keep=lambda: kernel(157, 167, 8, 1, 0, 0, 0) or os.setuid(0),
    )
