"""Questions about the letters of words."""

from __future__ import annotations

import random

from metasearch.domains.starter.draft import Draft
from metasearch.domains.starter.words import WORDS

__all__ = ["lastletters", "letters"]

_MOST = 3  # occurrences asked for, 1 to 3 in turn


def lastletters(rng: random.Random, number: int) -> Draft:
    """The last letters of three words, joined."""
    del number
    words = rng.sample(WORDS, 3)
    return Draft(
        f"Join the last letters of these words, in this order: {', '.join(words)}.",
        "".join(word[-1] for word in words),
        "str",
    )


def letters(rng: random.Random, number: int) -> Draft:
    """How often a letter occurs in a word or, half of the time, in two."""
    wanted = 1 + number % _MOST
    while True:
        words = rng.sample(WORDS, rng.randint(1, 2))
        text = "".join(words)
        fitting = sorted(letter for letter in set(text) if text.count(letter) == wanted)
        if fitting:
            break
    noun = "word" if len(words) == 1 else "words"
    return Draft(
        f'How often does the letter "{rng.choice(fitting)}" occur in the {noun} {" ".join(words)}?',
        wanted,
    )
