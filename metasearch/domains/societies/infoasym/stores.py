"""What each member has on file: its own chats, searchable; nobody can read another's."""

from __future__ import annotations

import random
from typing import Final

from metasearch.domains.societies.infoasym.items import Fact, Item, clock
from metasearch.domains.societies.infoasym.schedule import Activity
from metasearch.types import Json

__all__ = ["FOUND_AT_ONCE", "Row", "search", "stores"]

Row = dict[str, Json]
"""One message on file: `{at, from, to, text}`; `at` counts from 0, oldest first."""

FOUND_AT_ONCE: Final = 20
CHATTER_CHANCE: Final = 0.25  # of a message without any fact after each that holds one
DAY_TEXTS: Final = (
    ('I have "{name}" from {start} to {end}.', '"{name}" keeps me busy, {start}-{end}.'),
    ('From {start} until {end} it is "{name}" for me.', 'Put down {start}-{end}: "{name}".'),
)
PERSONA_TEXTS: Final = (
    ('My {key}: "{value}".', 'As for my {key}, it is "{value}".'),
    (
        'If you ask for my {key}, "{value}" it is.',
        'I would say "{value}" when it comes to my {key}.',
    ),
)
CHATTER: Final = (
    ("How are you?", "Nice weather today.", "Did you see the news?", "Talk to you later!"),
    ("All well over there?", "What a day.", "Say hello to the family.", "I must run now."),
)


def stores(item: Item, rng: random.Random) -> list[list[Row]]:
    """Return what each seat has on file.

    A friend's facts that it has told are in its chat with the one who asks or is asked, on both
    sides; what it has not told is a note to itself, as are the facts of those two themselves.

    Args:
        item: the facts and who knows them.
        rng: phrasing, order and small talk.
    """
    rows: list[list[Row]] = [[] for _ in item.names]
    for owner in range(len(item.names)):
        host = 0 if owner < item.half else item.half
        held = [fact for fact in item.facts if fact.owner == owner]
        rng.shuffle(held)
        for fact in held:
            told = fact.told and owner != host
            _file(rows, item, owner, host if told else owner, _sentence(fact, item, rng))
            if rng.random() < CHATTER_CHANCE:
                pair = (host, owner) if rng.random() < 0.5 else (owner, host)
                _file(rows, item, *pair, rng.choice(CHATTER[item.wording]))
    return rows


def _file(rows: list[list[Row]], item: Item, sender: int, to: int, text: str) -> None:
    for seat in {sender, to}:
        row = {"from": item.names[sender], "to": item.names[to], "text": text}
        rows[seat].append({"at": len(rows[seat]), **row})


def _sentence(fact: Fact, item: Item, rng: random.Random) -> str:
    if isinstance(fact.what, Activity):
        name, start, end = fact.what
        text = rng.choice(DAY_TEXTS[item.wording])
        return text.format(name=name, start=clock(start), end=clock(end))
    key, value = fact.what
    return rng.choice(PERSONA_TEXTS[item.wording]).format(key=key, value=value)


def search(rows: list[Row], query: dict[str, Json]) -> dict[str, Json]:
    """Return `{found, more}`: the first matches, and how many there are besides.

    Args:
        rows: of one's own store.
        query: `sender` (a name, "" for anybody), `keyword` (part of the text whatever its case, ""
            for any), `window` (first and last `at`).
    """
    first, last = query["window"]
    found = [
        row
        for row in rows
        if query["sender"] in ("", row["from"])
        and query["keyword"].casefold() in row["text"].casefold()
        and first <= row["at"] <= last
    ]
    return {"found": found[:FOUND_AT_ONCE], "more": max(0, len(found) - FOUND_AT_ONCE)}
