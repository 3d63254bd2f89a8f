"""Two premises and a conclusion: does it follow?

A form is three moods and a figure. The moods, of X and Y: A "All X are Y", E "No X are Y", I "Some
X are Y", O "Some X are not Y". The figure says where the middle term stands in the premises.
Fifteen forms are valid whatever groups are empty; the nine that need a group not to be empty are
never asked, since people disagree about them.
"""

from __future__ import annotations

import random

from metasearch.domains.starter.draft import Draft
from metasearch.domains.starter.words import GROUPS

__all__ = ["syllogism"]

VALID = frozenset(
    {
        *("AAA1", "EAE1", "AII1", "EIO1"),  # Barbara, Celarent, Darii, Ferio
        *("EAE2", "AEE2", "EIO2", "AOO2"),  # Cesare, Camestres, Festino, Baroco
        *("IAI3", "AII3", "OAO3", "EIO3"),  # Disamis, Datisi, Bocardo, Ferison
        *("AEE4", "IAI4", "EIO4"),  # Camenes, Dimaris, Fresison
    }
)
DISPUTED = frozenset(
    {
        *("AAI1", "EAO1", "EAO2", "AEO2"),  # Barbari, Celaront, Cesaro, Camestros
        *("AAI3", "EAO3", "AAI4", "EAO4", "AEO4"),  # Darapti, Felapton, Bamalip, Fesapo, Calemos
    }
)
_SENTENCES = {
    "A": "all {} are {}",
    "E": "no {} are {}",
    "I": "some {} are {}",
    "O": "some {} are not {}",
}


def syllogism(rng: random.Random, number: int) -> Draft:
    """A syllogism, valid if `number` is even, else one mood or the figure away from valid."""
    form = rng.choice(sorted(VALID))
    while number % 2 and form in VALID | DISPUTED:
        form = _changed(rng, form)
    minor, middle, major = rng.sample(GROUPS, 3)
    first, second, conclusion = _sentences(form, minor, middle, major)
    return Draft(
        f"{first.capitalize()}. {second.capitalize()}. Does it follow that {conclusion}?",
        "no" if number % 2 else "yes",
        ("yes", "no"),
    )


def _changed(rng: random.Random, form: str) -> str:
    """Return the form with one of its four parts drawn anew."""
    place = rng.randrange(4)
    return form[:place] + rng.choice("1234" if place == 3 else "AEIO") + form[place + 1 :]


def _sentences(form: str, minor: str, middle: str, major: str) -> tuple[str, str, str]:
    figure = int(form[3])
    first = (middle, major) if figure in (1, 3) else (major, middle)
    second = (minor, middle) if figure in (1, 2) else (middle, minor)
    pairs = (first, second, (minor, major))
    one, two, three = (
        _SENTENCES[mood].format(*pair) for mood, pair in zip(form[:3], pairs, strict=True)
    )
    return one, two, three
