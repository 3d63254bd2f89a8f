"""The domain that a search is about."""

from __future__ import annotations

from metasearch import domains
from metasearch.domains.base import Domain
from metasearch.search.config import SearchConfig

__all__ = ["load_domain"]


def load_domain(config: SearchConfig) -> Domain:
    """Load a search's domain as its configuration names it.

    Raises:
        ConfigError: it cannot be loaded, or is of no use; see `domains.load`.
    """
    section = config.domain
    return domains.load(
        section.spec,
        sizes=section.sizes.by_split(),
        seed=config.search.seed,
        scorer=section.scorer,
        options=section.options,
    )
