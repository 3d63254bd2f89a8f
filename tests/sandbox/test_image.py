from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metasearch.assets import asset
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import base_image, image, owners
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.engine import connect


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped folder that the module under test reads instead."""
    shutil.copytree(asset("sandbox"), tmp_path / "sandbox")
    monkeypatch.setattr(image, "asset", lambda folder: tmp_path / folder)
    return tmp_path / "sandbox" / "image"


def test_the_tag_follows_the_content_and_nothing_else(copied: Path) -> None:
    before = image.current_tag()
    (copied / "runner" / "__pycache__").mkdir(exist_ok=True)
    (copied / "runner" / "__pycache__" / "job.cpython-311.pyc").write_bytes(b"x")
    (copied / "seccomp.json").write_text("{}")  # is sent with every start, not part of the image
    assert image.current_tag() == before
    (copied / "agentkit" / "__init__.py").write_text("CHANGED = True\n")
    changed = image.current_tag()
    assert changed != before
    (copied / "agentkit" / "__init__.py").rename(copied / "agentkit" / "other.py")
    assert image.current_tag() not in (before, changed)


def test_a_base_from_this_python_tells_nothing_of_this_machine(tmp_path: Path) -> None:
    base_image.write_base(tmp_path / "base.tar")
    with tarfile.open(tmp_path / "base.tar") as tar:
        members = tar.getmembers()
    names = {member.name for member in members}
    assert "usr/local/bin/python3" in names
    assert any(name.endswith("/asyncio/base_events.py") for name in names)
    assert any("ld-linux" in name or "ld-musl" in name for name in names)
    assert not [name for name in names if "site-packages" in name or "_sysconfigdata" in name]
    assert {(m.uid, m.gid, m.mtime, m.uname) for m in members} == {(0, 0, 0, "")}
    assert sum(member.size for member in members) < 120e6


@pytest.mark.docker
def test_an_image_is_built_without_a_registry() -> None:
    lines: list[str] = []
    info = image.build(image.OFFLINE, lines.append, force=True)
    assert (info.tag, info.base) == (image.current_tag(), base_image.OFFLINE_TAG)
    assert info.bytes < 150e6
    assert image.is_built()
    assert any("Successfully built" in line for line in lines)
    again = image.build(progress=lines.append)
    assert again.seconds == 0.0
    assert again.id == info.id


@pytest.mark.docker
async def test_an_image_older_than_the_code_is_refused(copied: Path) -> None:
    (copied / "runner" / "job.py").write_text("# newer\n")
    why = "the sandbox image is older than this code; run: metasearch image build"
    assert await DockerSandbox.available() == why
    async with DockerSandbox() as sandbox:
        with pytest.raises(SandboxUnavailable, match="older than this code"):
            await sandbox.open("def solve(task): return 1")


@pytest.mark.docker
async def test_an_image_that_was_never_built_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "REPOSITORY", "metasearch-never-built")
    assert "is not built; run: metasearch image build" in await DockerSandbox.available()


@pytest.mark.docker
def test_a_tag_on_other_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = connect()
    try:
        monkeypatch.setattr(image, "REPOSITORY", "metasearch-test-forged")
        client.images.get(base_image.OFFLINE_TAG).tag(*image.current_tag().split(":"))
        assert "holds something else" in image.missing(client)
    finally:
        client.images.remove(image.current_tag())
        client.close()


@pytest.fixture
def olds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Makes images as an older version would have built them, under a name of the test's own."""
    monkeypatch.setattr(image, "REPOSITORY", "metasearch-test-prune")
    client = connect()
    current = client.images.get(image.current_tag().replace(image.REPOSITORY, "metasearch-sandbox"))
    current.tag(*image.current_tag().split(":"))

    def old(content: str) -> str:
        text = f"FROM {current.id}\nLABEL {image.LABEL}={content}\n".encode()
        tag = f"{image.REPOSITORY}:{content}"
        client.images.build(fileobj=io.BytesIO(text), tag=tag, rm=True)
        return tag

    yield old
    for one in client.images.list(image.REPOSITORY):
        for tag in one.tags:
            if tag.startswith(image.REPOSITORY):
                client.images.remove(tag, force=True)
    client.close()


@pytest.mark.docker
def test_images_of_older_versions_go_unless_they_are_used(olds: Callable[[str], str]) -> None:
    client = connect()
    unused, used = olds("0123456789ab"), olds("ba9876543210")
    container = client.containers.create(used, labels=owners.labels("test-prune"))
    try:
        assert not {unused, used} & set(image.prune(client, older_than=3600.0))  # too young
        removed = image.prune(client)
        assert unused in removed
        assert not {used, image.current_tag()} & set(removed)
        assert image.missing(client) == ""
    finally:
        container.remove()
    assert used in image.prune(client)
    assert base_image.OFFLINE_TAG in {tag for one in client.images.list() for tag in one.tags}
    client.close()


@pytest.mark.docker
def test_a_base_that_cannot_be_had_is_one_line() -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        image.build("metasearch.invalid/nothing:1")
    assert "the base image metasearch.invalid/nothing:1 cannot be fetched" in str(caught.value)
    assert "offline" in str(caught.value)
    assert "\n" not in str(caught.value)
