"""Texts are exact, stored once, and readable by anything that knows zlib."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.dialects import postgresql, sqlite

from metasearch.archive import Archive
from metasearch.archive.columns import (
    JsonText,
    SafeText,
    UtcTime,
    from_picodollars,
    to_picodollars,
)
from metasearch.archive.database import Database, locate, utc_now
from metasearch.archive.models import TextRow, table
from metasearch.archive.texts import (
    get_texts,
    join_request,
    pack,
    request_shas,
    sha_of,
    split_request,
    unpack,
)
from metasearch.types import Message, ModelRequest
from tests.archive.conftest import Desk, evaluation

# Every code point: hypothesis leaves out lone surrogates unless told so.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]))
DIALECTS = [sqlite.dialect(), postgresql.dialect()]


@given(ANY_TEXT | st.text().map(lambda text: text * 2_000))
def test_a_packed_text_is_an_ordinary_zlib_stream(text: str):
    data = text.encode("utf-8", "surrogatepass")
    packed = pack(data)
    assert zlib.decompress(packed) == data
    assert unpack(packed) == text


@given(ANY_TEXT)
def test_safe_text_gives_any_string_back_and_holds_nothing_a_database_refuses(text: str):
    for dialect in DIALECTS:
        stored = SafeText().process_bind_param(text, dialect)
        assert stored is not None
        assert "\x00" not in stored
        stored.encode("utf-8")  # a lone surrogate would raise
        assert SafeText().process_result_value(stored, dialect) == text


def test_ordinary_text_is_stored_as_it_is():
    for text in ("plain", "鹿 and 😀", "C:\\u0000", ""):
        assert SafeText().process_bind_param(text, DIALECTS[0]) == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | ANY_TEXT, st.lists, max_leaves=5))
def test_json_text_is_ascii_and_comes_back(value: object):
    stored = JsonText().process_bind_param(value, DIALECTS[0])
    assert stored.isascii()
    assert JsonText().process_result_value(stored, DIALECTS[0]) == value


def test_a_moment_without_a_zone_is_refused():
    naive = utc_now().replace(tzinfo=None)
    with pytest.raises(ValueError, match="no time zone"):
        UtcTime().process_bind_param(naive, DIALECTS[0])


@given(
    st.lists(
        st.tuples(st.integers(0, 20_000_000), st.integers(0, 200_000)), min_size=1, max_size=50
    )
)
def test_money_adds_up_exactly_in_any_order(calls: list[tuple[int, int]]):
    # Prices in millionths of a dollar per million tokens: finer than any list price.
    exact = [price * tokens for price, tokens in calls]
    stored = [to_picodollars(price * tokens / 10**12) for price, tokens in calls]
    assert stored == exact
    assert from_picodollars(sum(stored)) == sum(exact) / 10**12


def test_a_request_shares_its_texts_with_others():
    schema = {"type": "object", "properties": {"a": {"enum": ["x", 1, None]}}}
    messages = (Message("system", "same"), Message("user", "\x00\ud800"), Message("user", "same"))
    request = ModelRequest("m", messages, 5, 0.0, schema)
    body, texts = split_request(request)
    by_sha = {sha_of(text): text for text in texts}
    assert set(request_shas(body)) == set(by_sha)
    assert len(by_sha) == 3
    assert join_request("m", body, by_sha) == request
    plain = ModelRequest("m", messages[:1], 5)
    body, texts = split_request(plain)
    assert join_request("m", body, {sha_of(text): text for text in texts}) == plain


def test_a_text_is_stored_once_in_a_process_and_across_processes(desk: Desk, place: str):
    entry = desk.entry()
    printed = "the same words " * 1_000
    desk.archive.add_evaluation("s1", entry.id, evaluation(entry, task_id="t0", stdout=printed))
    with Archive.open(place) as another:  # remembers nothing
        another.add_evaluation("s1", entry.id, evaluation(entry, task_id="t1", stdout=printed))
    rows = desk.archive.sql(f"SELECT size, length(data) FROM text WHERE sha = '{sha_of(printed)}'")
    ((size, packed),) = rows.rows
    assert size == len(printed)
    assert packed < 500
    assert [one.stdout for one in desk.archive.evaluations("s1")] == [printed, printed]


def test_a_text_of_a_transaction_that_failed_is_not_believed_to_be_there(place: str):
    database = Database(locate(place), read_only=False, create=False, clock=utc_now)

    def put_and_fail() -> None:
        with database.writing() as connection:
            database.texts.put(connection, ["lost"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        put_and_fail()
    with database.writing() as connection:
        (sha,) = database.texts.put(connection, ["lost"])
    with database.reading() as connection:
        assert get_texts(connection, [sha, None, "0" * 64]) == {sha: "lost"}
    database.close()


def test_what_is_remembered_about_texts_is_bounded(place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metasearch.archive.texts.KNOWN_TEXTS", 10)
    database = Database(locate(place), read_only=False, create=False, clock=utc_now)
    words = [f"text {number}" for number in range(30)]
    for _ in range(2):
        with database.writing() as connection:
            database.texts.put(connection, words)
    with database.reading() as connection:
        stored = connection.execute(select(table(TextRow).c.sha)).scalars().all()
    database.close()
    assert sorted(stored) == sorted(map(sha_of, words))


def test_another_tool_reads_the_columns_as_text(desk: Desk, file: Path):
    desk.archive.add_event("s1", "best", "design #3 solves 鹿")
    with create_engine(f"sqlite:///{file}").connect() as plain:
        found = plain.exec_driver_sql("SELECT at, text FROM event").one()
    assert found == ("2026-11-22 12:00:00.000000", "design #3 solves 鹿")
