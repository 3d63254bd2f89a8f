from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.engine import reason


@pytest.fixture
def web_server() -> Iterator[str]:
    """Something that speaks HTTP and is no engine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>")
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


async def test_no_engine_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    why = await DockerSandbox.available()
    assert why.startswith(f"no Docker engine answers at unix://{tmp_path}/nothing.sock; start")
    assert "\n" not in why
    async with DockerSandbox() as sandbox:
        with pytest.raises(SandboxUnavailable, match="no Docker engine answers"):
            await sandbox.open("def solve(task): return 1")
    with pytest.raises(SandboxUnavailable, match="no Docker engine answers"):
        await DockerSandbox.sweep()


async def test_a_socket_that_nobody_listens_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(tmp_path / "s"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    assert "no Docker engine answers" in await DockerSandbox.available()


async def test_something_else_answers(monkeypatch: pytest.MonkeyPatch, web_server: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", web_server)
    assert "does not answer as one" in await DockerSandbox.available()


async def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "gopher://nowhere")
    why = await DockerSandbox.available()
    assert "gopher://nowhere" in why
    assert "\n" not in why


def test_a_user_without_permission_is_told_which_group() -> None:
    inner = PermissionError(13, "Permission denied")
    error = OSError("Error while fetching server API version", inner)
    assert "join the group docker" in reason(error)
