"""`metasearch image`: the image that designs run in where a Docker engine answers."""

from __future__ import annotations

import click

from metasearch.cli.base import Verbs
from metasearch.cli.options import as_json
from metasearch.cli.output import emit, words

__all__ = ["image"]


@click.group(
    cls=Verbs,
    examples="""
    metasearch image build
    metasearch image status
    metasearch image prune
    """,
)
def image() -> None:
    """Build the sandbox image, check it, or remove old ones."""


@image.command(
    examples="""
    metasearch image build
    metasearch image build --base python:3.13-slim
    metasearch image build --base offline    # from this machine's own Python, no registry
    """
)
@click.option("--base", metavar="IMAGE", help="Base image, or `offline`.")
@click.option("--force", is_flag=True, help="Build even if the current image is there.")
def build(base: str | None, force: bool) -> None:
    """Build the sandbox image; where no registry is reached, from this machine's own Python.

    Images that older versions have built are removed, if no container uses them.
    """
    from metasearch.sandbox import image as images

    made = images.build(base, words, force=force)
    words(f"{made.tag} on {made.base}, {made.bytes / 1e6:.0f} MB, {made.seconds:.0f} s")


@image.command(examples="metasearch image status --json")
@as_json
def status(as_json: bool) -> int:
    """Say whether the image is built and current; exit 1 if not."""
    from metasearch.sandbox import image as images
    from metasearch.sandbox.engine import connect

    missing = images.missing(connect())
    if as_json:
        emit("image", {"tag": images.current_tag(), "current": not missing, "reason": missing})
    else:
        click.echo(missing or f"{images.current_tag()} is there and current")
    return int(bool(missing))


@image.command(examples="metasearch image prune")
def prune() -> None:
    """Remove the images of older versions that no container uses."""
    from metasearch.sandbox import image as images

    removed = images.prune()
    for name in removed:
        click.echo(name)
    words(f"{len(removed)} removed; current is {images.current_tag()}")
