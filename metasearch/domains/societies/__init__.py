"""Societies: environments in which several members act, and what their episodes are worth."""

from metasearch.domains.societies.base import Game, Society, loader, society
from metasearch.domains.societies.decisions import (
    Choice,
    Decision,
    Fields,
    Flag,
    Invalid,
    OneOf,
    Real,
    Text,
    Whole,
)
from metasearch.domains.societies.play import Bot, Reply, rehearse
from metasearch.domains.societies.table import Ask, Environment, Log, Play, Table

__all__ = [
    "Ask",
    "Bot",
    "Choice",
    "Decision",
    "Environment",
    "Fields",
    "Flag",
    "Game",
    "Invalid",
    "Log",
    "OneOf",
    "Play",
    "Real",
    "Reply",
    "Society",
    "Table",
    "Text",
    "Whole",
    "loader",
    "rehearse",
    "society",
]
