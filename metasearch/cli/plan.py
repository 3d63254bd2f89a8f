"""From options, environment and files to the configuration of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metasearch.cli.output import words
from metasearch.cli.settings import given
from metasearch.errors import ConfigError
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.search.config import SearchConfig

__all__ = ["DEFAULT_FILE", "configured"]

DEFAULT_FILE = Path("search.toml")
DEFAULT_USD = 1.0  # where an endpoint with a key is used and the user sets no cap


def configured(
    ctx: click.Context, path: Path | None, preset: str | None, values: Mapping[str, Json]
) -> SearchConfig:
    """Return the complete configuration of a run.

    Without file and preset, `search.toml` of this folder is taken; without that, and with neither
    key nor endpoint, the preset for the model on this machine.

    Raises:
        ConfigError: something in it is wrong, or no model is named for an endpoint.
    """
    from metasearch.search.config import LOCAL
    from metasearch.search.config_file import load_config

    options = given(ctx, values)
    if path is None and preset is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
        words(f"configuration: {path}")
    config = load_config(path, preset=preset, given=options)
    config = _with_model(config)
    if config.model.name == LOCAL and path is None and preset is None:
        return _with_model(load_config(preset=LOCAL, given=options))
    return _with_cap(config)


def _with_model(config: SearchConfig) -> SearchConfig:
    """Choose the local model where nothing points elsewhere; else a model must be named."""
    from metasearch.search.config import LOCAL

    model = config.model
    if model.name == LOCAL and model.base_url is not None:
        raise ConfigError(
            f"model `local` runs on this machine, not at {model.base_url}; name the endpoint's "
            "model with --model"
        )
    if model.name is not None:
        return config
    if model.base_url is None and not os.environ.get(model.key_env):
        chosen = model.model_copy(update={"name": LOCAL})
        return config.model_copy(update={"model": chosen})
    raise ConfigError(_unnamed(config))


def _unnamed(config: SearchConfig) -> str:
    from metasearch.cli.endpoint import DEFAULT_URL, models

    address = config.model.base_url or DEFAULT_URL
    names = models(address, os.environ.get(config.model.key_env, ""))
    reason = "" if config.model.base_url else f" ({config.model.key_env} is set)"
    offered = f"; it offers {', '.join(names)}" if names else ""
    return f"no model is named for {address}{reason}: give --model NAME, or --model local{offered}"


def _with_cap(config: SearchConfig) -> SearchConfig:
    """Set a cap of dollars where a paid endpoint has none at all: money first."""
    from metasearch.gateway.base import RecordMode
    from metasearch.search.config import FREE_MODELS

    budget = config.budget
    if config.record is RecordMode.REPLAY_ONLY:
        return config
    is_free = {config.model.name, config.designer().name} <= set(FREE_MODELS)
    capped = (budget.usd, budget.tokens, budget.calls)
    if is_free or budget.allow_unpriced or any(cap is not None for cap in capped):
        return config
    words(f"no cap is set, so the search may spend ${DEFAULT_USD:g}; --usd N sets another")
    return config.model_copy(update={"budget": budget.model_copy(update={"usd": DEFAULT_USD})})
