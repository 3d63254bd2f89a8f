"""A Unix socket between a client and the real engine, which can fail as an engine does.

The shared engine is never touched: who uses the proxy sees it go away, come back, or answer that
its disk is full.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from metasearch.sandbox.engine import _address

DEFAULT = "unix:///var/run/docker.sock"
_REQUEST = re.compile(rb"^(GET|POST|PUT|DELETE|HEAD) (\S+) HTTP")


class EngineProxy:
    """Use it as a context manager.

    Args:
        folder: where the socket is made.

    Attributes:
        address: what DOCKER_HOST takes.
        refusals: a pattern of "METHOD path" to the words with which such requests fail (500).
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "engine.sock"
        self._real = (_address() or DEFAULT).removeprefix("unix://")
        self.address = f"unix://{self._path}"
        self.refusals: dict[str, str] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._answers = True
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def up(self) -> None:
        """Answer again."""
        self._answers = True

    def down(self) -> None:
        """Drop every connection, new ones too: the engine is stopped, its socket still there."""
        self._answers = False
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._answers:
                    threading.Thread(target=self._serve, args=(client,), daemon=True).start()
                else:
                    client.close()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            with self._lock:
                self._open |= {client, engine}
            try:
                engine.connect(self._real)
                self._pass_on(client, engine)
            except OSError:
                return
            finally:
                with self._lock:
                    self._open -= {client, engine}

    def _pass_on(self, client: socket.socket, engine: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, engine)
            ready.register(engine, selectors.EVENT_READ, client)
            while ready.get_map():
                for key, _ in ready.select():
                    source, sink = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(1 << 16)
                    if source is client and (words := self._refused(data)):
                        self._refuse(client, data, words)
                        return
                    if data:
                        sink.sendall(data)
                    else:
                        ready.unregister(source)
                        sink.shutdown(socket.SHUT_WR)

    def _refused(self, data: bytes) -> str:
        found = _REQUEST.match(data)
        if found is None:
            return ""
        asked = b" ".join(found.groups()).decode()
        return next((words for what, words in self.refusals.items() if re.search(what, asked)), "")

    def _refuse(self, client: socket.socket, head: bytes, words: str) -> None:
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = head.partition(b"\r\n\r\n")[2]
        client.settimeout(5)
        while length and len(body) < int(length.group(1)):
            body += client.recv(1 << 16)
        said = json.dumps({"message": words}).encode()
        client.sendall(
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(said) + said
        )
