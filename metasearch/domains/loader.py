"""From what the user wrote after `--domain` to a domain that is proven sound."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from metasearch import plugins
from metasearch.domains.base import Domain
from metasearch.domains.files import SUFFIXES
from metasearch.domains.files import load as load_file
from metasearch.domains.soundness import prove_scored
from metasearch.domains.splits import check_sizes, prove_disjoint
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["load"]


def load(
    spec: str,
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    scorer: str | None = None,
    options: Mapping[str, Json] | None = None,
) -> Domain:
    """Return the domain that `spec` names.

    Args:
        spec: FILE.jsonl, FILE.csv, FILE.py, or the name of a plug-in, with an argument after a
            colon: "starter", "reasoning:chain_sum,leg_counting", "mgsm:DIR".
        sizes: tasks wanted for a split; the domain decides about splits that are left out.
        seed: decides which tasks there are, or how they are dealt out.
        scorer: for files only: a name out of `SCORERS`, or FILE.py with `score(task, answer)`.
        options: what else the domain understands.

    Raises:
        ConfigError: there is no such domain or file, something in it is wrong, there are too few
            tasks, a question is in two splits or without an answer, or the scorer does not score.
    """
    asked = check_sizes(sizes) or None
    given = dict(options or {})
    domain: Domain
    if Path(spec).suffix.lower() in SUFFIXES:
        domain = load_file(spec, sizes=asked, seed=seed, scorer=scorer, options=given)
    else:
        if scorer is not None:
            raise ConfigError(f"{spec} has its own scorer; --scorer goes with a task file")
        domain = _plugin(spec, asked, seed, given)
    prove_disjoint({split: domain.tasks(split) for split in Split}, domain.name)
    prove_scored(domain)
    return domain


def _plugin(
    spec: str, sizes: Mapping[Split, int] | None, seed: int, options: Mapping[str, Json]
) -> Domain:
    name, _, argument = spec.partition(":")
    known = plugins.names("domains")
    if name not in known:
        raise ConfigError(_unknown(spec, name, known))
    make = plugins.load("domains", name)
    return cast(Domain, make(argument, sizes=sizes, seed=seed, options=options))


def _unknown(spec: str, name: str, known: list[str]) -> str:
    """Say what `spec` may have been meant to be."""
    if Path(spec).exists():
        return f"{spec}: a task file is one of {', '.join(SUFFIXES)}; convert or rename it"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return (
        f"no domain is named {name!r}; {hint}there are {', '.join(known)},"
        " or give a file of tasks: FILE.jsonl, FILE.csv or FILE.py"
    )
