"""Known values of the Internet of Agents (Chen et al. 2024, arXiv:2407.07061)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from metasearch.domains.societies.anatomy import Graph


def channels(groups: Iterable[Sequence[str]]) -> int:
    """Pairs that can talk where everybody of a group talks with everybody of it."""
    edges = {(one, other) for group in groups for one in group for other in group if one != other}
    agents = frozenset(name for edge in edges for name in edge)
    return sum(map(len, Graph(agents, frozenset(edges)).neighbours().values())) // 2


def checks() -> list[tuple[str, float, float]]:
    """(name, found, expected)."""
    nested = ["abcd", "aef", "bgh", "cij"]
    return [
        ("teams: ten agents flat", float(channels(["abcdefghij"])), 45.0),
        ("teams: a root of four with three groups of three", float(channels(nested)), 15.0),
    ]
