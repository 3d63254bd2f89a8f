"""Numbers as people and models of many languages write them.

Read: every script's decimal digits, full-width forms, thousands separators in groups of three,
U+2212, scientific notation, currency and unit words around the number. Not read: number words
("four", CJK numerals), fractions, exponents written as superscripts.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

__all__ = ["read_number", "read_numbers"]

_COMMA_LANGUAGES = frozenset({"de", "es", "fr", "ru"})  # "18,5" is eighteen and a half
_POINT_GROUP_LANGUAGES = frozenset({"de", "es", "ru"})  # "1.000" is a thousand

_FOLD = str.maketrans(
    {
        "\u2212": "-",  # minus sign
        "\u2010": "-",  # hyphen
        "\u2011": "-",  # non-breaking hyphen
        "\u2012": "-",  # figure dash
        "\u2013": "-",  # en dash
        "\u066b": ".",  # Arabic decimal separator
        "\u066c": ",",  # Arabic thousands separator
        "\u2019": "'",  # Swiss thousands separator
    }
)
_POWERED_UNIT = re.compile(r"\b(?:mm|cm|dm|km|m|ft|in|yd|mi)\^?[23]\b", re.IGNORECASE)
_REACH = 8  # characters before a number in which its sign may stand: "- $ 5"
_MINUS = re.compile(r"(?:^|[^\w)\]])-\s*[^\w\s.,;:()\[\]'\"-]?\s*\Z")


def _pattern(groups: str, marks: str) -> re.Pattern[str]:
    """Compile the shape of a number: separators `groups` between threes, decimal `marks`.

    The same separator must stand between all threes, and it is not the decimal mark.
    """
    grouped = rf"(?P<grouped>\d{{1,3}}(?P<sep>[{groups}])\d{{3}}(?:(?P=sep)\d{{3}})*)(?!\d)"
    mark = rf"(?:(?!(?P=sep))[{marks}](?P<part>\d+))?"
    plain = rf"(?P<whole>\d+)(?:[{marks}](?P<fraction>\d+))?(?P<power>[eE][+-]?\d{{1,3}}(?!\d))?"
    return re.compile(rf"{grouped}{mark}|{plain}|(?<![\d.])\.(?P<tail>\d+)", re.ASCII)


_POINT = _pattern(", '", ".")
_COMMA = _pattern(", '", ".,")
_COMMA_AND_POINT_GROUPS = _pattern("., '", ".,")


def read_numbers(text: str, language: str = "") -> tuple[Decimal, ...]:
    """Return the distinct numbers in `text`, in order of appearance.

    Args:
        text: at most some thousand characters; the time is linear in them.
        language: two letters; "de", "es", "fr", "ru" change what comma and point mean.

    Returns:
        () as well for what would be misread: superscript exponents, vulgar fractions.
    """
    plain = _plain(text)
    if plain is None:
        return ()
    found: dict[Decimal, None] = {}
    for match in _shape(language).finditer(plain):
        number = Decimal(_digits(match))
        negative = _MINUS.search(plain, max(0, match.start() - _REACH), match.start())
        found[number.copy_negate() if negative else number] = None  # `-` would round
    return tuple(found)


def read_number(text: str, language: str = "") -> Decimal | None:
    """Return the number in `text` if it holds exactly one distinct number, else None."""
    numbers = read_numbers(text, language)
    return numbers[0] if len(numbers) == 1 else None


def _shape(language: str) -> re.Pattern[str]:
    if language in _POINT_GROUP_LANGUAGES:
        return _COMMA_AND_POINT_GROUPS
    return _COMMA if language in _COMMA_LANGUAGES else _POINT


def _digits(match: re.Match[str]) -> str:
    """Return the match as `Decimal` spells it."""
    if match["tail"]:
        return f"0.{match['tail']}"
    if match["grouped"]:
        whole = re.sub(r"\D", "", match["grouped"])
        return f"{whole}.{match['part'] or 0}"
    return f"{match['whole']}.{match['fraction'] or 0}{match['power'] or ''}"


def _plain(text: str) -> str | None:
    """Return the text with ASCII digits and separators, None where that changes a number."""
    kept: list[str] = []
    for char in text:
        if unicodedata.category(char) != "No":
            kept.append(char)
        elif not (kept and kept[-1].isalpha()):  # "5²", "½", "①": NFKC would make 52, 1/2, 1
            return None
    folded = unicodedata.normalize("NFKC", "".join(kept)).translate(_FOLD)
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in folded)
    return _POWERED_UNIT.sub(" ", "".join(digits))
