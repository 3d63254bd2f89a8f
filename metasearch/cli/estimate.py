"""`run --dry-run`: how much work a search is and what it may cost, before it begins.

What an evaluation takes is read from the archive; where that knows nothing like it, the seeds are
run on three training tasks, a few cents that are told; where nobody answers, it is a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from metasearch.cli.output import words
from metasearch.errors import BudgetExhausted, ConfigError, MetasearchError
from metasearch.types import Split

if TYPE_CHECKING:
    from metasearch.archive.records import EntryInfo
    from metasearch.domains import Domain
    from metasearch.gateway.prices import Price
    from metasearch.search.config import SearchConfig

__all__ = ["print_estimate"]

# Tokens of one evaluation where nothing is known: one short call, a chain of thought with a vote of
# three, a debate. The seeds span that range.
GUESS = (300.0, 1_500.0, 6_000.0)
DESIGN_TOKENS = (8_000.0, 20_000.0, 50_000.0)  # prompt, two reflections, perhaps a repair
FEW_DESIGNS = 3  # a budget for fewer finds nothing but luck
PROMPT_SHARE = 0.7  # of all tokens; the rest is new and dearer
FINALISTS = 2

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Costs:
    """What things take: low, typical, high.

    Attributes:
        tokens: of one evaluation.
        written: tokens of one design that a model writes.
        source: where the tokens come from.
        prompt_share: of the tokens of evaluations, in [0, 1].
    """

    tokens: Three
    written: Three = DESIGN_TOKENS
    source: str = ""
    prompt_share: float = PROMPT_SHARE


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of a search.

    Attributes:
        per_design: evaluations of one design at most, without racing's savings.
        test: evaluations of the final test.
        by_model: share of the new designs that a model writes, in [0, 1].
        price: dollars of a mixed token of evaluations, and of writing designs.
    """

    seeds: int
    designs: int
    per_design: int
    test: int
    by_model: float
    price: tuple[float, float]
    costs: Costs

    def fixed(self, rank: int) -> tuple[float, float]:
        """Return tokens and dollars of what is done whatever happens: the seeds and the test."""
        tokens = (self.seeds * self.per_design + self.test) * self.costs.tokens[rank]
        return tokens, tokens * self.price[0]

    def each(self, rank: int) -> tuple[float, float]:
        """Return tokens and dollars of one new design."""
        run = self.per_design * self.costs.tokens[rank]
        written = self.by_model * self.costs.written[rank]
        return run + written, run * self.price[0] + written * self.price[1]

    def total(self, rank: int) -> tuple[float, float]:
        """Return tokens and dollars of the whole search."""
        (fixed, base), (each, more) = self.fixed(rank), self.each(rank)
        return fixed + self.designs * each, base + self.designs * more

    @property
    def evaluations(self) -> int:
        """All evaluations, at most."""
        return (self.seeds + self.designs) * self.per_design + self.test


def print_estimate(config: SearchConfig) -> int:
    """Print the plan on stdout; 0, or 3 when the budget does not reach one new design."""
    from metasearch import domains
    from metasearch.search.launch import prices

    price = prices(config)  # a model without one is refused first
    domain = domains.load(
        config.domain.spec,
        sizes=config.domain.sizes.by_split(),
        seed=config.search.seed,
        scorer=config.domain.scorer,
        options=config.domain.options,
    )
    plan = _plan(config, domain, price)
    for line in _lines(config, domain, plan):
        click.echo(line)
    designs = _affordable(config, plan)
    if designs is None:
        return 0
    click.echo(f"budget: reaches about {designs} new designs of {config.search.designs}")
    if designs < FEW_DESIGNS:
        words(f"warning: fewer than {FEW_DESIGNS} new designs find nothing but luck")
    return 3 if designs < 1 else 0


def _plan(config: SearchConfig, domain: Domain, price: tuple[Price, Price]) -> Plan:
    from metasearch.search.launch import baselines

    search, costs = config.search, _costs(config, domain)
    shares = (costs.prompt_share, PROMPT_SHARE)
    return Plan(
        seeds=len(baselines(config)),
        designs=search.designs,
        per_design=len(domain.tasks(Split.VALIDATION)) * search.repeats + search.smoke,
        test=FINALISTS * len(domain.tasks(Split.TEST)) * search.repeats,
        by_model=config.weights().get("meta-agent", 0.0),
        price=(_mixed(price[0], shares[0]), _mixed(price[1], shares[1])),
        costs=costs,
    )


def _mixed(price: Price, prompt_share: float) -> float:
    """Return dollars of one token, prompt and new ones mixed."""
    from metasearch.gateway.budget import PICO

    return (prompt_share * price.prompt + (1 - prompt_share) * price.completion) / PICO


def _costs(config: SearchConfig, domain: Domain) -> Costs:
    """Learn from this archive, else from a pilot, else guess."""
    entries = _history(config, domain.name)
    seen = [one.validation.tokens_per_task for one in entries if one.validation is not None]
    paid = [float(one.usage.total) for one in entries if one.proposer == "meta-agent"]
    written = _quartiles(paid) or DESIGN_TOKENS
    tokens = _quartiles(seen)
    if tokens is not None:
        return Costs(tokens, written, f"{len(seen)} designs of this archive")
    return _piloted(config, domain)


def _history(config: SearchConfig, domain: str) -> list[EntryInfo]:
    """Return the designs of this archive that met validation tasks of the same domain."""
    from metasearch.archive import Archive

    try:
        archive = Archive.open(config.archive, read_only=True, create=False)
    except MetasearchError:
        return []
    try:
        return [
            one
            for search in archive.searches()
            if search.domain == domain
            for one in archive.entries(search.id)
            if one.validation is not None and one.validation.n
        ]
    finally:
        archive.close()


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

    from metasearch.search.config import LOCAL

    most = float(config.search.tokens_per_task)
    low, typical, high = (min(most, tokens) for tokens in GUESS)
    guess = Costs((low, typical, high), source="a guess: this archive holds nothing like it")
    if config.model.name == LOCAL:
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


def _affordable(config: SearchConfig, plan: Plan) -> int | None:
    """Return how many new designs the caps reach by the typical cost; None without a cap."""
    if plan.costs.tokens[1] <= 0:
        raise ConfigError("this archive's evaluations took no tokens; there is nothing to estimate")
    (fixed, base), (each, more) = plan.fixed(1), plan.each(1)
    run, written = plan.per_design * plan.costs.tokens[1], plan.by_model * plan.costs.written[1]
    budget, found = config.budget, []
    for caps, tokens, money in (
        (budget, (fixed, each), (base, more)),
        (budget.evaluating, (fixed, run), (base, run * plan.price[0])),
        (budget.proposing, (0.0, written), (0.0, written * plan.price[1])),
    ):
        for cap, (before, one) in ((caps.tokens, tokens), (caps.usd, money)):
            if cap is not None and one > 0:
                found.append(int((cap - before) / one))
    return max(0, min(*found, plan.designs)) if found else None
