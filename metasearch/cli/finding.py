"""One finding of `doctor`."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Check"]


class Check(NamedTuple):
    """One line of the report.

    Attributes:
        level: "warn": a search runs, but less well; "fail": it does not run.
        fix: what to do, "" when nothing is to be done.
    """

    name: str
    level: Literal["ok", "warn", "fail"]
    text: str
    fix: str = ""
