"""Moves on rows of words that stand for settings: who debates when, which trait sits where."""

from __future__ import annotations

import ast
from itertools import combinations

from metasearch.search.recombine.scene import Scene, Sketch
from metasearch.search.recombine.text import Text, Unsuitable, clipped, quoted, string_in, text_of
from metasearch.search.recombine.tuning import string_lists, tuned

__all__ = ["pattern"]


def pattern(scene: Scene) -> Sketch:
    """Swap two words of a row, or put another known word in the place of one.

    Permutations of patterns and swaps of traits as in Zhang et al. 2024, arXiv:2310.02124. A row is
    a constant of words that are the keys of another constant, or of which one comes twice.
    """
    text = text_of(scene.main.design.source)
    rows = [
        (node, words, known)
        for node in string_lists(text)
        for words in ([string_in(one) or "" for one in node.elts],)
        if (known := _known(text, words))
    ]
    if not rows:
        raise Unsuitable("it has no row of words")
    node, words, known = scene.rng.choice(rows)
    others = [new for new in _changed(words, known) if new != words]
    new = scene.rng.choice(others)
    edits = [
        text.replacing(place, quoted(word))
        for place, old, word in zip(node.elts, words, new, strict=True)
        if word != old
    ]
    told = clipped(", ".join(new), 50)
    return tuned(scene, text, edits, told, name=clipped(told, 30))


def _known(text: Text, words: list[str]) -> list[str]:
    """Return the words that may stand in a row, [] where it is none."""
    known = set(words) if len(set(words)) < len(words) else set()
    for statement in text.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
            keys = {word for key in statement.value.keys if (word := string_in(key)) is not None}
            if keys >= set(words):
                known |= keys
    return sorted(known) if len(known) > 1 else []


def _changed(words: list[str], known: list[str]) -> list[list[str]]:
    """Return the rows that differ in one place, or in the order of two."""
    found = [
        [*words[:place], word, *words[place + 1 :]] for place in range(len(words)) for word in known
    ]
    for one, other in combinations(range(len(words)), 2):
        row = list(words)
        row[one], row[other] = row[other], row[one]
        found.append(row)
    return found
