"""`metasearch lineage`: what a design came from, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, entry, opened, search_option
from metasearch.cli.output import console, emit, one_line, score
from metasearch.types import Json

if TYPE_CHECKING:
    from rich.tree import Tree

    from metasearch.archive.records import LineageStep

__all__ = ["lineage"]


@click.command(
    cls=Verb,
    examples="""
    metasearch lineage best
    metasearch lineage 12 --down         # what was made from it
    metasearch lineage 12 --json
    """,
)
@click.argument("reference", metavar="[DESIGN]", default="best")
@click.option("--down", is_flag=True, help="Descendants instead of ancestors.")
@search_option
@archive_option
@as_json
def lineage(
    reference: str, down: bool, search_id: str | None, place: str | None, as_json: bool
) -> None:
    """Show a design's ancestors as a tree, or its descendants.

    Each line says who made it, by which operator, and its validation score. A design that appears
    twice is drawn once in full; the archive never drops a parent.
    """
    with opened(place) as archive:
        search = archive.search(search_id)
        one = entry(archive, search, reference)
        family = archive.lineage(search.id, one.number, "children" if down else "seeds")
    if as_json:
        facts = [_json(step) for step in family]
        emit("lineage", {"search": search.id, "root": one.number, "entries": facts})
        return
    from rich.tree import Tree

    steps = {step.number: step for step in family}
    links = _children(steps) if down else {step.number: step.parents for step in family}
    root = Tree(_label(steps[one.number]))
    _grow(root, one.number, steps, links)
    console().print(root)


def _children(steps: Mapping[int, LineageStep]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for step in sorted(steps.values(), key=lambda step: step.number):
        for parent in step.parents:
            found.setdefault(parent, []).append(step.number)
    return {number: tuple(children) for number, children in found.items()}


def _grow(
    tree: Tree,
    number: int,
    steps: Mapping[int, LineageStep],
    links: Mapping[int, tuple[int, ...]],
) -> None:
    """Add the relatives below a line."""
    # Not by recursion: a lineage may be longer than Python's stack is deep.
    stack, seen = [(tree, number)], {number}
    while stack:
        branch, at = stack.pop()
        for relative in links.get(at, ()):
            if relative in seen:
                branch.add(f"#{relative}, see elsewhere in this tree")
            elif relative in steps:
                seen.add(relative)
                stack.append((branch.add(_label(steps[relative])), relative))


def _label(step: LineageStep) -> str:
    from rich.markup import escape

    made_by = step.proposer + (f": {step.operator}" if step.operator else "")
    found = step.validation
    how_good = f"{score(found.mean)} on {found.n}" if found and found.n else step.status
    name = one_line(step.name, 60)
    return escape(f"#{step.number} {name}  {how_good}  ({one_line(made_by, 60)})")


def _json(step: LineageStep) -> dict[str, Json]:
    return {
        "number": step.number,
        "depth": step.depth,
        "design": step.design_id,
        "name": step.name,
        "status": str(step.status),
        "proposer": step.proposer,
        "operator": step.operator,
        "parents": list(step.parents),
        "validation": step.validation.mean if step.validation else None,
    }
