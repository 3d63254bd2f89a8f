"""`run --dry-run`: how much work a search is and what it may cost, before a cent is spent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metasearch.errors import ConfigError, MetasearchError

if TYPE_CHECKING:
    from metasearch.domains import Domain
    from metasearch.search.config import SearchConfig

__all__ = ["print_estimate"]

# Tokens of one evaluation where the archive knows nothing: one short call, a chain of thought with
# a vote of three, a debate. The seeds span that range.
GUESS = (300, 1_500, 6_000)
DESIGN_TOKENS = (8_000, 20_000, 50_000)  # one proposal: prompt, two reflections, perhaps a repair
FEW_DESIGNS = 3  # a budget for fewer finds nothing but luck
PROMPT_SHARE = 0.7  # of all tokens; the rest is new and dearer


@dataclass(frozen=True, slots=True)
class Estimate:
    """Low, typical and high.

    Attributes:
        tokens: of one evaluation.
        evaluations: of validation at most, seeds included, without racing's savings.
        source: where the tokens come from.
    """

    tokens: tuple[float, float, float]
    evaluations: int
    per_design: int
    seeds: int
    source: str

    def total(self, designs: int, rank: int, written: float) -> float:
        """Return the tokens of the whole search; `written` is the share a model writes."""
        return self.evaluations * self.tokens[rank] + designs * written * DESIGN_TOKENS[rank]


def print_estimate(config: SearchConfig) -> int:
    """Print the plan on stdout; 0, or 3 when the budget does not reach one new design."""
    from metasearch import domains
    from metasearch.search.launch import baselines
    from metasearch.types import Split

    domain = domains.load(
        config.domain.spec,
        sizes=config.domain.sizes.by_split(),
        seed=config.search.seed,
        scorer=config.domain.scorer,
        options=config.domain.options,
    )
    estimate = _estimate(config, domain, len(baselines(config)))
    sizes = ", ".join(f"{len(domain.tasks(split))} {split}" for split in Split)
    for line in _lines(config, domain.name, sizes, estimate):
        click.echo(line)
    designs = _affordable(config, estimate)
    if designs is None:
        return 0
    click.echo(f"budget: reaches about {designs} new designs of {config.search.designs}")
    if designs < FEW_DESIGNS:
        click.echo(f"warning: fewer than {FEW_DESIGNS} new designs find nothing but luck", err=True)
    return 3 if designs < 1 else 0


def _estimate(config: SearchConfig, domain: Domain, seeds: int) -> Estimate:
    from metasearch.types import Split

    per_design = len(domain.tasks(Split.VALIDATION)) * config.search.repeats
    per_design += config.search.smoke
    tokens, source = _tokens(config)
    evaluations = (seeds + config.search.designs) * per_design
    evaluations += 2 * len(domain.tasks(Split.TEST)) * config.search.repeats
    return Estimate(tokens, evaluations, per_design, seeds, source)


def _tokens(config: SearchConfig) -> tuple[tuple[float, float, float], str]:
    """Return quartiles of what an evaluation took in this archive, else a guess."""
    from metasearch.archive import Archive

    try:
        archive = Archive.open(config.archive, read_only=True, create=False)
    except MetasearchError:
        return _guess(config)
    try:
        seen = sorted(
            one.validation.tokens_per_task
            for search in archive.searches()
            if search.domain == config.domain.spec
            for one in archive.entries(search.id)
            if one.validation is not None and one.validation.n
        )
    finally:
        archive.close()
    if len(seen) < len(GUESS):
        return _guess(config)
    at = [seen[round(share * (len(seen) - 1))] for share in (0.25, 0.5, 0.75)]
    return (at[0], at[1], at[2]), f"{len(seen)} designs of this archive"


def _guess(config: SearchConfig) -> tuple[tuple[float, float, float], str]:
    most = float(config.search.tokens_per_task)
    low, typical, high = (min(most, tokens) for tokens in GUESS)
    return (low, typical, high), "a guess: this archive holds nothing like it"


def _lines(config: SearchConfig, domain: str, sizes: str, estimate: Estimate) -> list[str]:
    written = config.weights().get("meta-agent", 0.0)
    designs = config.search.designs
    totals = [estimate.total(designs, rank, written) for rank in range(3)]
    price = _price(config)
    return [
        f"domain: {domain}, {sizes} tasks",
        f"model: {config.model.name}; designs are written by {config.designer().name}",
        f"work: {estimate.seeds} seeds and {designs} new designs, {estimate.per_design} "
        f"evaluations each at most, {estimate.evaluations:,} in all; racing saves a part",
        f"tokens: {totals[0]:,.0f} / {totals[1]:,.0f} / {totals[2]:,.0f} (low / typical / high; "
        f"from {estimate.source})",
        "dollars: " + (" / ".join(f"{total * price:.2f}" for total in totals) if price else "0"),
    ]


def _price(config: SearchConfig) -> float:
    """Return dollars a token of the model that the designs ask, prompt and new ones mixed."""
    from metasearch.gateway.budget import PICO
    from metasearch.gateway.prices import load_prices
    from metasearch.search.config import LOCAL

    name = config.model.name or LOCAL
    if name == LOCAL:
        return 0.0
    path = config.budget.prices
    table = load_prices(Path(path) if path else None)
    price = table.price(name, allow_unpriced=config.budget.allow_unpriced)
    mixed = PROMPT_SHARE * price.prompt + (1 - PROMPT_SHARE) * price.completion
    return float(mixed) / PICO


def _affordable(config: SearchConfig, estimate: Estimate) -> int | None:
    """Return how many new designs the caps reach by the typical cost; None without a cap."""
    budget = config.budget
    price = _price(config)
    caps = [float(budget.tokens)] if budget.tokens is not None else []
    if budget.usd is not None and price:
        caps.append(budget.usd / price)
    if not caps:
        return None
    typical = estimate.tokens[1]
    if typical <= 0:
        raise ConfigError("this archive's evaluations took no tokens; there is nothing to estimate")
    left = min(caps) - estimate.seeds * estimate.per_design * typical
    written = config.weights().get("meta-agent", 0.0) * DESIGN_TOKENS[1]
    return max(0, min(config.search.designs, int(left / (estimate.per_design * typical + written))))
