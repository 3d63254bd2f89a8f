"""The places that jobs run in: a uid and a folder each, cleaned before the next job gets them.

PID 1 has no capability to signal or to open what is not its own. It acts on a slot by taking the
slot's uid for a moment (real uid a third one, saved uid 0): the kernel then lets it reach that
uid's processes and files and no others, and no process of that uid can signal it back.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Slots"]

_GIVE_UP_SECONDS = 30.0


class Slots:
    """Free, used and not yet clean slots of one container.

    Args:
        uid_base: the first slot's uid; the one before it is the reaper's.
        count: how many there are.
    """

    def __init__(self, uid_base: int, count: int) -> None:
        self._uid_base, self._count = uid_base, count
        self.homes = [f"/jobs/{slot}" for slot in range(count)]
        self._free = list(range(count))
        self.dirty: dict[int, float] = {}  # slot: when to give it up
        self._lost = 0

    def take(self, *, chosen: bool = True) -> int | None:
        """Return a clean slot that nobody uses: any, as its number shall tell a job nothing.

        Args:
            chosen: by chance; else the first, whose uid the host knows.
        """
        if not self._free:
            return None
        chance = int.from_bytes(os.urandom(4), "big") if chosen else 0
        return self._free.pop(chance % len(self._free))

    def kill(self, slot: int) -> None:
        """End every process of a slot's uid; none can refuse or outrun it for long."""
        with self._as(slot), suppress(OSError):
            os.kill(-1, signal.SIGKILL)

    def give_back(self, slot: int) -> None:
        """Clean a slot now, or put it aside until it is clean."""
        if self._cleaned(slot):
            self._free.append(slot)
        else:
            self.dirty[slot] = time.monotonic() + _GIVE_UP_SECONDS

    def clean(self, now: float) -> bool:
        """Try the slots put aside again; False when fewer than half of all are left."""
        for slot, until in list(self.dirty.items()):
            if self._cleaned(slot):
                del self.dirty[slot]
                self._free.append(slot)
            elif now > until:
                del self.dirty[slot]
                self._lost += 1
        return self._lost * 2 <= self._count

    def _cleaned(self, slot: int) -> bool:
        _reap_orphans()
        self.kill(slot)
        try:
            os.getpriority(os.PRIO_USER, self._uid_base + slot)
        except ProcessLookupError:
            pass  # nobody has this uid any more
        else:
            return False
        try:
            with self._as(slot):
                return _emptied(self.homes[slot])
        except OSError:
            return False

    @contextmanager
    def _as(self, slot: int) -> Iterator[None]:
        # With a real uid of 0 the signal would also reach a newborn job that is still root.
        os.setresuid(self._uid_base - 1, self._uid_base + slot, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)


def _reap_orphans() -> None:
    """Collect processes whose parent is gone: unreaped, they would use up the uid's share."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _emptied(home: str) -> bool:
    """Remove all below a folder, never following a link; no recursion, whatever the depth."""
    os.chmod(home, 0o700)
    open_folders = [os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)]
    try:
        while True:
            child = _clear(open_folders[-1])
            if child is not None:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                open_folders.append(os.open(child, flags, dir_fd=open_folders[-1]))
            elif len(open_folders) == 1:
                empty = not os.listdir(open_folders[0])
                os.utime(open_folders[0], (0, 0))  # its times could hold a message to the next job
                return empty
            else:
                os.close(open_folders.pop())
    finally:
        for fd in open_folders:
            os.close(fd)


def _clear(folder: int) -> str | None:
    """Remove what is no folder with content; return the name of a folder that has some, or None."""
    with os.scandir(folder) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in names:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
            continue
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError:
            os.chmod(name, 0o700, dir_fd=folder)
            return name
    return None
