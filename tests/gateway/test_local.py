"""The real model behind its real server: 0.5 billion parameters on this machine."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.errors import ConfigError
from metasearch.gateway import local
from metasearch.gateway.base import Caps, PromptTooLong
from metasearch.gateway.budget import Budget
from metasearch.gateway.client import OpenAIGateway
from metasearch.gateway.fetch import DEFAULT_MODEL, MODELS, model_path
from metasearch.gateway.local import LocalServer
from metasearch.gateway.local_server import is_alive
from metasearch.gateway.settings import ModelSettings
from metasearch.types import Finish, Message, ModelRequest, Owner, Stream

pytestmark = pytest.mark.local

OWNER = """
import sys, time
from metasearch.errors import ConfigError
from metasearch.gateway import local
print(local.start(parallel=2, context_tokens=512).pid, flush=True)
time.sleep(100)
"""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of our own, so that no server of anybody else is found or stopped."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METASEARCH_MODEL_FILE", str(model_path(MODELS[DEFAULT_MODEL])))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setattr("platformdirs.user_cache_path", lambda *_, **__: cache / "metasearch")
        yield cache / "metasearch" / "local"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LocalServer]:
    server = local.start(parallel=4, context_tokens=1024)
    yield server
    server.close()
    assert gone(server.pid)


def gone(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def gateway_to(server: LocalServer) -> OpenAIGateway:
    settings = ModelSettings(
        server.model, base_url=server.base_url, key_env=None, free=True, max_field_chars=80
    )
    return OpenAIGateway([settings], budget=Budget(Caps()))


async def test_replies_keep_the_schema_eight_at_a_time(server: LocalServer) -> None:
    schema = {
        "type": "object",
        "properties": {
            "thinking": {"type": "string"},
            "colour": {"type": "string", "enum": ["red", "green", "blue"]},
            "count": {"type": "integer"},
        },
        "required": ["thinking", "colour", "count"],
        "additionalProperties": False,
    }
    async with gateway_to(server) as gateway:
        await gateway.check()
        messages = (Message("user", "How many wheels has a car, and what colour is the sky?"),)
        request = ModelRequest(server.model, messages, 80, 1.2, schema)
        asking = (gateway.ask(request, Stream(f"t{n}"), Owner.EVALUATION) for n in range(8))
        replies = await asyncio.gather(*asking)
    for reply in replies:
        fields = json.loads(reply.text)
        assert set(fields) == {"thinking", "colour", "count"}
        assert len(fields["thinking"]) <= 80
        assert fields["colour"] in ("red", "green", "blue")
        assert isinstance(fields["count"], int)
        assert reply.finish is Finish.STOP
        assert reply.usage.completion > 0
    assert len({reply.text for reply in replies}) > 1, "every stream has a seed of its own"


async def test_a_prompt_beyond_the_context_is_the_askers_fault(server: LocalServer) -> None:
    async with gateway_to(server) as gateway:
        request = ModelRequest(server.model, (Message("user", "word " * 3000),), 8)
        with pytest.raises(PromptTooLong):
            await gateway.ask(request, Stream("t"), Owner.EVALUATION)


def test_a_running_server_is_found_again(server: LocalServer) -> None:
    again = local.start()
    assert (again.pid, again.base_url) == (server.pid, server.base_url)
    again.close()
    found = local.status()
    assert found is not None
    assert found.pid == server.pid
    time.sleep(1.2)
    assert is_alive(server.pid), "another user still needs it"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_it_never_survives_its_last_user(end: signal.Signals, tmp_path: Path, folder: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env=environment
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(end)
    assert gone(pid)


def test_one_that_died_comes_back_where_its_users_look_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    first = local.start(parallel=1, context_tokens=512)
    os.kill(first.pid, signal.SIGKILL)
    assert gone(first.pid)
    second = local.start(parallel=1, context_tokens=512)
    assert second.base_url == first.base_url
    first.close()
    second.close()
    assert gone(second.pid)


def test_stopping_takes_it_from_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    kept = local.start(keep=True, parallel=1, context_tokens=512)
    kept.close()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as user:
        (tmp_path / "local" / "users" / f"{user.pid}-0").touch()
        with pytest.raises(ConfigError, match=f"process {user.pid} still uses"):
            local.stop()
        assert is_alive(kept.pid)
        user.kill()
    assert gone(kept.pid), "it is no longer kept"


def test_kept_it_outlives_its_users_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    kept = local.start(keep=True, parallel=1, context_tokens=512)
    kept.close()
    time.sleep(1.2)
    assert local.status() is not None
    assert local.stop()
    assert not is_alive(kept.pid)
    assert local.status() is None
    assert not local.stop()
