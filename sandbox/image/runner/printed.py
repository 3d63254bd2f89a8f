"""What a job prints, up to a cap."""

from __future__ import annotations

import io

__all__ = ["Printed"]


class Printed(io.TextIOBase):
    """Keeps the first `room` characters and forgets the rest."""

    def __init__(self, room: int = 0) -> None:
        self._kept: list[str] = []
        self.room = room

    def writable(self) -> bool:
        """Prints go somewhere."""
        return True

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        if self.room > 0 and text:
            part = str(text[: self.room])
            self._kept.append(part)
            self.room -= len(part)
        return len(text)

    def text(self) -> str:
        """Return what was kept."""
        return "".join(self._kept)
