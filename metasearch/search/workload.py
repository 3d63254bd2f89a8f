"""How much work a search is, and what that takes in tokens and dollars, before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from metasearch.gateway.budget import PICO
from metasearch.gateway.prices import Price
from metasearch.search.config import SearchConfig
from metasearch.types import Split

__all__ = ["DESIGN_TOKENS", "GUESS", "PROMPT_SHARE", "Costs", "Plan", "Three", "planned"]

Three: TypeAlias = tuple[float, float, float]

# Tokens of one evaluation where nothing is known: one short call, a chain of thought with a vote of
# three, a debate. The seeds span that range.
GUESS: Three = (300.0, 1_500.0, 6_000.0)
DESIGN_TOKENS: Three = (8_000.0, 20_000.0, 50_000.0)  # prompt, two reflections, perhaps a repair
PROMPT_SHARE = 0.7  # of all tokens; the rest is new and dearer
FINALISTS = 2


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
        test: evaluations of the end: finals, the baseline of the winner's price, the sealed test.
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

    def affordable(self, config: SearchConfig) -> int | None:
        """Return how many new designs the caps reach by the typical cost; None without a cap."""
        (fixed, base), (each, more) = self.fixed(1), self.each(1)
        run, written = self.per_design * self.costs.tokens[1], self.by_model * self.costs.written[1]
        budget, found = config.budget, []
        for caps, tokens, money in (
            (budget, (fixed, each), (base, more)),
            (budget.evaluating, (fixed, run), (base, run * self.price[0])),
            (budget.proposing, (0.0, written), (0.0, written * self.price[1])),
        ):
            for cap, (before, one) in ((caps.tokens, tokens), (caps.usd, money)):
                if cap is not None and one > 0:
                    found.append(int((cap - before) / one))
        return max(0, min(*found, self.designs)) if found else None


def planned(
    config: SearchConfig,
    seeds: int,
    sizes: Mapping[Split, int],
    price: tuple[Price, Price],
    costs: Costs,
) -> Plan:
    """Return the plan of a search.

    Args:
        seeds: designs that it starts from.
        sizes: tasks of each split.
        price: of the model that designs ask, and of the one that writes them.
    """
    search = config.search
    return Plan(
        seeds=seeds,
        designs=search.designs,
        per_design=sizes[Split.VALIDATION] * search.repeats + search.smoke,
        test=FINALISTS * sizes[Split.TEST] * search.repeats + _of_the_end(config, sizes),
        by_model=config.weights().get("meta-agent", 0.0),
        price=(_mixed(price[0], costs.prompt_share), _mixed(price[1], PROMPT_SHARE)),
        costs=costs,
    )


def _of_the_end(config: SearchConfig, sizes: Mapping[Split, int]) -> int:
    """Return the evaluations of finals and of the baseline of the winner's price."""
    search = config.search
    finalists = min(search.finalists, search.designs)
    fresh = (finalists + 1) * search.final_repeats if finalists else 0
    equal = search.repeats if search.equal_cost and search.designs else 0
    return sizes[Split.VALIDATION] * (fresh + equal)


def _mixed(price: Price, prompt_share: float) -> float:
    """Return dollars of one token, prompt and new ones mixed."""
    return (prompt_share * price.prompt + (1 - prompt_share) * price.completion) / PICO
