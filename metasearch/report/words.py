"""How figures are written here, everywhere alike."""

from __future__ import annotations

__all__ = ["p_value", "score", "signed"]


def score(value: float) -> str:
    """Return a share in [0, 1] as a score is written here: .73, 1.00, 0."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text


def signed(value: float) -> str:
    """Return a difference as it is written here: +.13, -.02, .00."""
    text = f"{value:+.2f}".replace("0.", ".", 1)
    return text.lstrip("+-") if text.endswith(".00") and "1" not in text else text


def p_value(p: float) -> str:
    """Return a p-value for people: "p = .038", "p < .001"."""
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)
