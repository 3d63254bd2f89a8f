"""The proposers of one search, made of its configuration: each with its model, or its models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metasearch import plugins
from metasearch.gateway.base import Gateway
from metasearch.gateway.settings import ModelSettings
from metasearch.search.config import SearchConfig
from metasearch.search.proposer import Brief, Proposer, Tools
from metasearch.search.quote import Quoter
from metasearch.search.steer import READS_NO_WORDS

__all__ = ["by_model", "proposers", "tools_of"]


def tools_of(
    config: SearchConfig,
    material: Callable[[Brief, Quoter], str],
    gateway: Gateway,
    meta: ModelSettings,
) -> Tools:
    """Return what a proposer is built with that asks this meta model."""
    return Tools(
        gateway=gateway,
        model=meta.name,
        max_tokens=meta.max_tokens,
        temperature=meta.temperature,
        reflections=config.search.reflections,
        material=material,
        calls_per_task=config.search.calls_per_task,
    )


def proposers(config: SearchConfig, tools: Tools) -> dict[str, tuple[Proposer, float]]:
    """Return the proposers by name, with their shares."""
    return {
        name: (plugins.load("proposers", name)(tools), weight)
        for name, weight in config.weights().items()
    }


def by_model(config: SearchConfig, tools: Sequence[Tools]) -> dict[str, dict[str, Proposer]]:
    """Return the proposers that ask a model, once for each model where there are several.

    The archive tells who made a design by these names: "meta-agent:gpt-4.1" say.

    Args:
        tools: one for each meta model, as `SearchConfig.designers` lists them.
    """
    if len(tools) < 2:
        return {}
    models = [section.name for section in config.designers()]
    return {
        name: {
            f"{name}:{model}": plugins.load("proposers", name)(one)
            for model, one in zip(models, tools, strict=True)
        }
        for name in config.weights()
        if name not in READS_NO_WORDS
    }
