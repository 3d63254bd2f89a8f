"""Names and one-line ideas of recombined designs; they must not grow with the generations."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from metasearch.search.recombine.text import clipped

__all__ = ["IDEA_LENGTH", "NAME_LENGTH", "changed_idea", "changed_name", "fresh", "slug_of"]

IDEA_LENGTH = 92  # fits on one line together with six quotes
NAME_LENGTH = 60
_SLUG_LENGTH = 28
_CHANGES = re.compile(r" \(now (?P<changes>.*)\)\.?$")
_TAKEN = frozenset(["solve", "forward", "task", "agentkit", "main", "self", *dir(builtins)])


def slug_of(name: str) -> str:
    """Return a design's name as a function's, at most 28 characters; "attempt" if it has none.

    Only what stands before the first comma, colon or bracket counts: `vote: chain, hotter` is a
    `vote`.
    """
    stem = re.split(r"[,:(|]", name, maxsplit=1)[0].lower()
    words = re.sub(r"[^a-z0-9]+", "_", stem).strip("_")
    if len(words) > _SLUG_LENGTH:
        words = words[:_SLUG_LENGTH].rpartition("_")[0] or words[:_SLUG_LENGTH]
    usable = words.isidentifier() and not keyword.iskeyword(words) and words not in _TAKEN
    return words if usable else "attempt"


def fresh(name: str, taken: Iterable[str]) -> str:
    """Return `name`, or `name_2`, `name_3` ...: the first that is not taken."""
    used = set(taken)
    stem = re.sub(r"_\d+$", "", name)
    choices = (f"{stem}_{number}" for number in range(2, 1000))
    return next(choice for choice in (name, *choices) if choice not in used)


def changed_name(name: str, change: str) -> str:
    """Return the name of a design that differs from `name` in one detail."""
    return clipped(f"{name.partition(',')[0] or 'design'}, {change}", NAME_LENGTH)


def changed_idea(idea: str, change: str) -> str:
    """Return the idea with what is different now; earlier changes stay while there is room.

    >>> changed_idea("Five chains vote.", "VOTERS = 3")
    'Five chains vote (now VOTERS = 3).'
    """
    found = _CHANGES.search(idea)
    base = (idea[: found.start()] if found else idea).rstrip(". ") or "A design without a name"
    changes = [*(found["changes"].split("; ") if found else []), change]
    room = max(IDEA_LENGTH // 2, IDEA_LENGTH - 9 - len(base))
    while len(changes) > 1 and len("; ".join(changes)) > room:
        changes.pop(0)
    told = clipped("; ".join(changes), room)
    start = clipped(base, IDEA_LENGTH - 9 - len(told))
    return f"{start if start.endswith('...') else start.rstrip('.')} (now {told})."
