"""How figures are written here, everywhere alike."""

from __future__ import annotations

import math

__all__ = ["amount", "dollars", "p_value", "percent", "score", "signed"]


def score(value: float) -> str:
    """Return a share in [0, 1] as a score is written here: .73, 1.00, .00."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text


def signed(value: float) -> str:
    """Return a difference as it is written here: +.13, -.02, .00."""
    text = f"{value:+.2f}".replace("0.", ".", 1)
    return text.lstrip("+-") if text.endswith(".00") and "1" not in text else text


def p_value(p: float) -> str:
    """Return a p-value for people: "p = .038", "p < .001"."""
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)


def dollars(value: float) -> str:
    """Return money with at least three digits that say something: $12.30, $0.00120, $0."""
    if value == 0:
        return "$0"
    digits = 2 if abs(value) >= 1 else 2 - math.floor(math.log10(abs(value)))
    return f"{'-' if value < 0 else ''}${abs(value):,.{min(digits, 12)}f}"


def amount(value: float, unit: str) -> str:
    """Return a sum of "dollars" or "tokens"."""
    if unit == "dollars":
        return dollars(value)
    return f"{value:,.1f} tokens" if 0 < abs(value) < 10 else f"{value:,.0f} tokens"


def percent(share: float) -> str:
    """Return a share or a probability; neither certainty nor nothing is claimed."""
    if share > 0.999:
        return "more than 99.9 %" if share < 1 else "100.0 %"
    return "less than 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"
