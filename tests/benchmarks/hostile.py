"""`hostile_contained`: every attack of `tests/hostile`, run in every sandbox that is here."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from metasearch.sandbox.docker import DockerSandbox
from metasearch.sandbox.wasm import WasmSandbox
from tests.hostile.suite import SANDBOXES, attacks, laid, run_all


def figure(quick: bool) -> dict[str, Any]:
    """Attacks contained, out of all that were run; the quick form runs all of them, too."""
    del quick
    return asyncio.run(_measured())


async def _measured() -> dict[str, Any]:
    chosen = attacks()
    each: dict[str, Any] = {}
    escaped: dict[str, str] = {}
    for name, opened in SANDBOXES.items():
        if missing := await _missing(name):
            each[name] = missing
            continue
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, laid(Path(folder)) as canaries:
            async with opened() as sandbox:
                found = await run_all(sandbox, chosen, canaries)
        bad = {attack or "bystanders": why[0][:300] for attack, why in found.items() if why}
        escaped |= {f"{name}: {attack}": why for attack, why in bad.items()}
        seconds = round(time.perf_counter() - start, 1)
        each[name] = {"run": len(chosen), "contained": len(chosen) - len(bad), "seconds": seconds}
    ran = [one for one in each.values() if isinstance(one, dict)]
    run, contained = sum(one["run"] for one in ran), sum(one["contained"] for one in ran)
    return {
        "value": contained,
        "bound": run,
        "unit": "attacks contained",
        **each,
        "not_contained": escaped,
        "holds": bool(ran) and contained == run,
    }


async def _missing(name: str) -> str:
    kind: Any = {"docker": DockerSandbox, "wasm": WasmSandbox}[name]
    return str(await kind.available())
