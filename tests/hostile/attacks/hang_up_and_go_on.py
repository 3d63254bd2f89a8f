"""Close its pipe in several jobs at once and go on computing in their places.

docker: crashed
wasm: crashed | timed_out
active: 3
together: 6
"""

import os


def solve(task):
    for fd in (3, 0, 1):
        os.close(fd)
    while True:
        pass
