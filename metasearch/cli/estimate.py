"""`run --dry-run`: how much work a search is and what it may cost, before it begins.

What an evaluation takes is read from the archive; where that knows nothing like it, the seeds are
run on three training tasks, a few cents that are told; where nobody answers, it is a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from metasearch.cli.output import words
from metasearch.errors import ArchiveUnavailable, BudgetExhausted, ConfigError, MetasearchError
from metasearch.search.workload import DESIGN_TOKENS, GUESS, Costs, Plan, Three, planned
from metasearch.types import Split

if TYPE_CHECKING:
    from metasearch.archive.records import EntryInfo
    from metasearch.domains import Domain
    from metasearch.gateway.prices import Price
    from metasearch.search.config import SearchConfig

__all__ = ["print_estimate"]

FEW_DESIGNS = 3  # a budget for fewer finds nothing but luck


def print_estimate(config: SearchConfig) -> int:
    """Print the plan on stdout; 0, or 3 when the budget does not reach one new design."""
    from metasearch.search.domain import load_domain
    from metasearch.search.launch import prices

    price = prices(config)  # a model without one is refused first
    domain = load_domain(config)
    plan = _plan(config, domain, price)
    for line in (*_lines(config, domain, plan), *_outlook(domain)):
        click.echo(line)
    if plan.costs.tokens[1] <= 0:
        raise ConfigError("this archive's evaluations took no tokens; there is nothing to estimate")
    designs = plan.affordable(config)
    if designs is None:
        return 0
    click.echo(f"budget: reaches about {designs} new designs of {config.search.designs}")
    if designs < FEW_DESIGNS:
        words(f"warning: fewer than {FEW_DESIGNS} new designs find nothing but luck")
    return 3 if designs < 1 else 0


def _outlook(domain: Domain) -> list[str]:
    """Say what is known without a model: the floor, and which differences the tasks can show."""
    from metasearch.domains.constant import best_constant
    from metasearch.search.preflight import static

    sizes = {str(split): len(domain.tasks(split)) for split in Split}
    found = static(best_constant(domain, domain.tasks(Split.TRAIN)), sizes)
    for refusal in found.refusals:
        words(f"warning: {refusal}")
    return [line.replace("preflight: ", "outlook: ") for line in found.lines()]


def _plan(config: SearchConfig, domain: Domain, price: tuple[Price, Price]) -> Plan:
    from metasearch.search.launch import baselines

    sizes = {split: len(domain.tasks(split)) for split in Split}
    return planned(config, len(baselines(config)), sizes, price, _costs(config, domain))


def _costs(config: SearchConfig, domain: Domain) -> Costs:
    """Learn from this archive, else from a pilot, else guess."""
    entries = _history(config, domain.name)
    seen = [one.validation.tokens_per_task for one in entries if one.validation is not None]
    written = (one for one in entries if one.proposer.partition(":")[0] == "meta-agent")
    paid = [float(one.usage.total) for one in written]
    design = _quartiles(paid) or DESIGN_TOKENS
    tokens = _quartiles(seen)
    if tokens is not None:
        return Costs(tokens, design, f"{len(seen)} designs of this archive")
    return _piloted(config, domain)


def _history(config: SearchConfig, domain: str) -> list[EntryInfo]:
    """Return the designs of this archive that met validation tasks of the same domain."""
    from metasearch.cli.options import opened

    try:
        with opened(config.archive) as archive:
            return [
                one
                for search in archive.searches()
                if search.domain == domain
                for one in archive.entries(search.id)
                if one.validation is not None and one.validation.n
            ]
    except ArchiveUnavailable:
        return []


def _quartiles(values: Sequence[float]) -> Three | None:
    """Return the quartiles, None of too few."""
    seen = sorted(values)
    if len(seen) < len(GUESS):
        return None
    at = [seen[round(share * (len(seen) - 1))] for share in (0.25, 0.5, 0.75)]
    return at[0], at[1], at[2]


def _piloted(config: SearchConfig, domain: Domain) -> Costs:
    """Run the seeds on three tasks where an endpoint can be asked."""
    import asyncio

    from metasearch.search.config import FREE_MODELS

    most = float(config.search.tokens_per_task)
    low, typical, high = (min(most, tokens) for tokens in GUESS)
    guess = Costs((low, typical, high), source="a guess: this archive holds nothing like it")
    if config.model.name in FREE_MODELS:
        return guess  # its tokens cost nothing, and on this machine a pilot takes minutes
    from metasearch.search.pilot import TASKS, pilot

    try:
        found = asyncio.run(pilot(config, domain, words))
    except BudgetExhausted:
        words("a pilot would take too much of the budget, so this is a guess")
        return guess
    except MetasearchError as error:
        words(f"no pilot could be run, so this is a guess: {error}")
        return guess
    words(
        f"pilot: {len(found.tokens)} seeds on {TASKS} training tasks, {found.spent.calls} calls, "
        f"${found.spent.dollars:.4f}"
    )
    tokens = _quartiles(found.tokens) or guess.tokens
    return Costs(tokens, source=f"a pilot on {TASKS} tasks", prompt_share=found.prompt_share)


def _lines(config: SearchConfig, domain: Domain, plan: Plan) -> list[str]:
    sizes = ", ".join(f"{len(domain.tasks(split))} {split}" for split in Split)
    totals = [plan.total(rank) for rank in range(3)]
    dollars = " / ".join(f"{money:.2f}" for _, money in totals) if any(plan.price) else "0"
    return [
        f"domain: {domain.name}, {sizes} tasks",
        f"model: {config.model.name}; designs are written by {config.designer().name}",
        f"work: {plan.seeds} seeds and {plan.designs} new designs, {plan.per_design} "
        f"evaluations each at most, {plan.evaluations:,} in all; racing saves a part",
        "tokens: " + " / ".join(f"{tokens:,.0f}" for tokens, _ in totals) + " (low / typical / "
        f"high; from {plan.costs.source})",
        f"dollars: {dollars}",
    ]
