"""What attacks share: the suite gives it to each as the module `hostile`."""

import os
import re

FILE = "@FILE@"  # a file of the host with a canary in it
FOLDER = "@FOLDER@"  # a folder of the host that everybody may write to
CANARY = re.compile(rb"canary-[0-9a-f]{16}")


def succeeded(**attempts):
    """Return the names of the attempts that raised nothing."""
    done = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except BaseException:  # noqa: BLE001 - SystemExit is a failure, too
            continue
        done.append(name)
    return done


def kernel(x86, arm, *arguments):
    """Make a system call by its number; raises where there is no kernel to call."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    number = x86 if os.uname().machine == "x86_64" else arm
    value = library.syscall(ctypes.c_long(number), *map(word, arguments))
    if value < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return value


def word(value):
    """Return an argument as the kernel takes it: a number or a pointer of 64 bits."""
    import ctypes

    if value is None or isinstance(value, int):
        return ctypes.c_long(value or 0)
    return value


def canaries(*places):
    """Return the canaries in all the files that can be read, an open failure counting as none."""
    found = set()
    for place in places:
        try:
            with open(place, "rb") as file:
                found.update(CANARY.findall(file.read(200_000)))
        except (OSError, ValueError):
            continue
    return sorted(each.decode() for each in found)


def send(value, fds=(1, 3)):
    """Write a frame onto the pipe to the host: 3 in a container, 1 in WebAssembly."""
    import json

    raw(frame(json.dumps(value).encode()), fds)


def frame(body):
    """Return a frame with its length."""
    return len(body).to_bytes(4, "big") + body


def raw(data, fds=(1, 3)):
    """Write bytes onto descriptors, as many as are taken."""
    for fd in fds:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(fd, left) :]
        except OSError:
            continue
