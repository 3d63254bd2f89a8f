"""Out of the archive: other people's SQL, files, copies."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from metasearch.archive.transfer import FORMATS
from metasearch.errors import ConfigError
from metasearch.types import Outcome
from tests.archive.conftest import VALIDATION, Desk, call, evaluation


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; DROP TABLE search",
        "COMMIT; DROP TABLE search",
        "UPDATE search SET status = 'failed'",
        "WITH gone AS (DELETE FROM event RETURNING 1) SELECT * FROM gone",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT query_to_xml($$UPDATE search SET status = 'failed'$$, true, true, '')",
        "SELECT nextval('event_id_seq')",
        "SELECT unzip(data) FROM text",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "",
    ],
)
@pytest.mark.postgres
def test_sql_on_a_server_can_only_read(server_desk: Desk, query: str):
    with pytest.raises(ConfigError, match="archive sql: ") as caught:
        server_desk.archive.sql(query)
    assert "\n" not in str(caught.value)
    assert server_desk.archive.search("s1").status == "running"


def test_sums_are_numbers_on_every_database(desk: Desk):
    desk.evaluate(desk.entry("cot"), [1, 0, 1], dollars=0.25)
    query = "SELECT n, mean, solved, dollars_per_task, tokens_per_task FROM leaderboard"
    (row,) = desk.archive.sql(query).rows
    assert row == (3, pytest.approx(2 / 3), 2, 0.25, 130.0)
    assert [type(value) for value in row] == [int, float, int, float, float]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO event VALUES (1, 's1', '', '', '')",
        "UPDATE search SET status = 'failed'",
        "DELETE FROM search",
        "DROP VIEW leaderboard",
        "CREATE TABLE mine (x)",
        "CREATE TEMP TABLE mine (x)",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 3",
        "ATTACH 'FOLDER/other.db' AS other",
        "ATTACH 'file:FOLDER/other.db?mode=rwc' AS other",
        "VACUUM",
        "VACUUM INTO 'FOLDER/copy.db'",
        "BEGIN IMMEDIATE",
        "SELECT load_extension('FOLDER/x')",
        "SELECT writefile('FOLDER/x', 'y')",
        "SELECT 1; DROP TABLE search",
        "WITH x AS (SELECT 1) INSERT INTO event SELECT 1, 's1', '', '', '' FROM x",
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT * FROM nowhere",
    ],
)
def test_sql_can_only_read(desk: Desk, file: Path, tmp_path: Path, query: str):
    with pytest.raises(ConfigError, match="archive sql: ") as caught:
        desk.archive.sql(query.replace("FOLDER", str(tmp_path)))
    assert "\n" not in str(caught.value)
    assert desk.archive.search("s1").status == "running"
    assert {path.name for path in tmp_path.iterdir()} <= {
        "archive.db",
        "archive.db-wal",
        "archive.db-shm",
    }


def test_sql_answers_with_columns_and_rows(desk: Desk):
    desk.entry("cot")
    found = desk.archive.sql("SELECT number, name FROM entry")
    assert (found.columns, found.rows) == (("number", "name"), [(0, "cot")])


def test_sql_can_ask_sqlite_about_itself(desk: Desk, file: Path):
    plan = desk.archive.sql("EXPLAIN QUERY PLAN SELECT * FROM leaderboard WHERE search_id = 's1'")
    assert plan.rows
    assert desk.archive.sql("PRAGMA table_info(entry)").rows[0][1] == "id"


def test_sql_can_read_the_compressed_texts(desk: Desk, file: Path):
    desk.entry("cot", raw="what it said")
    query = "SELECT unzip(data) FROM text JOIN entry ON raw_sha = sha"
    assert desk.archive.sql(query).rows == [("what it said",)]
    assert desk.archive.sql("SELECT unzip(NULL)").rows == [(None,)]
    with pytest.raises(ConfigError, match="archive sql: "):
        desk.archive.sql("SELECT unzip('no stream')")


def test_sql_sees_what_was_just_written(desk: Desk):
    for number in range(3):
        desk.archive.add_event("s1", "k", str(number))
        assert desk.archive.sql("SELECT count(*) FROM event").rows == [(number + 1,)]


def filled(desk: Desk) -> None:
    parent = desk.entry("=1+1", raw="said")
    desk.entry("child", parents=[0])
    desk.archive.add_entry("s1", design=None, status="failed", proposer="m", reason="no\ncode")
    for number, task in enumerate(VALIDATION[:3]):
        made = evaluation(
            parent,
            task_id=task.id,
            outcome=Outcome.CRASHED if number else Outcome.ANSWERED,
            score=0.0 if number else 1.0,
            error="line 1\nline 2 \x00 \ud800",
            stdout="printed",
            calls=2,
            trace=(call(number), call(9, reply=None, error="429")),
        )
        desk.archive.add_evaluation("s1", parent.id, made)


def test_jsonl_holds_everything_a_line_each(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metasearch.archive.transfer._PAGE_EVALUATIONS", 2)
    filled(desk)
    out = io.StringIO()
    lines = desk.archive.export("s1", "jsonl", out)
    records = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(records) == lines
    assert out.getvalue().isascii()
    kinds = [record["type"] for record in records]
    assert kinds == ["search"] + ["task"] * 8 + ["entry"] * 3 + ["evaluation"] * 3
    assert records[0]["config"] == {"seed": 7}
    assert records[2] == {
        "type": "task",
        "id": "t0",
        "split": "validation",
        "position": 0,
        "prompt": "What is 0 + 1?",
        "gold": 1,
        "answer_type": "str",
        "kind": "",
        "extra": None,
    }
    entry, child, failed = (record for record in records if record["type"] == "entry")
    assert entry["source"] == '"""Design 1."""\n'
    assert entry["summaries"]["validation"]["n"] == 3
    assert child["parents"] == [0]
    assert (failed["design_id"], failed["reason"]) == (None, "no\ncode")
    first = records[-3]
    assert first["error"] == "line 1\nline 2 \x00 \ud800"
    assert first["stdout"] == "printed"
    assert first["trace"][0]["messages"][1] == ["user", "Question 0?"]
    assert first["trace"][0]["reply"] == "4"
    assert first["trace"][1]["error"] == "429"
    assert "reply" not in first["trace"][1]


def test_csv_is_one_evaluation_a_line_and_no_formula(desk: Desk):
    filled(desk)
    out = io.StringIO()
    assert desk.archive.export("s1", "csv", out) == 3
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["task_id"] for row in rows] == ["t0", "t1", "t2"]
    assert {row["name"] for row in rows} == {"'=1+1"}
    assert [float(row["score"]) for row in rows] == [1.0, 0.0, 0.0]
    assert {row["dollars"] for row in rows} == {"0.001"}


def test_an_unknown_format_or_search_is_refused(desk: Desk):
    with pytest.raises(ConfigError, match=f"'xml' is no export format; there are: {FORMATS[0]}"):
        desk.archive.export("s1", "xml", io.StringIO())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="'s9' is no search"):
        desk.archive.export("s9", "csv", io.StringIO())
