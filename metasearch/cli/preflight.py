"""The look before a search: its options, and what `run --preflight-only` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from metasearch.cli.output import emit, words

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.search.preflight import Wanted

__all__ = ["preflight_options", "print_preflight", "wanted"]

Command = TypeVar("Command", bound=Callable[..., Any])
OPTIONS = {
    "--no-preflight": ("off", "Do not look first whether there is something to find."),
    "--preflight-only": ("only", "Look whether there is something to find, and stop there."),
    "--force": ("force", "Search although the preflight refuses."),
}


def preflight_options(command: Command) -> Command:
    """Add the options that say how to look first, as `preflight`."""
    for name, (value, text) in reversed(OPTIONS.items()):
        command = click.option(name, "preflight", flag_value=value, default=None, help=text)(
            command
        )
    return command


def wanted(preflight: str | None) -> Wanted:
    """Return what the options ask for."""
    from metasearch.search.preflight import Wanted

    return Wanted(run=preflight != "off", force=preflight == "force", only=preflight == "only")


def print_preflight(archive: Archive, search_id: str, display: str) -> int:
    """Print what the last preflight of a search found; 1 if it refuses."""
    from metasearch.search.preflight import told

    found = told(archive, search_id)
    if display == "json":
        emit("preflight", {"search": search_id, **found})
    else:
        for line in found.get("lines", ()):
            click.echo(line.removeprefix("preflight: "))
        for kind in ("warnings", "refusals"):
            for line in found.get(kind, ()):
                click.echo(f"{kind.removesuffix('s')}: {line}")
    words(f"nothing else was spent; go on with: metasearch resume {search_id}")
    return int(found["verdict"] == "refuse")
