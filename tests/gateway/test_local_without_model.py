import os
import subprocess
import sys
from pathlib import Path

import pytest

from metasearch.errors import ConfigError
from metasearch.gateway import local
from metasearch.gateway.local_server import is_alive


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METASEARCH_MODEL_FILE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert "metasearch local fetch" in local.available()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "metasearch[local]" in local.available()
    with pytest.raises(ConfigError, match="--base-url"):
        local.start()


def test_a_stale_state_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    (tmp_path / "local").mkdir()
    for text in ("", "{}", '{"pid": 1, "address": "http://127.0.0.1:9"}', "\x00"):
        (tmp_path / "local" / "server.json").write_text(text)
        assert local.status() is None
    assert not local.stop()


def test_the_end_of_a_process_is_seen() -> None:
    assert is_alive(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not is_alive(child.pid)
