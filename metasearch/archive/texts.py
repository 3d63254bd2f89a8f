"""Long texts: stored once, under the hash of what they say, compressed."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, select

from metasearch.archive.dialect import insert_if_absent
from metasearch.archive.models import TextRow, table
from metasearch.archive.prepared import Prepared
from metasearch.types import Json, Message, ModelRequest

__all__ = [
    "Texts",
    "chunked",
    "get_texts",
    "join_request",
    "pack",
    "request_shas",
    "sha_of",
    "split_request",
    "unpack",
]

SMALL_BYTES = 8 * 2**10
KNOWN_TEXTS = 20_000  # about 3 MB of memory
IDS_PER_QUERY = 500  # SQLite takes 32,766 parameters at most, older ones 999

T = TypeVar("T")
_TEXT = table(TextRow)
_INSERT = Prepared(lambda dialect: insert_if_absent(dialect, _TEXT), ("sha", "size", "data"))


def chunked(values: Iterable[T], size: int = IDS_PER_QUERY) -> Iterator[list[T]]:
    """Yield lists of at most `size`, in order."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def sha_of(text: str) -> str:
    """Return a text's address: the SHA-256 of its UTF-8 bytes (a lone surrogate as three bytes)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def pack(data: bytes) -> bytes:
    """Return a zlib stream.

    For a small text the usual 32 kB window costs ten times the compression itself (55 us against 5,
    measured), and a window of 8 kB sees all of it.
    """
    window, memory = (13, 6) if len(data) <= SMALL_BYTES else (15, 8)
    stream = zlib.compressobj(6, zlib.DEFLATED, window, memory)
    return stream.compress(data) + stream.flush()


def unpack(data: bytes) -> str:
    """Return the text that `pack` was given as UTF-8."""
    return zlib.decompress(data).decode("utf-8", "surrogatepass")


def split_request(request: ModelRequest) -> tuple[Json, list[str]]:
    """Return a request as JSON that holds addresses where texts were, and those texts.

    The schema is such a text too: all calls of an agent share it.
    """
    texts = [message.content for message in request.messages]
    body: dict[str, Json] = {
        "messages": [[role, sha_of(content)] for role, content in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if request.schema is not None:
        texts.append(json.dumps(request.schema, separators=(",", ":")))
        body["schema"] = sha_of(texts[-1])
    return body, texts


def join_request(model: str, body: Json, texts: Mapping[str, str]) -> ModelRequest:
    """Return the request that `split_request` took apart; `texts` holds its texts by address."""
    schema = body.get("schema")
    return ModelRequest(
        model=model,
        messages=tuple(Message(role, texts[sha]) for role, sha in body["messages"]),
        max_tokens=body["max_tokens"],
        temperature=body["temperature"],
        schema=None if schema is None else json.loads(texts[schema]),
    )


def request_shas(body: Json) -> list[str]:
    """Return the addresses of the texts of a stored request."""
    shas = [sha for _, sha in body["messages"]]
    return [*shas, body["schema"]] if "schema" in body else shas


def get_texts(connection: Connection, shas: Iterable[str | None]) -> dict[str, str]:
    """Return stored texts by address; an address that is None or not stored is left out."""
    wanted = {sha for sha in shas if sha is not None}
    found: dict[str, str] = {}
    for chunk in chunked(wanted):
        rows = connection.execute(select(_TEXT.c.sha, _TEXT.c.data).where(_TEXT.c.sha.in_(chunk)))
        found.update((sha, unpack(data)) for sha, data in rows)
    return found


class Texts:
    """Stores texts, and remembers which are stored already, so that most cost a hash only.

    Not safe for threads: used under the archive's lock.
    """

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._fresh: dict[str, None] = {}

    def put(self, connection: Connection, texts: Iterable[str]) -> list[str]:
        """Store what is not stored yet; return the addresses in order."""
        shas, rows = [], []
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            sha = hashlib.sha256(data).hexdigest()
            shas.append(sha)
            if sha not in self._known and sha not in self._fresh:
                self._fresh[sha] = None
                rows.append({"sha": sha, "size": len(data), "data": pack(data)})
        if rows:
            _INSERT.write(connection, rows)
        return shas

    def put_one(self, connection: Connection, text: str) -> str | None:
        """Store one text; an empty one is None."""
        return self.put(connection, [text])[0] if text else None

    def committed(self) -> None:
        """Believe in what was put: the transaction is through."""
        self._known.update(self._fresh)
        self._fresh.clear()
        for sha in list(islice(self._known, max(0, len(self._known) - KNOWN_TEXTS))):
            del self._known[sha]

    def rolled_back(self) -> None:
        """Forget what was put: the transaction is not."""
        self._fresh.clear()
