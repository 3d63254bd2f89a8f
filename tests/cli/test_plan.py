from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.conftest import Invoke


def _printed(invoke: Invoke, *arguments: str) -> dict[str, Any]:
    result = invoke("run", *arguments, "--print-config")
    assert result.exit_code == 0, result.stderr
    return tomllib.loads(result.stdout)


@contextmanager
def endpoint(status: int, body: str) -> Iterator[str]:
    """A real server on loopback that answers every GET alike; yields its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_without_key_endpoint_or_file_the_local_preset_is_taken(invoke: Invoke) -> None:
    config = _printed(invoke)
    assert config["model"]["name"] == "local"
    assert config["search"]["designs"] >= 12
    assert config["budget"]["minutes"] > 0


def test_options_and_variables_win(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("search.toml").write_text('[model]\nname = "a"\n[budget]\nusd = 3\n[search]\nseed = 5\n')
    monkeypatch.setenv("METASEARCH_USD", "2")
    monkeypatch.setenv("METASEARCH_SEED", "6")
    config = _printed(invoke, "search.toml", "--usd", "1")
    assert config["budget"]["usd"] == 1  # the option, over the variable and the file
    assert config["search"]["seed"] == 6  # the variable, over the file
    assert config["model"]["name"] == "a"  # the file


def test_search_toml_of_this_folder_is_taken_and_said(invoke: Invoke) -> None:
    Path("search.toml").write_text('[model]\nname = "mine"\n[budget]\ncalls = 9\n')
    result = invoke("run", "--print-config")
    assert tomllib.loads(result.stdout)["model"]["name"] == "mine"
    assert "configuration: search.toml" in result.stderr


def test_set_reaches_every_key_and_needs_no_quotes(invoke: Invoke) -> None:
    config = _printed(
        invoke,
        "--set",
        "search.in_flight=7",
        "--set",
        "search.stages=[3, 'all']",
        "--set",
        "domain.scorer=exact",
    )
    assert config["search"]["in_flight"] == 7
    assert config["search"]["stages"] == [3, "all"]
    assert config["domain"]["scorer"] == "exact"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--set", "search.in_flght=7"], "--set search.in_flght: unknown key search.in_flght; did"),
        (["--set", "nonsense"], "is not KEY=VALUE"),
        (["--usd", "-1"], "--usd: budget.usd"),
        (["--base-url", "localhost:8000"], "--base-url: model.base_url"),
        (["none.toml"], "none.toml: no such file"),
        (["--preset", "nightly"], "there are local, overnight, smoke"),
        (["--name", "a b"], "--name: name: use 1 to 64"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_2(
    invoke: Invoke, arguments: list[str], expected: str
) -> None:
    result = invoke("run", *arguments, "--print-config")
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stdout == ""


def test_a_config_typo_names_file_line_and_key(invoke: Invoke) -> None:
    Path("a.toml").write_text("[search]\n\ndesings = 3\n")
    result = invoke("run", "a.toml")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: a.toml:3: unknown key search.desings; did you mean search.designs?\n"
    )


def test_an_endpoint_without_a_named_model_lists_what_it_offers(invoke: Invoke) -> None:
    with endpoint(200, '{"data": [{"id": "small"}, {"id": "large"}]}') as url:
        result = invoke("run", "--base-url", url)
    assert result.exit_code == 2
    assert "give --model NAME" in result.stderr
    assert "it offers large, small" in result.stderr


@pytest.mark.parametrize(("status", "body"), [(500, ""), (404, ""), (200, "<html>hi</html>")])
def test_an_endpoint_that_does_not_tell_still_gets_the_advice(
    invoke: Invoke, status: int, body: str
) -> None:
    with endpoint(status, body) as url:
        result = invoke("run", "--base-url", url)
    assert result.exit_code == 2
    assert "give --model NAME" in result.stderr


def test_the_local_model_has_no_address(invoke: Invoke) -> None:
    result = invoke("run", "--model", "local", "--base-url", "http://127.0.0.1:1/v1")
    assert result.exit_code == 2
    assert "name the endpoint's model with --model" in result.stderr


def test_a_paid_endpoint_without_a_cap_gets_one_and_says_so(invoke: Invoke) -> None:
    result = invoke("run", "--model", "gpt-4o-mini", "--print-config")
    assert tomllib.loads(result.stdout)["budget"]["usd"] == 1.0
    assert "--usd N sets another" in result.stderr
    free = invoke("run", "--model", "x", "--allow-unpriced", "--print-config")
    assert "usd" not in tomllib.loads(free.stdout)["budget"]


def test_init_writes_a_file_that_run_reads(invoke: Invoke) -> None:
    assert invoke("init", "--preset", "smoke").exit_code == 0
    assert _printed(invoke, "search.toml")["search"]["designs"] == 3
    again = invoke("init", "--preset", "smoke")
    assert again.exit_code == 2
    assert "--force replaces it" in again.stderr
    assert invoke("init", "--preset", "overnight", "--force").exit_code == 0
    assert _printed(invoke, "search.toml")["budget"]["usd"] == 20


def test_init_names_the_presets_and_refuses_others(invoke: Invoke) -> None:
    listed = invoke("init", "--list").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["local", "overnight", "smoke"]
    wrong = invoke("init", "--preset", "social")
    assert wrong.exit_code == 2
    assert not Path("search.toml").exists()
