"""Ways to search, as values: what a proposer sees, whom a selector chooses, how a race goes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from metasearch.search.config import SearchConfig
from metasearch.search.material import advice, excerpt, whole_archive
from metasearch.search.proposer import Brief
from metasearch.search.quote import Quoter
from metasearch.search.selector import SURVIVORS, Candidate, Clades, Selector, Survivors
from metasearch.types import Json

__all__ = ["STRATEGIES", "Strategy"]

PARENTS = 2  # more of them make a proposal worse, see `selector`
EXAMPLES = 3


class Nobody:
    """Chooses no parent: every design is written from scratch."""

    def choose(
        self,
        candidates: Sequence[Candidate],
        count: int,
        rng: random.Random,
    ) -> list[int]:
        """Return an empty list."""
        del candidates, count, rng
        return []


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to search.

    Attributes:
        material: what the meta agent is shown.
        parents: how many designs a proposer is given to start from.
        examples: training tasks that each of them meets, for its traces to be shown.
        remembers: False hides what the search has found so far from all proposers.
        fixed: keys of `[search]` that this strategy decides, whatever the configuration says.
    """

    material: Callable[[Brief, Quoter], str]
    selector: Selector
    parents: int = PARENTS
    examples: int = EXAMPLES
    remembers: bool = True
    fixed: Mapping[str, Json] = field(default_factory=dict)

    def applied(self, config: SearchConfig) -> SearchConfig:
        """Return the configuration with this strategy's own keys in place."""
        search = config.search.model_copy(update=dict(self.fixed))
        return config.model_copy(update={"search": search})


STRATEGIES: Mapping[str, Strategy] = {
    # A few parents by clade and front, failures with traces, racing, several in flight.
    "evolve": Strategy(excerpt, Clades()),
    # Hu, Lu, Clune 2024 (arXiv 2408.08435), section 3: one design a generation, the whole archive
    # in the prompt, two reflections, at most three repairs, every design on all of validation.
    "meta-agent-search": Strategy(
        whole_archive,
        Nobody(),
        fixed={
            "stages": ("all",),
            "in_flight": 1,
            "reflections": 2,
            "repairs": 3,
            "proposers": {"meta-agent": 1.0},
        },
    ),
    # Vallinder, Hughes 2024 (arXiv 2412.10270): a strategy passes on as text, never as a program.
    "cultural": Strategy(
        advice,
        Survivors(),
        parents=SURVIVORS,
        examples=0,
        fixed={"proposers": {"meta-agent": 1.0}},
    ),
    # The control: the same proposers and the same evaluation, nothing learnt from one to the next.
    "independent": Strategy(excerpt, Nobody(), remembers=False),
}
