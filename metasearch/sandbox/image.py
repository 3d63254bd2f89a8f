"""The image that designs run in: built from the shipped folder, named by its content."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound

from metasearch.assets import asset
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.base_image import LIBRARIES, OFFLINE_TAG, write_base
from metasearch.sandbox.engine import connect, reason

__all__ = [
    "DEFAULT_BASE",
    "LABEL",
    "OFFLINE",
    "ImageInfo",
    "build",
    "content_hash",
    "current_tag",
    "is_built",
    "missing",
    "prune",
]

DEFAULT_BASE = "python:3.12-slim"
OFFLINE = "offline"  # as a base: make it from this machine's own Python and ask no registry
LABEL = "metasearch.image"
REPOSITORY = "metasearch-sandbox"

_YOUNG_SECONDS = 3_600.0  # another version that has just built its image is about to use it
_PARTS = ("Dockerfile", "agentkit", "runner")  # what the image is made of


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An image that is there and current.

    Attributes:
        tag: `metasearch-sandbox:<hash of what it is made of>`.
        id: the engine's own content address.
        base: the image it was built on.
        bytes: size on the engine's disk, the base included.
        seconds: how long making it took; 0.0 when it was there already.
    """

    tag: str
    id: str
    base: str
    bytes: int
    seconds: float


def content_hash() -> str:
    """Return 12 hex digits of the shipped Dockerfile, runner and kit: other text, other image."""
    digest = hashlib.sha256()
    for name, path in _files():
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:12]


def current_tag() -> str:
    """Return the tag of the image that this code needs."""
    return f"{REPOSITORY}:{content_hash()}"


def is_built(client: docker.DockerClient | None = None) -> bool:
    """Return whether the engine has the current image.

    Raises:
        SandboxUnavailable: no engine answers.
    """
    return not missing(client or connect())


def missing(client: docker.DockerClient) -> str:
    """Return "" when the current image is there, else one line that says what to run."""
    tag, content = current_tag(), content_hash()
    try:
        if client.images.get(tag).labels.get(LABEL) == content:
            return ""
        return (
            f"the image {tag} holds something else than its name says; run: metasearch image build"
        )
    except ImageNotFound:
        older = client.images.list(REPOSITORY)
    if older:
        return "the sandbox image is older than this code; run: metasearch image build"
    return "the sandbox image is not built; run: metasearch image build"


def build(
    base: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    client: docker.DockerClient | None = None,
    force: bool = False,
) -> ImageInfo:
    """Build the current image, or find it; images of older versions go once there is a new one.

    Args:
        base: an image with Python 3.11 or later, "offline", or None: the default base where a
            registry is reached, else one made from this machine's own Python.
        progress: is given one line at a time.
        force: build even if the current image is there.

    Raises:
        SandboxUnavailable: no engine, no base, or the build failed; its last line says why.
    """
    client = client or connect(seconds=600)
    start = time.monotonic()
    try:
        if not force and base is None and not missing(client):
            progress(f"{current_tag()} is there and current")
            return _info(client, 0.0)
        chosen = _base(client, base, progress)
        _build(client, chosen, progress)
        made = _info(client, time.monotonic() - start)
        for name in prune(client, older_than=_YOUNG_SECONDS):
            progress(f"removed {name}, which an older version had built")
        return made
    except DockerException as error:
        raise SandboxUnavailable(f"building the sandbox image failed: {reason(error)}") from error


def prune(client: docker.DockerClient | None = None, *, older_than: float = 0.0) -> list[str]:
    """Remove images that this project has built, but not the current one, nor one in use.

    In use means that there is a container of it, running or not. Base images stay.

    Args:
        older_than: seconds; what was built since stays as well.

    Returns:
        the tags removed, or the id of an image that had lost its tag.

    Raises:
        SandboxUnavailable: no engine answers.
    """
    client = client or connect()
    try:
        images = client.api.images(filters={"label": LABEL})
        used = {one["ImageID"] for one in client.api.containers(all=True)}
    except DockerException as error:
        raise SandboxUnavailable(reason(error)) from error
    removed = []
    for image in images:
        if image["Id"] not in used and time.time() - image["Created"] >= older_than:
            removed += [name for name in _names(image) if _removed(client, name)]
    return removed


def _names(image: dict[str, Any]) -> list[str]:
    """Return what to remove of an image: its tags of ours but the current one, else its id."""
    tags = [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]
    ours = [tag for tag in tags if tag.partition(":")[0] == REPOSITORY and tag != current_tag()]
    return ours if tags else [image["Id"]]


def _removed(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.remove(name)  # not by force: the engine itself refuses one that is in use
    except DockerException:
        return False
    return True


def _files() -> Iterator[tuple[str, Path]]:
    root = asset("sandbox") / "image"
    for part in _PARTS:
        path = root / part
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc":
                yield file.relative_to(root).as_posix(), file


def _base(client: docker.DockerClient, asked: str | None, progress: Callable[[str], None]) -> str:
    """Return a base image that the engine has, fetched or made where it is missing."""
    if asked == OFFLINE:
        return _offline_base(client, progress)
    name = asked or DEFAULT_BASE
    try:
        client.images.get(name)
        return name
    except ImageNotFound:
        progress(f"fetching {name}")
    try:
        repository, _, tag = name.partition("@") if "@" in name else name.rpartition(":")
        client.images.pull(repository or name, tag if repository else "latest")
        return name
    except DockerException as error:
        why = " ".join(str(getattr(error, "explanation", None) or error).split())[:200]
        if asked is not None:
            raise SandboxUnavailable(
                f"the base image {name} cannot be fetched: {why}; "
                f"leave the base out, or give {OFFLINE!r} to use this machine's Python"
            ) from None
        progress(f"{name} cannot be fetched ({why})")
    return _offline_base(client, progress)


def _offline_base(client: docker.DockerClient, progress: Callable[[str], None]) -> str:
    try:
        client.images.get(OFFLINE_TAG)
        return OFFLINE_TAG
    except ImageNotFound:
        progress(f"making {OFFLINE_TAG} from this machine's own Python")
    repository, _, tag = OFFLINE_TAG.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder, "base.tar")
        write_base(where)
        changes = [f"ENV LD_LIBRARY_PATH=/{LIBRARIES}"]
        client.api.import_image_from_file(str(where), repository, tag, changes=changes)
    return OFFLINE_TAG


def _build(client: docker.DockerClient, base: str, progress: Callable[[str], None]) -> None:
    progress(f"building {current_tag()} on {base}")
    events = client.api.build(
        fileobj=_context(),
        custom_context=True,
        tag=current_tag(),
        buildargs={"BASE": base},
        labels={LABEL: content_hash(), f"{LABEL}.base": base},
        network_mode="none",
        rm=True,
        forcerm=True,
        decode=True,
    )
    last = ""
    for event in events:
        last = _line_of(event) or last
        if "error" in event:
            raise SandboxUnavailable(f"building the sandbox image on {base} failed: {last}")
        if line := _line_of(event):
            progress(line)


def _line_of(event: dict[str, Any]) -> str:
    line = " ".join(str(event.get("error") or event.get("stream") or "").split())[:200]
    return "" if line.startswith(("--->", "Removing intermediate")) else line


def _context() -> io.BytesIO:
    """Return the build's context: owned by root, times 0, so that the engine's cache works."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in _files():
            entry = tarfile.TarInfo(name)
            data = path.read_bytes()
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    buffer.seek(0)
    return buffer


def _info(client: docker.DockerClient, seconds: float) -> ImageInfo:
    image = client.images.get(current_tag())
    base = image.labels.get(f"{LABEL}.base", "")
    return ImageInfo(current_tag(), str(image.id), base, int(image.attrs["Size"]), seconds)
