"""When two questions are the same question."""

from __future__ import annotations

import hashlib
import unicodedata

__all__ = ["folded", "task_id"]


def folded(text: str) -> str:
    """Return `text` as it is compared: NFKC, white space squeezed, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


def task_id(prompt: str) -> str:
    """Return the id of a question: "t" and 10 hex digits, equal for equal questions.

    Two prompts that differ only in case, white space or compatibility characters are one question.
    """
    digest = hashlib.sha256(folded(prompt).encode("utf-8", "surrogatepass")).hexdigest()
    return f"t{digest[:10]}"
