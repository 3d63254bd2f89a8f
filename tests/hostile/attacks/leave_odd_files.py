"""Leave links, closed folders, odd names and a deep chain behind; the next job finds nothing.

threats: 17, 30
docker: answered
wasm: answered
answer: []
times: 12
"""

import os

from hostile import FILE, succeeded


def solve(task):
    home = os.path.abspath(os.environ.get("HOME", "/nowhere"))
    if not os.path.isdir(home):
        return []
    found = os.listdir(home)
    os.chdir(home)
    succeeded(
        up=lambda: os.symlink("..", "up"),
        out=lambda: os.symlink("/", "out"),
        loop=lambda: os.symlink("loop", "loop"),
        box=lambda: os.symlink("/box/runner/job.py", "box"),
        label=lambda: os.symlink(FILE, "label"),
        hard=lambda: os.link("/box/runner/job.py", "hard"),
        fifo=lambda: os.mkfifo("fifo"),
        bytes=lambda: os.mkdir(b"\xff\xfe\n\x1b[2J"),
        dash=lambda: os.mkdir("-rf"),
        long=lambda: os.mkdir("x" * 255),
        closed=lambda: (os.makedirs("closed/inside"), os.chmod("closed", 0)),
        sticky=lambda: (os.makedirs("sticky/inside"), os.chmod("sticky", 0o7000)),
    )
    try:
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
    except OSError:
        pass
    os.chmod(home, 0)
    return found
