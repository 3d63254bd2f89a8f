"""What an agent remembers within one task."""

from __future__ import annotations

import re
from collections import deque

__all__ = ["Memory"]

_WORD = re.compile(r"\w+")


class Memory:
    """Notes of one task, oldest first; with a `limit` the oldest are forgotten."""

    def __init__(self, limit: int | None = None) -> None:
        self._notes: deque[str] = deque(maxlen=limit)

    def add(self, text: object) -> None:
        """Note something."""
        self._notes.append(str(text))

    def last(self, n: int = 1) -> list[str]:
        """Return the newest `n` notes, oldest first."""
        return list(self._notes)[-n:] if n > 0 else []

    def search(self, query: str, n: int = 3) -> list[str]:
        """Return at most `n` notes that share words with `query`, best first."""
        wanted = _words(query)
        scored = [(len(wanted & _words(note)), note) for note in self._notes]
        best = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
        return [note for _, note in best[:n]]

    def __len__(self) -> int:
        return len(self._notes)

    def __str__(self) -> str:
        return "\n\n".join(self._notes)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
