"""`metasearch replay` on a real search, after its endpoint is gone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from metasearch.testing.endpoint import ScriptedEndpoint
from tests.cli.conftest import Invoke
from tests.cli.test_run import configure
from tests.e2e.scripted import script

pytestmark = pytest.mark.wasm

# Three designs on validation, of two the fresh samples of the finals, three on test, a smoke test
# of two, three of each of two baselines for the preflight; those of the parent that is shown to
# the meta agent are among them.
EVALUATIONS = 3 * 9 + 2 * 9 + 3 * 6 + 2 + 2 * 3


@pytest.fixture(scope="module")
def _searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished search, whose endpoint has gone."""
    folder = tmp_path_factory.mktemp("searched")
    with ScriptedEndpoint(script) as endpoint:
        configure(endpoint.base_url, folder)
        environment = {**os.environ, "METASEARCH_ARCHIVE": str(folder / "archive.db")}
        command = [sys.executable, "-m", "metasearch", "run", "--display", "none"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture
def archive(_searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(_searched, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr("socket.socket.connect", _no_network)
    return tmp_path / "archive.db"


def _no_network(*where: object) -> None:
    raise AssertionError(f"a replay asked {where}")


def _change(archive: Path, *statements: str) -> None:
    with sqlite3.connect(archive) as database:
        for statement in statements:
            assert database.execute(statement).rowcount > 0


def _score_by(archive: Path, old: str, new: str) -> None:
    pair = f"""'"scorer":{old}', '"scorer":{new}'"""
    _change(archive, f"UPDATE search SET config = replace(config, {pair})")


def _digest(archive: Path) -> str:
    with sqlite3.connect(archive) as database:
        return hashlib.sha256("\n".join(database.iterdump()).encode()).hexdigest()


def test_a_search_comes_to_the_same_without_network_key_or_task_file(
    invoke: Invoke, archive: Path
) -> None:
    before = _digest(archive)
    same = invoke("replay")
    assert same.exit_code == 0, same.stdout + same.stderr
    assert "search sums comes to the same: " in same.stdout
    Path("sums.jsonl").unlink()
    report = invoke("replay", "sums", "--json")
    assert report.exit_code == 0, report.stdout + report.stderr
    facts = json.loads(report.stdout)
    assert facts["identical"]
    assert facts["evaluations"] == facts["calls"] == EVALUATIONS
    assert "is not here or has changed: scorer number" in report.stderr
    assert _digest(archive) == before, "a replay writes nothing"


def test_where_it_differs_it_says_what_was_and_what_is(invoke: Invoke, archive: Path) -> None:
    wrong = "SELECT id FROM evaluation WHERE score = 1 AND split = 'validation' LIMIT 1"
    _change(archive, f"UPDATE evaluation SET score = 0 WHERE id = ({wrong})")
    report = invoke("replay", "--json")
    assert report.exit_code == 1
    (one,) = json.loads(report.stdout)["differences"]
    assert (one["old"]["score"], one["new"]["score"]) == (0.0, 1.0)
    assert one["design"] in ("direct", "chain_of_thought", "checker")
    page = invoke("replay").stdout
    assert one["task"] in page
    assert f"1 of {EVALUATIONS} evaluations" in page


def test_a_missing_answer_is_a_difference_with_a_name(invoke: Invoke, archive: Path) -> None:
    call = "SELECT id FROM call WHERE evaluation_id IS NOT NULL LIMIT 1"
    with sqlite3.connect(archive) as database:
        (key,) = database.execute(f"SELECT reply_key FROM call WHERE id = ({call})").fetchone()
    _change(
        archive, f"DELETE FROM call WHERE id = ({call})", f"DELETE FROM reply WHERE key = '{key}'"
    )
    report = invoke("replay", "--json")
    assert report.exit_code == 1
    (one,) = json.loads(report.stdout)["differences"]
    assert one["new"] is None
    assert f"no reply to call {key[:12]}" in one["missing"]
    assert one["task"] in one["missing"]


def test_a_python_file_that_is_gone_is_one_line(invoke: Invoke, archive: Path) -> None:
    _change(archive, "UPDATE search SET config = replace(config, 'sums.jsonl', 'sums.py')")
    gone = invoke("replay")
    assert gone.exit_code == 2
    (line,) = gone.stderr.splitlines()
    assert "cannot be scored here" in line
    assert "sums.py" in line


def test_a_search_that_was_handed_over_comes_to_the_same(
    invoke: Invoke, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _score_by(archive, "null", '"s.py"')
    assert invoke("archive", "record", "export", "sums", "own.jsonl").exit_code == 0
    own = invoke("archive", "record", "import", "own.jsonl", "--name", "own")
    assert "it is scored by s.py: if that file is here, a replay runs it" in own.stderr
    _score_by(archive, '"s.py"', "null")
    monkeypatch.setenv("OPENAI_API_KEY", "never-said-in-any-text")
    done = invoke("archive", "record", "export", "sums", "run.jsonl.gz")
    assert done.exit_code == 0, done.stderr
    assert f"{EVALUATIONS} evaluations" in done.stderr
    assert "secrets were struck out" not in done.stderr
    monkeypatch.setenv("METASEARCH_ARCHIVE", str(tmp_path / "theirs.db"))
    Path("sums.jsonl").unlink()
    taken = invoke("archive", "record", "import", "run.jsonl.gz", "--name", "theirs")
    assert taken.exit_code == 0, taken.stderr
    assert "metasearch replay theirs" in taken.stderr
    same = invoke("replay", "theirs", "--json")
    assert same.exit_code == 0, same.stdout + same.stderr
    assert json.loads(same.stdout)["evaluations"] == EVALUATIONS
    again = invoke("archive", "record", "import", "run.jsonl.gz", "--name", "theirs")
    assert again.exit_code == 2
    assert "--name" in again.stderr
    resumed = invoke("resume", "theirs")
    assert resumed.exit_code == 2  # it is finished


def test_run_and_resume_take_the_use_of_the_record_as_an_option(
    invoke: Invoke, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del archive
    again = invoke("run", "--name", "again", "--replay-only", "--display", "none")
    assert again.exit_code == 0, again.stderr
    assert "no cap is set" not in again.stderr
    other = ("--name", "other", "--set", "search.seeds=['direct', 'self_consistency']")
    missing = invoke("run", *other, "--replay-only", "--display", "none")
    assert missing.exit_code == 2
    assert "the record holds no reply to call" in missing.stderr.splitlines()[-1]
    assert "resume --record" in missing.stderr.splitlines()[-1]
    monkeypatch.delattr("socket.socket.connect")  # the guard: now it may ask
    port = int(re.findall(r"http://127.0.0.1:(\d+)", Path("search.toml").read_text())[0])
    with ScriptedEndpoint(script, port=port) as endpoint:
        asking = invoke("resume", "other", "--record", "--display", "none")
        assert asking.exit_code == 0, asking.stderr
        assert endpoint.served.requests > 0
    wrong = invoke("run", "--set", "record=sometimes")
    assert wrong.exit_code == 2
    assert "record: input should be 'normal', 'record-only', 'replay-only' or 'off'" in wrong.stderr
