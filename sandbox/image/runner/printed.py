"""What a job prints, up to a cap."""

from __future__ import annotations

import io

__all__ = ["Printed"]


class Printed(io.TextIOBase):
    """Keeps the first `most` characters and forgets the rest."""

    def __init__(self, most: int) -> None:
        self._kept: list[str] = []
        self._room = most

    def writable(self) -> bool:
        """Prints go somewhere."""
        return True

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        if self._room > 0 and text:
            part = str(text[: self._room])
            self._kept.append(part)
            self._room -= len(part)
        return len(text)

    def text(self) -> str:
        """Return what was kept."""
        return "".join(self._kept)
