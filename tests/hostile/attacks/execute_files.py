"""Execute programs: of the image, of its own folder, of memory.

threats: 14
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import kernel, succeeded


def solve(task):
    own = os.path.abspath(os.path.join(os.environ.get("HOME", "/"), "program"))

    def written():
        with open(own, "wb") as file:
            file.write(b"#!/usr/local/bin/python3\nprint(1)\n")
        os.chmod(own, 0o755)
        os.execv(own, [own])

    def mapped():
        import mmap

        with open(own, "wb") as file:
            file.write(b"\xc3" * 4096)
        with open(own, "rb") as file:  # the folder is mounted noexec
            mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)

    def listed(function, *before):
        return lambda: getattr(os, function)(
            *before, "/usr/local/bin/python3", ["python3", "-c", ""]
        )

    return succeeded(
        execv=listed("execv"),
        fork=lambda: os.fork() or os._exit(0),
        forkpty=lambda: os.forkpty()[0] or os._exit(0),
        spawn=lambda: os.posix_spawn("/usr/local/bin/python3", ["python3", "-c", ""], {}),
        spawnp=lambda: os.posix_spawnp("python3", ["python3", "-c", ""], {}),
        system=lambda: 1 / (os.system("true") == 0),
        popen=lambda: os.popen("echo").close(),
        written=written,
        mapped=mapped,
        memory=lambda: os.memfd_create("x"),
        execveat=lambda: kernel(322, 281, 0, b"/usr/local/bin/python3\0", 0, 0, 0x1000),
        multiprocessing=lambda: __import__("multiprocessing").Process(target=print).start(),
    )
