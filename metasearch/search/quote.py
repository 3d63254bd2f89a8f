"""Text from strangers, quoted so that a reader who is a model takes it as data.

Tracebacks, prints, names, ideas and replies come out of programs that a model wrote. Each stands
between marks that carry a nonce which no design can know, is cut, and holds no control characters.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

__all__ = ["Quoter", "clean", "cut"]

# C0 and C1 controls but tab and newline, zero-width and bidirectional controls, lone surrogates,
# and the tags and selectors that hide a text from people but not from a model.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_MARKS = re.compile(r"<(?=\s*/\s*data|data\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quoter:
    """Quotes blocks under one nonce.

    Attributes:
        nonce: 12 hex digits, the same for one message, unknown to every design quoted in it.
    """

    nonce: str

    @classmethod
    def of(cls, *parts: object) -> Quoter:
        """Make the nonce from the values, so that a replay quotes alike.

        Seeds can be guessed and this code can be read: a nonce that no design can know beforehand
        is made of the texts that it is to guard as well.
        """
        text = "\x00".join(map(str, parts))
        return cls(hashlib.sha256(text.encode()).hexdigest()[:12])

    def block(self, label: str, text: str, limit: int) -> str:
        """Return the text between marks, cut to `limit` characters, the marks in it defused."""
        body = _MARKS.sub("[", cut(clean(text), limit).replace(self.nonce, "?"))
        return f'<data {self.nonce} "{label}">\n{body}\n</data {self.nonce}>'


def clean(text: str) -> str:
    """Drop what a terminal or a reader could be fooled by: controls, bidi marks, surrogates."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int) -> str:
    """Shorten to `limit` characters, keeping the beginning and, twice as much, the end."""
    if len(text) <= limit:
        return text
    head = limit // 3
    return f"{text[:head]}\n[... {len(text) - limit} characters cut ...]\n{text[head - limit :]}"
