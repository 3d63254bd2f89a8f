"""A search handed over as a file is the same search there; a bad file changes nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.archive.handover import KEY_VARIABLE
from metasearch.archive.redact import Redactor, secrets_in
from metasearch.errors import ArchiveUnavailable, ConfigError
from metasearch.types import Message, Owner, Split, Stream, Usage
from tests.archive.conftest import VALIDATION, Desk, call, evaluation

SECRET = "correct horse battery"


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Add to the desk what a search can hold: parents, failed calls, odd texts, a second search."""
    first = desk.entry("one", spent=Usage(5, 1, 2), raw="so I said \x00 \ud800")
    second = desk.entry("two", parents=[0])
    desk.entry(design=None, status="failed", reason="it gave no design")
    failed = replace(call(7), reply=None, error="status 400: no")
    trace = (call(0), call(1, said="secret is " + SECRET), failed)
    one = evaluation(first, calls=3, trace=trace, stdout="printed")
    desk.archive.add_evaluation(desk.id, first.id, one)
    desk.evaluate(second, [1.0, 0.0, 0.5], answer=None, error="")
    desk.archive.add_event(desk.id, "note", "as it was")
    desk.archive.set_status(desk.id, "finished")
    return desk


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "there.db") as archive:
        yield archive


def content(archive: Archive, name: str) -> list[object]:
    """Everything that a search says, but its rows' numbers."""
    found: list[object] = [archive.tasks(name, split) for split in Split]
    for entry in archive.entries(name):
        raw, trace = archive.entry_raw(entry.id), archive.entry_trace(entry.id)
        found.append((replace(entry, id=0, search_id=""), raw, trace))
        found += archive.evaluations(name, entry_id=entry.id, with_trace=True)
    info = archive.search(name)
    found += [(info.domain, info.strategy, info.seed, info.status, info.created_at)]
    return found


def rows(archive: Archive) -> list[object]:
    tables = ("text", "search", "task", "design", "entry", "reply", "evaluation", "call", "event")
    return [archive.sql(f"SELECT count(*) FROM {name}").rows[0][0] for name in tables]


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_a_search_is_the_same_there(full: Desk, there: Archive, tmp_path: Path, name: str):
    handed = full.archive.export_record("s1", tmp_path / name)
    assert (handed.evaluations, handed.replies, handed.struck) == (4, 2, 0)
    assert not list(tmp_path.glob("*.partial"))
    assert there.import_record(tmp_path / name)[:3] == handed[:3]
    assert content(there, "s1") == content(full.archive, "s1")
    kinds = [event.kind for event in there.events("s1")]
    assert kinds == [event.kind for event in full.archive.events("s1")] + ["imported"]
    assert there.spent("s1").calls == 0, "nobody here has paid for it"
    assert there.check() == []


def test_the_archive_that_it_came_from_takes_it_under_another_name(full: Desk, tmp_path: Path):
    file = tmp_path / "run.jsonl"
    full.archive.export_record("s1", file)
    spent = full.archive.spent("s1")
    before = rows(full.archive)
    with pytest.raises(ConfigError, match=r"'s1' is in .* already; .*--name"):
        full.archive.import_record(file)
    assert rows(full.archive) == before
    full.archive.import_record(file, name="again")
    assert content(full.archive, "again") == content(full.archive, "s1")
    assert full.archive.spent("s1") == spent
    texts, _, tasks, designs, _, replies, *_ = rows(full.archive)
    assert [texts, tasks, designs, replies] == [before[0], before[2], before[3], before[5]]


async def test_a_record_that_says_otherwise_keeps_its_own_reply(
    full: Desk, there: Archive, tmp_path: Path
):
    other = there.create_search(
        id="mine", domain="d", strategy="s", config={}, seed=0, tasks={Split.TRAIN: VALIDATION}
    )
    mine = call(0, said="mine")
    assert mine.reply is not None
    recorder = there.recorder(other.id)
    await recorder.keep(mine.key, mine.request, Stream("t0"), mine.reply, Owner.EVALUATION)
    full.archive.export_record("s1", tmp_path / "run.jsonl")
    there.import_record(tmp_path / "run.jsonl")
    trace = next(one for one in there.evaluations("s1", with_trace=True) if one.trace).trace
    assert trace[0].reply is not None
    assert (trace[0].reply.text, trace[0].key) == ("4", mine.key)
    found = there.recorder("s1").find(mine.key)
    assert found is not None
    assert found.text == "mine"


def test_secrets_are_struck_out_wherever_they_stand(full: Desk, there: Archive, tmp_path: Path):
    key = "sk-" + "a1B2" * 8
    asked = call(3)
    message = Message("user", f"my key is {key}")
    asked = replace(asked, request=replace(asked.request, messages=(message,)))
    entry = full.entry("three", reason=f"it said {SECRET}")
    full.archive.add_evaluation(
        "s1", entry.id, evaluation(entry, trace=(asked,), calls=1, answer={"a": [SECRET]})
    )
    url = "postgresql+psycopg://me:pass-word@host/db"
    full.archive.add_event("s1", "note", f"in {url}")
    handed = full.archive.export_record("s1", tmp_path / "run.jsonl", secrets=[SECRET])
    assert handed.struck >= 5
    text = (tmp_path / "run.jsonl").read_text()
    assert all(secret not in text for secret in (SECRET, key, "pass-word"))
    there.import_record(tmp_path / "run.jsonl")
    assert there.check() == []
    (last,) = there.evaluations("s1", entry_id=there.entry("s1", "3").id, with_trace=True)
    assert last.trace[0].request.messages[0].content == "my key is [redacted]"
    assert last.answer == {"a": ["[redacted]"]}


def test_no_key_of_the_reader_goes_to_the_senders_address(tmp_path: Path, there: Archive):
    model = {"name": "m", "base_url": "https://me:word@evil.example/v1", "key_env": "PATH"}
    config = {"archive": "postgresql://me:word@host/db", "model": model, "meta_model": None}
    with Archive.open(tmp_path / "here.db") as here:
        here.create_search(
            id="s1",
            domain="d",
            strategy="s",
            config=config,
            seed=0,
            tasks={Split.TRAIN: VALIDATION},
        )
        here.export_record("s1", tmp_path / "run.jsonl")
    assert "word" not in (tmp_path / "run.jsonl").read_text()
    there.import_record(tmp_path / "run.jsonl", name="theirs")
    info = there.search("theirs")
    assert info.config["model"]["key_env"] == KEY_VARIABLE
    assert (info.config["archive"], info.config["name"]) == (None, "theirs")
    assert (info.status, info.reason) == ("paused", "it ran when it was exported")


def _cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def _without_end(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-1])


def _changed(data: bytes) -> bytes:
    return data.replace(b'"score":0.5', b'"score":1.0', 1)


def _newer(data: bytes) -> bytes:
    return data.replace(b'"version":1', b'"version":2', 1)


def _older(data: bytes) -> bytes:
    return data.replace(b'"schema":"r', b'"schema":"q', 1)


def _resealed(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change a file and give it the right end, as somebody with bad intent would."""
    import hashlib

    body = change(_without_end(data))
    end = {"end": len(body.splitlines()), "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end).encode() + b"\n"


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (_cut, "was cut off; copy it again"),
    "without its end": (_without_end, "was cut off; copy it again"),
    "empty": (lambda _: b"", "was cut off"),
    "changed": (_changed, "its hash is wrong"),
    "of a newer version": (_newer, "is a record of version 2, schema r.*this one reads version 1"),
    "of another schema": (_older, "schema q"),
    "another file": (lambda _: b'{"a": 1}\n', "is no record"),
    "no text": (lambda _: b"\x89PNG\x00\xff", "is no record"),
    "cut off, packed": (lambda data: gzip.compress(data)[:-300], "was cut off; copy it again"),
    "with a wrong row": (
        lambda data: _resealed(data, lambda b: b.replace(b'"position":', b'"place":', 1)),
        "a row of it is wrong",
    ),
    "with a foreign table": (
        lambda data: _resealed(data, lambda b: b.replace(b'"row":"event"', b'"row":"lease"', 1)),
        "a row of it is wrong",
    ),
    "with a design under another's name": (
        lambda data: _resealed(data, lambda b: b.replace(b"Design 1.", b"Another.", 1)),
        "a row of it is wrong",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_file_is_one_line_and_changes_nothing(
    full: Desk, there: Archive, tmp_path: Path, kind: str
):
    damage, words = BAD[kind]
    file = tmp_path / "run.jsonl"
    full.archive.export_record("s1", file)
    good = file.read_bytes()
    file.write_bytes(damage(good))
    assert file.read_bytes() != good
    before = rows(there)
    with pytest.raises(ConfigError, match=words) as told:
        there.import_record(file)
    assert "\n" not in str(told.value)
    assert "run.jsonl" in str(told.value)
    assert rows(there) == before
    file.write_bytes(good)
    there.import_record(file)


def test_a_file_that_is_there_or_cannot_be_written_is_left_alone(full: Desk, tmp_path: Path):
    file = tmp_path / "run.jsonl"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        full.archive.export_record("s1", file)
    assert file.read_text() == "mine"
    with pytest.raises(ArchiveUnavailable, match="nothing was written"):
        full.archive.export_record("s1", tmp_path / "none" / "run.jsonl")
    with pytest.raises(ConfigError, match="check the path"):
        full.archive.import_record(tmp_path / "none.jsonl")


def test_what_is_no_secret_is_left_alone():
    redactor = Redactor(["short", "x" * 8])
    for text in ("sk-learn", "a short word", "see https://host/path?a=b@c", "risk-" + "a" * 30):
        assert redactor.text(text) is text
    assert redactor.text(f"key {'x' * 8}!") == "key [redacted]!"
    assert redactor.struck == 1
    environment = {
        "OPENAI_API_KEY": "value-1",
        "HF_TOKEN": "value-2",
        "KEYBOARD": "us",
        "PATH": "/",
    }
    assert secrets_in(environment) == ["value-1", "value-2"]
