"""An archive on a PostgreSQL server: what is told when it cannot be had; no password ever is."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from metasearch.archive import Archive
from metasearch.archive.database import locate
from metasearch.archive.models import METADATA
from metasearch.archive.postgres import without_password
from metasearch.cli.app import app
from metasearch.errors import ArchiveUnavailable, ConfigError
from metasearch.search.config import SearchConfig
from metasearch.search.config_file import to_toml
from tests.archive.conftest import TASKS, Desk
from tests.cli.archives import build
from tests.postgres import PASSWORD, Server

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """An empty database's name."""
    name = server.database()
    yield name
    server.drop(name)


@pytest.fixture
def stranger(server: Server, database: str) -> Iterator[str]:
    """The URL of that database for a user who owns nothing."""
    server.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    yield server.url(database, user="guest")
    server.execute(f"DROP DATABASE {database} WITH (FORCE)", "DROP ROLE guest")


def refusal(where: str, **options: bool) -> str:
    with pytest.raises(ArchiveUnavailable) as caught:
        Archive.open(where, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert PASSWORD not in message
    assert message.startswith(f"archive {locate(where).label}: ")
    return message.removeprefix(f"archive {locate(where).label}: ")


def test_a_server_that_does_not_answer(server: Server):
    for address in ("127.0.0.1:1", "nobody.invalid"):
        said = refusal(f"postgresql+psycopg://me:{PASSWORD}@{address}/x")
        assert said.startswith("no server answers: ")
        assert said.endswith("; start it, or correct its address (--archive)")
    assert "no server answers" in refusal(f"postgresql://me:{PASSWORD}@/x?host=/nowhere")


def test_a_wrong_password_or_none(server: Server, database: str, monkeypatch: pytest.MonkeyPatch):
    wrong = "one-that-is-wrong"
    with pytest.raises(ArchiveUnavailable) as caught:
        Archive.open(server.url(database, password=wrong))
    assert wrong not in str(caught.value)
    assert 'password authentication failed for user "tester"; correct the password' in str(
        caught.value
    )
    bare = server.url(database).replace(f":{PASSWORD}", "")
    assert refusal(bare) == "it wants a password; give it by PGPASSWORD or ~/.pgpass"
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    Archive.open(bare).close()


def test_a_database_or_a_user_that_is_not_there(server: Server, database: str):
    said = refusal(server.url("nowhere"))
    assert said.endswith('database "nowhere" does not exist; make it: createdb NAME')
    said = refusal(server.url(database, user="nobody"))  # a server does not tell who exists
    assert 'authentication failed for user "nobody"' in said


def test_who_may_not_make_tables_is_told_whom_to_ask(server: Server, stranger: str):
    assert refusal(stranger) == (
        "permission denied for schema public; let its owner GRANT that right, or name another "
        "(--archive)"
    )


def test_who_may_only_read_can_read(server: Server, database: str, stranger: str):
    with Archive.open(server.url(database)) as archive:
        archive.create_search(id="s", domain="d", strategy="s", config={}, seed=1, tasks=TASKS)
    assert "permission denied for table" in refusal(stranger, read_only=True)
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest", database=database)
    with Archive.open(stranger, read_only=True) as archive:
        assert archive.search().id == "s"
    denied = pytest.raises(ArchiveUnavailable, match="permission denied for table event; let its")
    with Archive.open(stranger) as archive, denied:
        archive.add_event("s", "k", "t")


def test_an_empty_database_is_no_archive_for_a_reader(server: Server, database: str):
    told = "there is none in this database; `metasearch run` makes one, or name another (--archive)"
    assert refusal(server.url(database), read_only=True) == told
    assert refusal(server.url(database), create=False) == told
    where = ["--archive", server.url(database)]
    result = CliRunner().invoke(app, ["doctor", "--offline", "--json", *where])
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["archive"]["level"] == "ok"
    assert checks["archive"]["text"].startswith("none yet at postgresql://tester@/")


def test_a_database_of_another_program_is_left_alone(server: Server, database: str):
    server.execute("CREATE TABLE recipes (name TEXT)", database=database)
    assert "it is a database of another program" in refusal(server.url(database))
    server.execute("CREATE TABLE evaluation (name TEXT)", database=database)
    assert "it is a database of another program" in refusal(server.url(database))


def test_an_encoding_that_cannot_hold_every_text(server: Server):
    server.execute(
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    assert refusal(server.url("latin")).startswith("its encoding is LATIN1, which cannot hold")
    server.drop("latin")


def test_an_address_with_an_at_in_its_password_is_told_how_to_write_it():
    for where, told in {
        "postgresql://me:se@cret@host/x": "write an @ in the password as %40",
        "postgresql://me:secret@host:port/x": "not a URL",
    }.items():
        with pytest.raises(ConfigError, match=told) as caught:
            Archive.open(where)
        assert "cret" not in str(caught.value)


def test_the_address_that_is_shown_is_one_that_psql_understands(server: Server, database: str):
    shown = locate(server.url(database)).label
    assert shown == without_password(server.url(database))
    done = subprocess.run(
        [server.program("psql"), shown, "-Atc", "SELECT 6 * 7"],
        env={**os.environ, "PGPASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("42", "")


def test_no_password_is_written_down(server_desk: Desk, server: Server):
    where = f"{server.url('x')}&sslpassword=another-secret"
    config = SearchConfig.model_validate({"archive": where})
    assert config.archive == where
    server_desk.archive.create_search(
        id="s2", domain="d", strategy="s", config=config.to_json(), seed=1, tasks={}
    )
    kept = server_desk.archive.search("s2").config["archive"]
    assert kept == f"postgresql://tester@/x?host={str(server.folder).replace('/', '%2F')}"
    everything = [
        server_desk.archive.sql(f'SELECT * FROM "{name}"').rows for name in METADATA.tables
    ]
    for text in (str(everything), to_toml(config)):
        assert PASSWORD not in text
        assert "another-secret" not in text


COMMANDS = (
    ("archive", "path"),
    ("archive", "sql", "SELECT number, name, n, mean, solved FROM leaderboard ORDER BY place"),
    ("archive", "sql", "SELECT number, depth, path FROM lineage ORDER BY number", "--json"),
    ("archive", "sql", "SELECT number, dollars_per_task FROM pareto_front ORDER BY 1", "--json"),
    ("archive", "sql", "SELECT owner, model, calls, dollars FROM spend ORDER BY 1", "--json"),
    ("archive", "export"),
    ("archive", "export", "--csv"),
    ("top",),
    ("top", "--json"),
    ("show", "best"),
    ("show", "4", "--json"),
    ("lineage", "best"),
    ("compare", "1", "4"),
    ("trace", "4"),
    ("status", "--json"),
)


def answers(place: str) -> list[str]:
    """Return what each command prints, without what differs by its nature: the place, the time."""
    found = []
    for command in COMMANDS:
        result = CliRunner().invoke(app, [*command, "--archive", place])
        assert result.exit_code == 0, (command, result.output)
        assert PASSWORD not in result.output
        label = locate(place).label
        found.append(_timeless(result.stdout.replace(label, "PLACE")))
    return found


def _timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.+]*|\d+ s(econds)? ago", "TIME", text)


def test_every_command_says_the_same_on_both_databases(
    server: Server, database: str, tmp_path: Path
):
    file = tmp_path / "archive.db"
    build(file)
    build(server.url(database))
    for command, on_file, on_server in zip(
        COMMANDS, answers(str(file)), answers(server.url(database)), strict=True
    ):
        assert on_server == on_file, command


def test_the_variable_and_the_key_of_the_configuration_name_the_server(
    server: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Archive.open(server.url(database)).close()
    monkeypatch.setenv("METASEARCH_ARCHIVE", server.url(database))
    result = CliRunner().invoke(app, ["archive", "path"])
    assert result.stdout.strip() == locate(server.url(database)).label
    (tmp_path / "search.toml").write_text(f"archive = {json.dumps(server.url(database))}\n")
    monkeypatch.delenv("METASEARCH_ARCHIVE")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "search.toml"), "--print-config"])
    assert f'archive = "{locate(server.url(database)).label}"' in result.stdout


def test_an_unreachable_server_ends_a_command_with_exit_code_4():
    place = f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:1/x"
    for command in (["top"], ["archive", "path"], ["resume"]):
        result = CliRunner().invoke(app, [*command, "--archive", place])
        assert result.exit_code == 4
        assert result.stderr.startswith("error: archive postgresql://me@127.0.0.1:1/x: no server")
        assert len(result.stderr.splitlines()) == 1
        assert PASSWORD not in result.output
