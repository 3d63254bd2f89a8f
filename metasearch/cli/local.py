"""`metasearch local`: the small model on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from metasearch.cli.base import Verbs
from metasearch.cli.options import as_json
from metasearch.cli.output import emit, words

__all__ = ["local"]


@click.group(
    cls=Verbs,
    examples="""
    metasearch local fetch        # 0.5 GB, once
    metasearch local start
    metasearch local status
    """,
)
def local() -> None:
    """Fetch, start and stop the model on this machine.

    The embedded default: a small open model behind llama.cpp, on loopback.
    """


model_option = click.option(
    "--model", "name", metavar="NAME", help="qwen2.5-coder-0.5b (the default) or -1.5b."
)


@local.command(
    examples="""
    metasearch local fetch
    metasearch local fetch --model-file ~/models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf
    """
)
@model_option
@click.option(
    "--model-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the file from here; its hash is checked like a download's.",
)
def fetch(name: str | None, model_file: Path | None) -> None:
    """Download the model's file and check its hash; goes on where it was interrupted."""
    from metasearch.gateway import local as server
    from metasearch.gateway.fetch import DEFAULT_MODEL

    path = server.fetch(name or DEFAULT_MODEL, model_file=model_file, progress=words)
    words(server.LICENCE)
    click.echo(path)


@local.command(
    examples="""
    metasearch local start
    metasearch run --base-url "$(metasearch local start)" --model qwen2.5-coder-0.5b
    """
)
@model_option
def start(name: str | None) -> None:
    """Start the server, leave it running, and print its address; searches find it by themselves."""
    from metasearch.gateway import local as server
    from metasearch.gateway.fetch import DEFAULT_MODEL

    running = server.start(name or DEFAULT_MODEL, keep=True, progress=words)
    running.close()
    words(f"{running.model}, {running.parallel} requests at a time; {server.LICENCE}")
    click.echo(running.base_url)


@local.command(examples="metasearch local stop")
def stop() -> None:
    """Stop the server, whoever uses it."""
    from metasearch.gateway import local as server

    words("stopped" if server.stop() else "it was not running")


@local.command(examples="metasearch local status --json")
@as_json
def status(as_json: bool) -> int:
    """Say whether the model can run here, and whether it does; exit 1 if it cannot."""
    from metasearch.gateway import local as server

    missing = server.available()
    running = server.status()
    if as_json:
        server_facts = None
        if running is not None:
            server_facts = {
                "base_url": running.base_url,
                "pid": running.pid,
                "model": running.model,
            }
        emit("local", {"available": not missing, "reason": missing, "server": server_facts})
    elif running is not None:
        click.echo(f"{running.model} at {running.base_url}, pid {running.pid}")
    else:
        click.echo(missing or "ready; not running")
    return int(bool(missing))
