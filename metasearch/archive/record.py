"""The record of model calls: found by content address, kept durably, many in one commit."""

from __future__ import annotations

import asyncio
import datetime
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from metasearch.archive.columns import from_picodollars, to_picodollars
from metasearch.archive.database import Database
from metasearch.archive.models import ReplyRow, TextRow, table
from metasearch.archive.prepared import Prepared
from metasearch.archive.texts import split_request, unpack
from metasearch.errors import ArchiveUnavailable
from metasearch.types import Finish, Json, ModelReply, ModelRequest, Owner, Stream, Usage

__all__ = ["Paid", "Recorder", "Writer", "content_key", "insert_replies", "make_reply"]

BATCH_CALLS = 128  # bounds how long one transaction keeps the lock: 15 ms, measured
GATHER_SECONDS = 0.005  # waited for company while calls come in at a rate; small beside any model

_REPLY = table(ReplyRow)
_TEXT = table(TextRow)
_COLUMNS = [column.name for column in _REPLY.columns]
_INSERT = Prepared(lambda _: insert(_REPLY), _COLUMNS)
_STORED = Prepared(lambda _: select(_REPLY.c.key).where(_REPLY.c.key == bindparam("key")))
_FIND = Prepared(
    lambda _: (
        select(
            _TEXT.c.data,
            _REPLY.c.finish,
            _REPLY.c.prompt_tokens,
            _REPLY.c.cached_tokens,
            _REPLY.c.completion_tokens,
            _REPLY.c.picodollars,
            _REPLY.c.seconds,
        )
        .join_from(_REPLY, _TEXT, _REPLY.c.text_sha == _TEXT.c.sha)
        .where(_REPLY.c.key == bindparam("key"))
    )
)


@dataclass(frozen=True, slots=True)
class Paid:
    """One reply on its way into the record."""

    key: str
    request: ModelRequest
    stream: Stream
    reply: ModelReply
    owner: Owner
    search_id: str | None


def content_key(stored: str) -> str:
    """Return the address that was asked for.

    A reply that was paid for twice (two searches asked at the same moment) is kept twice, so that
    the money adds up: the second under its key, a tilde and a number. No call is answered with it;
    a trace in which it stands is read, and replayed, with it.
    """
    return stored.partition("~")[0]


def make_reply(
    text: str,
    finish: str,
    prompt: int,
    cached: int,
    completion: int,
    picodollars: int,
    seconds: float,
    *,
    recorded: bool,
) -> ModelReply:
    """Return the reply that the columns of a row of `reply` describe."""
    usage = Usage(prompt, cached, completion)
    dollars = from_picodollars(picodollars)
    return ModelReply(text, Finish(finish), usage, dollars, seconds, recorded)


def insert_replies(database: Database, connection: Connection, paid: Sequence[Paid]) -> None:
    """Write replies with their texts.

    Raises:
        IntegrityError: one of the keys is there already; see `free_keys`.
    """
    requests, texts = [], []
    for one in paid:
        body, parts = split_request(one.request)
        requests.append(body)
        texts += [*parts, one.reply.text]
    shas = dict(zip(texts, database.texts.put(connection, texts), strict=True))
    now = database.clock()
    _INSERT.write(
        connection,
        [
            _row(one, body, shas[one.reply.text], now)
            for one, body in zip(paid, requests, strict=True)
        ],
    )


def _row(one: Paid, request: Json, text_sha: str, now: datetime.datetime) -> dict[str, Any]:
    usage = one.reply.usage
    return {
        "key": one.key,
        "model": one.request.model,
        "request": request,
        "text_sha": text_sha,
        "finish": str(one.reply.finish),
        "prompt_tokens": usage.prompt,
        "cached_tokens": usage.cached,
        "completion_tokens": usage.completion,
        "picodollars": to_picodollars(one.reply.dollars),
        "seconds": one.reply.seconds,
        "scope": one.stream.scope,
        "repeat": one.stream.repeat,
        "occurrence": one.stream.occurrence,
        "search_id": one.search_id,
        "owner": str(one.owner),
        "created_at": now,
    }


def free_keys(connection: Connection, paid: Sequence[Paid]) -> list[Paid]:
    """Return the same replies, each under a key that is not taken (see `content_key`)."""
    taken: set[str] = set()
    free = []
    for one in paid:
        names = chain([one.key], (f"{content_key(one.key)}~{number}" for number in count(2)))
        key = next(n for n in names if n not in taken and not is_stored(connection, n))
        taken.add(key)
        free.append(replace(one, key=key))
    return free


def is_stored(connection: Connection, key: str) -> bool:
    """Tell whether there is a reply under this key."""
    return bool(_STORED.fetch(connection, {"key": key}))


class Writer:
    """The thread that commits replies. Started by the first one, ended by `close`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[tuple[Paid, _Waiter] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, paid: Paid, waiter: _Waiter) -> None:
        """Queue one reply; `waiter` hears of its commit.

        Raises:
            ArchiveUnavailable: the archive is closed.
        """
        if self._closed:
            raise ArchiveUnavailable(f"archive {self._database.where}: it is closed")
        if self._thread is None:
            # A daemon: a program that ends without `close` must not hang; what it was told is
            # committed is, and the rest it was never told.
            self._thread = threading.Thread(target=self._run, name="archive-writer", daemon=True)
            self._thread.start()
        self._queue.put((paid, waiter))

    def close(self) -> None:
        """Commit what is queued and end the thread; safe to call twice."""
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        company = False
        while (first := self._queue.get()) is not None:
            if company:
                time.sleep(GATHER_SECONDS)
            batch = [first, *self._waiting()]
            company = len(batch) > 1
            done = self._commit([paid for paid, _ in batch])
            _tell([waiter for _, waiter in batch], done)

    def _waiting(self) -> Iterable[tuple[Paid, _Waiter]]:
        for _ in range(BATCH_CALLS - 1):
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is None:
                self._queue.put(None)  # the end comes after what was queued before it
                return
            yield item

    def _commit(self, paid: list[Paid]) -> list[str] | Exception:
        """Write replies and return their keys."""
        try:
            try:
                return self._write(paid, keys_taken=False)
            except self._database.integrity_errors:
                return self._write(paid, keys_taken=True)
        except Exception as error:  # noqa: BLE001 - handed to those who wait; the thread lives on
            return error

    def _write(self, paid: list[Paid], *, keys_taken: bool) -> list[str]:
        with self._database.writing() as connection:
            rows = free_keys(connection, paid) if keys_taken else paid
            insert_replies(self._database, connection, rows)
        return [row.key for row in rows]


@dataclass(frozen=True, slots=True)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[str]


_News = list[tuple[asyncio.Future[str], "str | Exception"]]


def _tell(waiters: list[_Waiter], done: list[str] | Exception) -> None:
    """Wake all waiters of a loop by one call: each costs a write to the loop's pipe."""
    news: Sequence[str | Exception]
    news = [done] * len(waiters) if isinstance(done, Exception) else done
    by_loop: dict[asyncio.AbstractEventLoop, _News] = {}
    for waiter, one in zip(waiters, news, strict=True):
        by_loop.setdefault(waiter.loop, []).append((waiter.future, one))
    for loop, told in by_loop.items():
        with suppress(RuntimeError):  # that loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: _News) -> None:
    for future, one in told:
        if future.done():  # its caller was cancelled
            continue
        if isinstance(one, str):
            future.set_result(one)
        else:
            future.set_exception(one)


class Recorder:
    """The record as one search sees it: a `gateway.Record`."""

    def __init__(self, database: Database, writer: Writer, search_id: str | None) -> None:
        self._database = database
        self._writer = writer
        self._search_id = search_id

    def find(self, key: str) -> ModelReply | None:
        """Return the recorded reply (with `recorded=True`), or None.

        Raises:
            ArchiveUnavailable: the database fails.
        """
        with self._database.reading() as connection:
            rows = _FIND.fetch(connection, {"key": key})
        if not rows:
            return None
        data, *row = rows[0]
        return make_reply(unpack(data), *row, recorded=True)

    async def keep(
        self, key: str, request: ModelRequest, stream: Stream, reply: ModelReply, owner: Owner
    ) -> str:
        """Write a reply durably; returns once it is committed, many are committed together.

        Returns:
            The key under which it is; see `content_key`.

        Raises:
            ArchiveUnavailable: it could not be written (the disk is full, say).
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        paid = Paid(key, request, stream, reply, owner, self._search_id)
        self._writer.submit(paid, _Waiter(loop, future))
        return await future

    def close(self) -> None:
        """Do nothing: the thread belongs to the archive, which may serve other searches."""
