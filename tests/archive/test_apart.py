"""A reply that came where the record had another is kept apart, and its trace shows it."""

from __future__ import annotations

from dataclasses import replace

from metasearch.types import Owner, Stream
from tests.archive.conftest import Desk, call, evaluation
from tests.archive.test_record import keep


async def test_a_trace_shows_the_reply_that_it_got_also_where_the_record_had_another(desk: Desk):
    recorder = desk.archive.recorder("s1")
    await keep(recorder, call(0, said="first"))
    mine = call(0, said="mine")
    assert mine.reply is not None
    key = await recorder.keep(mine.key, mine.request, Stream("t0"), mine.reply, Owner.EVALUATION)
    assert key == f"{mine.key}~2"
    got = replace(mine, reply=replace(mine.reply, key=key))
    entry = desk.entry()
    desk.archive.add_evaluation("s1", entry.id, evaluation(entry, calls=1, trace=(got,)))
    assert desk.archive.evaluations("s1", with_trace=True)[0].trace == (got,)
    assert desk.archive.spent("s1").calls == 2
