"""`metasearch seeds`: the designs that a search starts from."""

from __future__ import annotations

from pathlib import Path

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import as_json
from metasearch.cli.output import console, emit, table

__all__ = ["seeds"]


@click.command(
    cls=Verb,
    examples="""
    metasearch seeds
    metasearch seeds debate > my_seeds/debate.py
    metasearch seeds --domain commons
    metasearch seeds --folder my_seeds
    metasearch seeds som:S2/p0p0p1       # of 4 societies x 8 strategies; som lists all 32
    """,
)
@click.argument("name", required=False)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Your own; else the shipped."
)
@click.option("--domain", default="starter", show_default=True, help="Whose starting designs.")
@as_json
def seeds(name: str | None, folder: Path | None, domain: str, as_json: bool) -> None:
    """List the starting designs, or print one's source."""
    from metasearch import domains
    from metasearch.domains.base import entry_of
    from metasearch.errors import ConfigError
    from metasearch.search.family import is_family
    from metasearch.search.seeds import seeds as read
    from metasearch.search.seeds import shipped

    if name is not None and is_family(name):
        designs = read(Path(name))
        name = designs[0].name if len(designs) == 1 else None
    else:
        about = domains.load(domain)
        designs = read(folder or shipped(about), entry=entry_of(about))
    found = {design.name: design for design in designs}
    if name is not None and name not in found:
        raise ConfigError(f"no seed is named {name!r}; there are {', '.join(found)}")
    if as_json:
        chosen = [found[name]] if name else list(found.values())
        facts = [
            {"name": one.name, "design": one.id, "idea": one.idea, "source": one.source}
            for one in chosen
        ]
        emit("seeds", {"seeds": facts})
    elif name is not None:
        click.echo(found[name].source, nl=not found[name].source.endswith("\n"))
    else:
        rows = [(one.name, one.id, one.idea) for one in found.values()]
        console().print(table(("name", "design", "idea"), rows))
