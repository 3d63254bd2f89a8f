"""Designs that differ in two settings alone: the societies and strategies of MachineSoM.

Zhang et al. 2024, arXiv:2310.02124: four societies of three agents, each overconfident or
easy-going, and eight strategies, each three rounds of debate (p0) or reflection (p1).
"""

from __future__ import annotations

import itertools
import re

from metasearch.assets import asset
from metasearch.errors import ConfigError
from metasearch.types import Design

__all__ = ["FAMILY", "SOCIETIES", "STRATEGIES", "is_family", "som"]

FAMILY = "som"
SOCIETIES = {"S1": (3, 0), "S2": (2, 1), "S3": (1, 2), "S4": (0, 3)}
"""How many are overconfident, and how many are easy-going."""

STRATEGIES = tuple("".join(steps) for steps in itertools.product(("p0", "p1"), repeat=3))

_STEPS = {"p0": "debate", "p1": "reflect"}
_MOST_AGENTS, _MOST_ROUNDS = 10, 10  # as far as the paper went
_FORM = (
    "write som, som:SOCIETY or som:SOCIETY/STRATEGY; societies are S1 to S4, or 2o3e for two"
    " overconfident and three easy-going ones; a strategy is a row of p0 (debate) and p1 (reflect)"
)


def is_family(name: str) -> bool:
    """True when a seed's name means members of the family."""
    return name == FAMILY or name.startswith(f"{FAMILY}:")


def som(name: str) -> list[Design]:
    """Return the members of the family that a name means.

    Args:
        name: "som" for all 32, "som:S2" for the eight of a society, "som:S2/p0p0p1" for one;
            other sizes are "som:2o3e/p0p1", up to 10 agents and 10 rounds.

    Raises:
        ConfigError: it means none.
    """
    society, _, strategy = name.partition(":")[2].partition("/")
    societies = [society] if society else list(SOCIETIES)
    strategies = [strategy] if strategy else list(STRATEGIES)
    return [_member(name, one, steps) for one in societies for steps in strategies]


def _member(name: str, society: str, strategy: str) -> Design:
    proud, easy = _traits(name, society)
    if not re.fullmatch(rf"(p[01]){{1,{_MOST_ROUNDS}}}", strategy):
        raise ConfigError(f"{name}: {strategy!r} is no strategy; {_FORM}")
    steps = [_STEPS[step] for step in re.findall("p[01]", strategy)]
    source = (asset("seeds") / "social" / FAMILY / "society.py").read_text(encoding="utf-8")
    idea = f"{_counted(proud, easy)} answer, then {', '.join(steps)}; most votes win."
    source = re.sub(r'\A"""[^\n]*', lambda _: f'"""{idea}', source)
    traits = ["overconfident"] * proud + ["easy-going"] * easy
    source = _set(_set(source, "TRAITS", traits), "PATTERN", steps)
    return Design(source, name=f"som_{society}_{strategy}", idea=idea)


def _traits(name: str, society: str) -> tuple[int, int]:
    if society in SOCIETIES:
        return SOCIETIES[society]
    found = re.fullmatch(r"(\d{1,2})o(\d{1,2})e", society)
    if not found or not 2 <= int(found[1]) + int(found[2]) <= _MOST_AGENTS:
        raise ConfigError(f"{name}: {society!r} is no society; {_FORM}")
    return int(found[1]), int(found[2])


def _counted(proud: int, easy: int) -> str:
    parts = [f"{proud} overconfident" if proud else "", f"{easy} easy-going" if easy else ""]
    return f"{' and '.join(part for part in parts if part)} experts"


def _set(source: str, constant: str, values: list[str]) -> str:
    listed = ", ".join(f'"{value}"' for value in values) + ("," if len(values) == 1 else "")
    line = f"{constant} = ({listed})"
    if len(line) > 100:
        line = f"{constant} = (\n" + "".join(f'    "{value}",\n' for value in values) + ")"
    return re.sub(rf"(?m)^{constant} = \(.*\)$", lambda _: line, source)
