"""Background members of `donor`: rules without a model."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Final

from metasearch.domains.societies.base import MakeBot
from metasearch.domains.societies.table import Event
from metasearch.types import Json

__all__ = ["BOTS", "Giver", "Image", "Standing"]

LOW: Final = 0.25  # a gift below is a low one


class Giver:
    """Gives always the same fraction.

    Args:
        share: of its units, in [0, 1].
    """

    said = "Give {share:.0%} to everybody."

    def __init__(self, rng: random.Random, share: float = 0.5) -> None:
        del rng
        self.share = share

    def observe(self, event: Event) -> None:
        """Take no notice: the trace comes with each request."""

    def act(self, request: dict[str, Json]) -> Json:
        """Say the strategy, or give."""
        if request["kind"] == "strategy":
            return self.said.format(share=self.share)
        return self.share if self.deserves(request["trace"]) else 0.0

    def deserves(self, trace: list[dict[str, Json]]) -> bool:
        """Return whether the recipient is to get anything."""
        del trace
        return True


class Image(Giver):
    """Gives unless the recipient's own last gift was low: first-order image scoring."""

    said = "Give {share:.0%}, but nothing to those whose last gift was below a quarter."

    def deserves(self, trace: list[dict[str, Json]]) -> bool:
        """Look at the first entry only; the unknown get."""
        return not trace or bool(trace[0]["fraction"] >= LOW)


class Standing(Image):
    """Forgives a low gift that went to somebody whose own gift had been low."""

    said = (
        "Give {share:.0%}, but nothing to those whose last gift was below a quarter, unless it went"
        " to somebody who had given below a quarter."
    )

    def deserves(self, trace: list[dict[str, Json]]) -> bool:
        """Look at the second entry, too."""
        return super().deserves(trace) or (len(trace) > 1 and bool(trace[1]["fraction"] < LOW))


BOTS: Final[Mapping[str, MakeBot]] = {
    "defector": partial(Giver, share=0.0),
    "stingy": partial(Giver, share=0.1),
    "giver": Giver,
    "giver_100": partial(Giver, share=1.0),
    "image": Image,
    "standing": Standing,
    "standing_90": partial(Standing, share=0.9),
    "image_75": partial(Image, share=0.75),
}
