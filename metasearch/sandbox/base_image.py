"""A base image made from this machine's own Python, for machines that reach no registry.

The interpreter, its standard library and the shared libraries that they need, as one tar: about 35
MB, no shell, no package manager, never site-packages. Its C library and version are this machine's:
good for running designs here, nothing to publish.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from metasearch.errors import SandboxUnavailable

__all__ = ["OFFLINE_TAG", "write_base"]

OFFLINE_TAG = "metasearch-python:{}.{}-offline".format(*sys.version_info)

LIBRARIES = "usr/local/lib"  # the image's LD_LIBRARY_PATH
_LEFT_OUT = {
    "__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test",
    "tests", "tkinter", "turtledemo", "venv",
}  # fmt: skip
_LEFT_OUT_FILES = re.compile(
    r"_sysconfigdata.*|_test.*\.so|_ctypes_test.*|_tkinter.*|xxlimited.*|.*\.a"
)
_TEXTS = {
    "etc/passwd": "root:x:0:0:root:/:/bin/false\n",
    "etc/group": "root:x:0:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_EMPTY = ("etc", "tmp", "proc", "sys", "dev", "usr", "usr/local", "usr/local/bin", LIBRARIES)
_ABSOLUTE = re.compile(r"^\s*(/\S+) \(0x")
_FOUND = re.compile(r"^\s*(\S+) => (/\S+) \(0x")


def write_base(where: Path) -> None:
    """Write the root file system as a tar: owned by root, times 0, the same for the same Python.

    Raises:
        SandboxUnavailable: this is not Linux, or the libraries cannot be listed.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(
            f"a base image can be made from a Linux Python only, and this is {platform.system()}; "
            "give one with --base, or let the engine reach a registry"
        )
    interpreter = Path(os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable))
    version = "python{}.{}".format(*sys.version_info)
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(where, "w") as tar:
        writer = _Writer(tar, Path(scratch))
        writer.folders(_EMPTY)
        writer.file(f"usr/local/bin/{version}", interpreter)
        writer.link("usr/local/bin/python3", version)
        binaries = [interpreter]
        for name, path in _stdlib():
            writer.file(f"usr/local/{sys.platlibdir}/{version}/{name}", path)
            if path.suffix == ".so":
                binaries.append(path)
        for name, path in _libraries(binaries):
            writer.file(name, path)
        for name, text in _TEXTS.items():
            writer.text(name, text)


def _stdlib() -> Iterator[tuple[str, Path]]:
    """Yield (name below the library's folder, file); compiled modules may have another folder."""
    found: dict[str, Path] = {}
    for key in ("stdlib", "platstdlib"):
        # The paths of the interpreter that a virtual environment was made from.
        base = {"installed_base": sys.base_prefix, "installed_platbase": sys.base_exec_prefix}
        root = Path(sysconfig.get_path(key, vars=base))
        for folder, below, files in os.walk(root):
            below[:] = [n for n in below if n not in _LEFT_OUT and not n.startswith("config-")]
            for name in files:
                if not _LEFT_OUT_FILES.fullmatch(name):
                    path = Path(folder, name)
                    found.setdefault(path.relative_to(root).as_posix(), path)
    return iter(sorted(found.items()))


def _libraries(binaries: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield (name in the image, file) of the shared libraries that are needed, and their loader."""
    found: dict[str, Path] = {}
    for binary in binaries:
        try:
            listing = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False)
        except OSError as error:
            raise SandboxUnavailable(
                f"cannot list the libraries of {binary}: {error}; give a base image with --base"
            ) from None
        for line in listing.stdout.splitlines():
            if match := _ABSOLUTE.match(line):  # the loader: its path is written in every binary
                found[match[1].lstrip("/")] = Path(match[1])
            elif match := _FOUND.match(line):
                found[f"{LIBRARIES}/{match[1].rpartition('/')[2]}"] = Path(match[2])
    # Opened at run time by the C library when a thread ends; no binary names it.
    for folder in {path.parent for path in found.values()}:
        if (folder / "libgcc_s.so.1").exists():
            found.setdefault(f"{LIBRARIES}/libgcc_s.so.1", folder / "libgcc_s.so.1")
    return iter(sorted(found.items()))


class _Writer:
    """Writes entries that say nothing of this machine's users, times and modes."""

    def __init__(self, tar: tarfile.TarFile, scratch: Path) -> None:
        self._tar, self._scratch = tar, scratch
        self._strip = shutil.which("strip")
        self._folders: set[str] = set()

    def folders(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name and name not in self._folders:
                self.folders((name.rpartition("/")[0],))
                self._folders.add(name)
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
                self._tar.addfile(entry)

    def file(self, name: str, path: Path) -> None:
        data = self._stripped(path).read_bytes()
        self._add(name, data, 0o755 if os.access(path, os.X_OK) else 0o644)

    def text(self, name: str, text: str) -> None:
        self._add(name, text.encode(), 0o644)

    def link(self, name: str, target: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)

    def _add(self, name: str, data: bytes, mode: int) -> None:
        self.folders((name.rpartition("/")[0],))
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), mode
        self._tar.addfile(entry, io.BytesIO(data))

    def _stripped(self, path: Path) -> Path:
        """Return the file without debug symbols, or as it is where that cannot be done."""
        with path.open("rb") as file:
            if self._strip is None or file.read(4) != b"\x7fELF":
                return path
        smaller = self._scratch / "stripped"
        command = [self._strip, "--strip-unneeded", "-o", str(smaller), str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
        return smaller if done.returncode == 0 else path
