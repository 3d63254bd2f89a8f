"""What `doctor` looks at on this machine; each check is one function.

None raises, but for the attacks on the sandbox: when one succeeds, nothing else matters.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib.metadata
import importlib.util
import platform
import shutil
import sys

from metasearch.cli.finding import Check
from metasearch.errors import MetasearchError, NoArchive, OldArchive, SandboxUnavailable

__all__ = ["EXTRAS", "attack_check", "host_checks"]

FLOOR = (3, 11)
LOW_DISK, NO_DISK = 2_000_000_000, 100_000_000  # bytes; the local model and an archive need some
FIRST_DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # a clock before it is wrong
EXTRAS = {
    "wasm": ("wasmtime", "a sandbox without an engine"),
    "local": ("xllamacpp", "a model on this machine"),
    "tasks": ("reasoning_gym", "generated reasoning tasks"),
}


def host_checks(archive: str | None) -> list[Check]:
    """Return what this machine and this installation are like; `archive` as in `--archive`."""
    found = [_python(), _package(), *(_extra(name) for name in EXTRAS)]
    return [*found, _archive(archive), _disk(archive), _clock()]


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info < FLOOR:
        return Check("python", "fail", version, f"install Python {FLOOR[0]}.{FLOOR[1]} or later")
    return Check("python", "ok", f"{version} on {platform.system()} {platform.machine()}")


def _package() -> Check:
    """Look for the folders that a wheel ships beside the code."""
    from metasearch import __version__
    from metasearch.assets import asset

    try:
        for folder in ("archive", "sandbox", "seeds"):
            asset(folder)
    except FileNotFoundError as error:
        return Check("package", "fail", str(error), "pip install --force-reinstall metasearch")
    return Check("package", "ok", f"metasearch {__version__}, with archive, sandbox and seeds")


def _extra(name: str) -> Check:
    module, purpose = EXTRAS[name]
    if importlib.util.find_spec(module) is None:
        fix = f"pip install 'metasearch[{name}]'"
        return Check(f"extra [{name}]", "warn", f"not installed: {purpose}", fix)
    return Check(f"extra [{name}]", "ok", f"{module} {_version(module)}")


def _version(module: str) -> str:
    packages = importlib.metadata.packages_distributions().get(module, [module])
    try:
        return importlib.metadata.version(packages[0])
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _archive(place: str | None) -> Check:
    from metasearch.archive import Archive
    from metasearch.archive.database import locate

    try:
        where = locate(place)
        with Archive.open(place, read_only=True, create=False) as archive:
            problems = archive.check()
            count = len(archive.searches())
    except NoArchive:
        return Check("archive", "ok", f"none yet at {where.label}; the first search makes it")
    except OldArchive:
        text = f"{where.label}: of an older release; the next command that uses it moves it up"
        return Check("archive", "ok", text)
    except MetasearchError as error:
        return Check("archive", "fail", str(error))
    if problems:
        fix = "restore a backup, or save what is left: sqlite3 ARCHIVE .recover | sqlite3 NEW"
        return Check("archive", "fail", f"{where.label}: {problems[0]}", fix)
    return Check("archive", "ok", f"{where.label}, {count} searches")


def _disk(place: str | None) -> Check:
    from platformdirs import user_data_path

    from metasearch.archive.database import locate

    try:
        folder = locate(place).file or user_data_path("metasearch")
    except MetasearchError:
        folder = user_data_path("metasearch")
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free at {folder}"
    if free < NO_DISK:
        return Check("disk", "fail", text, "free some space, or METASEARCH_ARCHIVE=elsewhere")
    if free < LOW_DISK:
        return Check("disk", "warn", text, "the local model and a long search need about 2 GB")
    return Check("disk", "ok", text)


def _clock() -> Check:
    now = datetime.datetime.now(datetime.UTC)
    if now < FIRST_DAY:
        return Check("clock", "fail", f"it says {now:%Y-%m-%d}", "set it: certificates need it")
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def attack_check(name: str) -> Check:
    """Attack the sandbox that a search would use, as a search does before it begins.

    Args:
        name: "auto" or an installed sandbox.

    Raises:
        SandboxUnavailable: an attack succeeded.
    """
    from metasearch.sandbox.choose import open_sandbox
    from metasearch.sandbox.proof import attacked, refused

    async def attack() -> tuple[str, dict[str, str]]:
        async with await open_sandbox(name) as sandbox:
            return sandbox.name, await attacked(sandbox)

    try:
        used, found = asyncio.run(attack())
    except SandboxUnavailable as error:
        return Check("attacks", "fail", str(error))
    if leak := refused(used, found):
        raise leak
    return Check("attacks", "ok", f"{used} stopped all {len(found)}: {', '.join(found)}")
