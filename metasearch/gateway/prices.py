"""What a token costs: a dated table in the package, or the user's own file of the same form.

    {"date": "2026-11-22", "models": {"NAME": {"prompt": 0.15, "cached": 0.075, "completion": 0.6}}}

Prices are US dollars per 1,000,000 tokens; "cached" may be left out and is then the prompt's price.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from metasearch.errors import ConfigError
from metasearch.gateway.budget import PICO
from metasearch.types import Json, Usage

__all__ = ["FREE", "KINDS", "Price", "PriceTable", "load_prices"]

SHIPPED = Path(__file__).with_name("prices.json")
KINDS = ("prompt", "cached", "completion")
MILLION = 10**6


class Price(NamedTuple):
    """Picodollars (10^-12 dollars) of one token of each kind."""

    prompt: int
    cached: int
    completion: int

    def of(self, usage: Usage) -> int:
        """Return what this usage costs, in picodollars; cached tokens are part of the prompt's."""
        cached = min(usage.cached, usage.prompt)
        return (
            (usage.prompt - cached) * self.prompt
            + cached * self.cached
            + usage.completion * self.completion
        )

    def worst(self, prompt: int, completion: int) -> int:
        """Return the most that a call of so many tokens can cost, in picodollars."""
        return prompt * max(self.prompt, self.cached) + completion * self.completion

    def listed(self) -> dict[str, float]:
        """Return dollars for 1,000,000 tokens of each kind, as a price list has them."""
        return {kind: getattr(self, kind) * MILLION / PICO for kind in KINDS}


FREE = Price(0, 0, 0)  # a model on this machine


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by model.

    Attributes:
        date: when they were looked up, as the file says.
        source: the file, for messages.
        prices: by the endpoint's name of the model.
        note: where they come from, as the file says.
    """

    date: str
    source: str
    prices: Mapping[str, Price]
    note: str = ""

    def find(self, model: str) -> Price | None:
        """Return a model's price, or None; a dated name ("gpt-4o-2024-08-06") has its base's."""
        base = model
        while base:
            if base in self.prices:
                return self.prices[base]
            stem, dash, last = base.rpartition("-")
            if not dash or not last.isdigit():
                return None
            base = stem
        return None

    def price(self, model: str, *, allow_unpriced: bool = False) -> Price:
        """Return a model's price.

        Raises:
            ConfigError: it is unknown and `allow_unpriced` is False.
        """
        found = self.find(model)
        if found is not None:
            return found
        if allow_unpriced:
            return FREE
        raise ConfigError(
            f"no price is known for model {model!r} ({self.source} of {self.date}), so no budget "
            "could hold; name one with --prices FILE (`metasearch prices` says how), or go without "
            "dollars by --allow-unpriced"
        )


def load_prices(path: Path | None = None) -> PriceTable:
    """Read the shipped table, or the user's own in its place.

    Raises:
        ConfigError: the file is missing or malformed; the message names the key.
    """
    source = SHIPPED if path is None else path
    try:
        content = json.loads(source.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the prices in {source}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{source} is not JSON: {error}") from None
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict):
        raise ConfigError(f'{source} has no object "models"; see `metasearch prices`')
    prices = {name: _price(name, given, source) for name, given in models.items()}
    name = "the shipped table" if path is None else str(path)
    date, note = str(content.get("date", "unknown date")), str(content.get("note", ""))
    return PriceTable(date, name, prices, note)


def _price(model: str, given: Json, source: Path) -> Price:
    if not isinstance(given, dict) or set(given) - set(KINDS):
        wrong = sorted(set(given) - set(KINDS))[0] if isinstance(given, dict) else given
        raise ConfigError(f"{source}: the price of {model!r} has {', '.join(KINDS)}, not {wrong!r}")
    if missing := [kind for kind in ("prompt", "completion") if kind not in given]:
        raise ConfigError(f"{source}: the price of {model!r} lacks {missing[0]!r}")
    values = {"cached": given.get("prompt"), **given}
    return Price(*(_pico(values.get(kind), f"{source}: {model!r}, {kind}") for kind in KINDS))


def _pico(value: Json, where: str) -> int:
    """Turn dollars per million tokens into picodollars per token, exactly."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < 0:
        raise ConfigError(f"{where}: {value!r} is no price in dollars per 1,000,000 tokens")
    # By way of text: 0.15 means 15/100 here, not the binary number next to it. Rounded up, so that
    # a price finer than a picodollar a token is never counted too low.
    return math.ceil(Decimal(str(value)) * (PICO // MILLION))
