"""Traces: which calls an evaluation or a proposal made, and what was said in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.engine import Row as SqlRow

from metasearch.archive.database import Database
from metasearch.archive.models import CallRow, ReplyRow, table
from metasearch.archive.prepared import Prepared
from metasearch.archive.record import (
    Paid,
    content_key,
    free_keys,
    insert_replies,
    is_stored,
    make_reply,
)
from metasearch.archive.texts import (
    chunked,
    get_texts,
    join_request,
    request_shas,
    split_request,
)
from metasearch.types import Json, ModelCall, ModelReply, Owner, Stream

__all__ = ["delete_calls", "insert_calls", "read_calls"]

Kind = Literal["evaluation_id", "entry_id"]

_CALL = table(CallRow)
_REPLY = table(ReplyRow)
_ANSWERED = Prepared(
    lambda _: insert(_CALL),
    ("evaluation_id", "entry_id", "position", "agent", "reply_key", "recorded", "error"),
)


def insert_calls(
    database: Database,
    connection: Connection,
    kind: Kind,
    owner_id: int,
    trace: Sequence[ModelCall],
    *,
    search_id: str,
    purse: Owner,
) -> None:
    """Write the calls of one evaluation or entry.

    Their replies are in the record already; one that is not (a gateway without a record made it) is
    written too, so that every trace can be read and every paid call counts.
    """
    _keep_unrecorded(database, connection, trace, search_id, purse)
    blank: dict[str, Json] = {"evaluation_id": None, "entry_id": None, kind: owner_id}
    answered = [
        {
            **blank,
            "position": call.position,
            "agent": call.agent,
            "reply_key": call.reply.key or call.key,
            "recorded": call.reply.recorded,
            "error": call.error,
        }
        for call in trace
        if call.reply is not None
    ]
    if answered:
        _ANSWERED.write(connection, answered)
    failed = [_failed(database, connection, call) for call in trace if call.reply is None]
    if failed:
        connection.execute(insert(_CALL), [{**blank, **row} for row in failed])


def _failed(database: Database, connection: Connection, call: ModelCall) -> dict[str, Json]:
    request, texts = split_request(call.request)
    database.texts.put(connection, texts)
    return {
        "position": call.position,
        "agent": call.agent,
        "reply_key": None,
        "recorded": False,
        "failed_key": call.key,
        "failed_model": call.request.model,
        "request": request,
        "error": call.error,
    }


def _keep_unrecorded(
    database: Database,
    connection: Connection,
    trace: Sequence[ModelCall],
    search_id: str,
    purse: Owner,
) -> None:
    missing = {
        call.reply.key or call.key: Paid(
            key=call.reply.key or call.key,
            request=call.request,
            stream=Stream("", 0, call.position),
            reply=call.reply,
            owner=purse,
            search_id=search_id,
        )
        for call in trace
        if call.reply is not None and not is_stored(connection, call.reply.key or call.key)
    }
    if missing:
        insert_replies(database, connection, free_keys(connection, list(missing.values())))


def delete_calls(connection: Connection, evaluation_id: int) -> None:
    """Forget the calls of an evaluation that infrastructure spoilt; their replies stay."""
    connection.execute(delete(_CALL).where(_CALL.c.evaluation_id == evaluation_id))


def read_calls(
    connection: Connection, kind: Kind, owner_ids: Sequence[int]
) -> Mapping[int, tuple[ModelCall, ...]]:
    """Return the traces of evaluations or entries by their row's id, texts and all."""
    owner = _CALL.c[kind]
    traces: dict[int, list[ModelCall]] = defaultdict(list)
    for chunk in chunked(owner_ids):
        query = (
            select(
                owner.label("owner_id"),
                _CALL.c.position,
                _CALL.c.agent,
                _CALL.c.reply_key,
                _CALL.c.recorded,
                _CALL.c.failed_key,
                _CALL.c.failed_model,
                _CALL.c.request.label("failed_request"),
                _CALL.c.error,
                *(_REPLY.c[name] for name in _OF_REPLY),
            )
            .outerjoin_from(_CALL, _REPLY, _CALL.c.reply_key == _REPLY.c.key)
            .where(owner.in_(bindparam("owners", expanding=True)))
            .order_by(owner, _CALL.c.position)
        )
        rows = connection.execute(query, {"owners": chunk}).all()
        texts = get_texts(connection, [sha for row in rows for sha in _shas(row)])
        for row in rows:
            traces[row.owner_id].append(_call(row, texts))
    return {owner_id: tuple(calls) for owner_id, calls in traces.items()}


_OF_REPLY = (
    "model",
    "request",
    "text_sha",
    "finish",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "picodollars",
    "seconds",
)


def _shas(row: SqlRow[Any]) -> list[str]:
    if row.reply_key is None:
        return request_shas(row.failed_request)
    return [*request_shas(row.request), row.text_sha]


def _call(row: SqlRow[Any], texts: Mapping[str, str]) -> ModelCall:
    if row.reply_key is None:
        request = join_request(row.failed_model, row.failed_request, texts)
        return ModelCall(row.position, row.agent, row.failed_key, request, None, row.error)
    return ModelCall(
        position=row.position,
        agent=row.agent,
        key=content_key(row.reply_key),
        request=join_request(row.model, row.request, texts),
        reply=_reply(row, texts[row.text_sha]),
        error=row.error,
    )


def _reply(row: SqlRow[Any], text: str) -> ModelReply:
    reply = make_reply(
        text,
        row.finish,
        row.prompt_tokens,
        row.cached_tokens,
        row.completion_tokens,
        row.picodollars,
        row.seconds,
        recorded=bool(row.recorded),
    )
    is_apart = content_key(row.reply_key) != row.reply_key
    return replace(reply, key=row.reply_key) if is_apart else reply
