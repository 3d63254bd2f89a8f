"""What `doctor` looks at beyond this process: sandboxes, models, an endpoint."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from metasearch.cli.finding import Check
from metasearch.errors import MetasearchError

__all__ = ["door_checks"]


def door_checks(*, offline: bool, base_url: str | None, key_env: str) -> list[Check]:
    """Return what a search can run in and on; offline, neither engine nor endpoint is asked.

    Args:
        offline: True makes everything that is missing a warning.
        base_url: endpoint to ask for its models; None is that of the `openai` client.
        key_env: the variable that holds the key.
    """
    sandboxes = [_wasm()] if offline else [_docker(), _wasm()]
    models = [_local_model()] if offline else [_local_model(), _endpoint(base_url, key_env)]
    found = sandboxes + models
    if not offline:
        found += [
            _one_of("sandbox", sandboxes, "start Docker, or pip install 'metasearch[wasm]'"),
            _one_of("model", models, "set OPENAI_API_KEY, or pip install 'metasearch[local]'"),
        ]
    return found


def _docker() -> Check:
    def probe() -> str:
        from metasearch.sandbox.docker import DockerSandbox

        return asyncio.run(DockerSandbox.available())

    fix = "metasearch image build, once an engine runs"
    return _probed("docker", probe, "the engine answers and the image is current", fix)


def _wasm() -> Check:
    def probe() -> str:
        from metasearch.sandbox.wasm import WasmSandbox

        return asyncio.run(WasmSandbox.available())

    return _probed(
        "wasm", probe, "CPython on WebAssembly is ready", "pip install 'metasearch[wasm]'"
    )


def _local_model() -> Check:
    def probe() -> str:
        from metasearch.gateway import local

        missing: str = local.available()
        return missing

    fix = "pip install 'metasearch[local]' && metasearch local fetch"
    return _probed("local model", probe, "file and runtime are there", fix)


def _probed(name: str, probe: Callable[[], str], good: str, fix: str) -> Check:
    """Turn what `available` says into a finding; nothing here is needed as long as one works."""
    try:
        missing = probe()
    except (MetasearchError, ImportError, OSError) as error:
        missing = str(error)
    if missing:
        return Check(name, "warn", missing, "" if fix.split(",")[0] in missing else fix)
    return Check(name, "ok", good)


def _endpoint(base_url: str | None, key_env: str) -> Check:
    from metasearch.cli.endpoint import DEFAULT_URL, Refused, ask_models

    key = os.environ.get(key_env, "")
    if not key and base_url is None:
        return Check("endpoint", "warn", f"{key_env} is not set", f"export {key_env}=...")
    address = base_url or DEFAULT_URL
    try:
        names = ask_models(address, key)
    except Refused as refused:
        fix = f"check the address and {key_env}"
        return Check("endpoint", "fail", f"{address}: {refused}", fix)
    return Check("endpoint", "ok", f"{address} offers {len(names)} models")


def _one_of(name: str, checks: list[Check], fix: str) -> Check:
    """Say whether at least one way is there: without it nothing runs."""
    ready = [check.name for check in checks if check.level == "ok"]
    if ready:
        return Check(name, "ok", " and ".join(ready))
    return Check(name, "fail", f"none is ready: {', '.join(check.name for check in checks)}", fix)
