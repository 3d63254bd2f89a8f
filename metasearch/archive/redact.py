"""Striking keys and passwords out of what leaves an archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from metasearch.types import Json

__all__ = ["Redactor", "secrets_in"]

STRUCK = "[redacted]"
SHORTEST = 8  # characters; what is shorter is a word, and would be struck out of every text
_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
# What providers' keys look like; each is long and begins with a mark of its own, so that ordinary
# text is not hit.
_KEYS = re.compile(
    r"\bsk-[A-Za-z0-9_-]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{30,}"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\bxox[abpr]-[A-Za-z0-9-]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bAKIA[A-Z0-9]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    re.DOTALL,
)
_IN_URL = re.compile(r"(://)[^/\s@]+@")


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Return the values of the variables whose names say that they hold a secret."""
    return [value.strip() for name, value in environment.items() if _NAME.search(name)]


class Redactor:
    """Strikes secrets out of texts, and counts the texts that held one.

    Args:
        secrets: values to strike out, besides whatever looks like a key or a URL's password.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self.struck = 0

    def text(self, text: str) -> str:
        """Return a text without secrets; the same object where there were none."""
        clean = _KEYS.sub(STRUCK, text)
        if "://" in clean:
            clean = _IN_URL.sub(rf"\1{STRUCK}@", clean)
        if self._known is not None:
            clean = self._known.sub(STRUCK, clean)
        if clean == text:
            return text
        self.struck += 1
        return clean

    def json(self, value: Json) -> Json:
        """Return plain JSON with all its texts cleaned."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.json(part) for part in value]
        if isinstance(value, dict):
            return {self.text(name): self.json(part) for name, part in value.items()}
        return value
