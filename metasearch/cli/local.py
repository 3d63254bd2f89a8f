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


@local.command(
    examples="""
    metasearch local fetch
    metasearch local fetch --model-file ~/models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf
    """
)
@click.option(
    "--model-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the file from here; its hash is checked like a download's.",
)
def fetch(model_file: Path | None) -> None:
    """Download the model's file and check its hash; goes on where it was interrupted."""
    from metasearch.gateway import local as server

    path = server.fetch(model_file=model_file, progress=words)
    click.echo(path)


@local.command(examples="metasearch local start")
def start() -> None:
    """Start the server and leave it running; searches find it."""
    from metasearch.gateway import local as server

    running = server.start(keep=True)
    click.echo(running.base_url)


@local.command(examples="metasearch local stop")
def stop() -> None:
    """Stop the server that `start` left running."""
    from metasearch.gateway import local as server

    words("stopped" if server.stop() else "it was not running")


@local.command(examples="metasearch local status --json")
@as_json
def status(as_json: bool) -> int:
    """Say whether the extra, the file and the server are there; exit 1 if it cannot run."""
    from metasearch.gateway import local as server

    missing = server.available()
    if as_json:
        emit("local", {"available": not missing, "reason": missing})
    else:
        click.echo(missing or "ready")
    return int(bool(missing))
