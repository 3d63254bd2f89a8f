"""Mixed reviews: a point for, a point against, and a verdict that settles it."""

from __future__ import annotations

import random

from metasearch.domains.starter.draft import Draft

__all__ = ["sentiment"]

_THINGS = {
    "café": (("the coffee", "the cake", "the soup", "the terrace", "the bread"), "come back"),
    "hotel": (("the bed", "the breakfast", "the view", "the bathroom", "the lobby"), "stay here"),
    "phone": (("the screen", "the camera", "the battery", "the case", "the sound"), "buy it"),
    "film": (("the music", "the plot", "the acting", "the ending", "the editing"), "watch it"),
    "course": (("the slides", "the pace", "the homework", "the room", "the videos"), "take it"),
}
_GOOD = ("excellent", "lovely", "impressive", "first-rate", "a pleasant surprise", "wonderful")
_BAD = ("poor", "disappointing", "a mess", "below average", "dreadful", "a letdown")
_FOR = (
    "All in all I am glad and would {} again.",
    "Still, I would {} again tomorrow.",
    "On balance it was worth every cent.",
    "In the end I recommend it to everyone.",
    "Even so, it made my week.",
)
_AGAINST = (
    "All in all I regret it and would not {} again.",
    "Still, I would never {} again.",
    "On balance it was a waste of money.",
    "In the end I advise everyone against it.",
    "Even so, it spoiled my week.",
)


def sentiment(rng: random.Random, number: int) -> Draft:
    """A review of two or three points, positive in the end if `number` is even, else negative."""
    thing = rng.choice(sorted(_THINGS))
    points, again = _THINGS[thing]
    praised, blamed, third = rng.sample(points, 3)
    clauses = [f"{praised} was {rng.choice(_GOOD)}", f"{blamed} was {rng.choice(_BAD)}"]
    rng.shuffle(clauses)
    if rng.random() < 0.5:  # one more point against the verdict makes counting words useless
        clauses.append(f"{third} was {rng.choice(_GOOD if number % 2 else _BAD)}")
    verdict = rng.choice(_AGAINST if number % 2 else _FOR).format(again)
    review = f"About this {thing}: {' and '.join(clauses)}. {verdict}"
    return Draft(
        f'Is this review positive or negative in the end? "{review}"',
        "negative" if number % 2 else "positive",
        ("positive", "negative"),
    )
