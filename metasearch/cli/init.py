"""`metasearch init`: a commented search.toml to start from."""

from __future__ import annotations

from pathlib import Path

import click

from metasearch.cli.base import Verb
from metasearch.cli.output import words

__all__ = ["init"]


@click.command(
    cls=Verb,
    examples="""
    metasearch init --preset overnight
    metasearch init --preset smoke -o smoke.toml
    metasearch init --list
    """,
)
@click.option("--preset", metavar="NAME", default="overnight", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("search.toml"),
    show_default=True,
    help="File to write.",
)
@click.option("--list", "list_only", is_flag=True, help="List the presets.")
@click.option("--force", is_flag=True, help="Replace the file.")
def init(preset: str, output: Path, list_only: bool, force: bool) -> None:
    """Write a commented search.toml to start from."""
    from metasearch.errors import ConfigError
    from metasearch.search.config_file import preset_names, preset_text

    if list_only:
        for name in preset_names():
            first = preset_text(name).splitlines()[0].lstrip("# ")
            click.echo(f"{name:<10} {first}")
        return
    text = preset_text(preset)
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{output} exists; --force replaces it, -o names another") from None
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from None
    words(f"wrote {output}; next: metasearch run {output} --dry-run")
