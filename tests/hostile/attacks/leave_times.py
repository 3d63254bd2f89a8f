"""Leave a message in the times, the mode and the attributes of its own empty folder.

docker: answered
wasm: answered
answer: []
times: 12
"""

import os
from contextlib import suppress

MESSAGE = (424_242, 717_171)


def solve(task):
    home = os.path.abspath(os.environ.get("HOME", "/nowhere"))
    if not os.path.isdir(home):
        return []
    state = os.stat(home)
    found = [what for what in (state.st_mtime_ns, state.st_atime_ns) if what in MESSAGE]
    found += os.listxattr(home)
    found += [oct(state.st_mode)] if state.st_mode & 0o7777 != 0o700 else []
    os.utime(home, ns=MESSAGE)
    with suppress(OSError):
        os.setxattr(home, "user.left", b"left")
    os.chmod(home, 0o5711)
    return found
