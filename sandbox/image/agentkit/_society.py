"""One member of a society: what it is told, what it is asked, and what it keeps to itself."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

__all__ = ["Action", "Event", "Player", "Request"]

Action: TypeAlias = int | float | str | bool | dict[str, Any] | None
"""What `act` returns, as `request.reply` says; None is the neutral action."""


class _Facts:
    """Read-only facts by name: `it.fact`, `it["fact"]`, `it.get("fact", default)`, `dict(it)`."""

    kind: str

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.__dict__.update(facts)

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __getattr__(self, name: str) -> Any:
        known = ", ".join(self.__dict__)
        raise AttributeError(f"this {type(self).__name__} has no {name!r}, only: {known}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a fact, `default` where there is none of this name."""
        return self.__dict__.get(name, default)

    def keys(self) -> Iterator[str]:
        """Return the names of all facts."""
        return iter(self.__dict__)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        facts = (f"{name}={fact}" for name, fact in self.__dict__.items() if name != "kind")
        return f"{self.__dict__.get('kind', '')}: {', '.join(facts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__!r})"


class Event(_Facts):
    """Something that happened; its first word is `kind`. `str(event)` is for prompts."""


class Request(_Facts):
    """A decision that is asked for: `kind`, `reply` (what may be replied) and its facts."""


class Player:
    """One seat. A design's `class Member(Player)` is made once for each, in its own process.

    Attributes:
        name: as the others know it; "" until the event "rules".
        rng: its own chance, the same whenever the same episode is played.
        notes: private.
        events: all so far.
    """

    name: str
    rng: random.Random
    notes: dict[str, Any]
    events: list[Event]

    # Of the seat; where no runner has set one, chance is the module `random`'s.
    _seed: int | None = None

    def __new__(cls, *_: Any, **__: Any) -> Player:
        """Make it whole, so that a member's `__init__` need not call that of this class."""
        self = super().__new__(cls)
        self.name, self.notes, self.events = "", {}, []
        seed = random.getrandbits(31) if Player._seed is None else Player._seed
        self.rng = random.Random(seed)
        return self

    def observe(self, event: Event) -> None:
        """Learn what has happened; a member's own version calls this one, too."""
        self.events.append(event)
        if event.kind == "rules":
            self.name = str(event.get("you", ""))

    async def act(self, request: Request) -> Action:
        """Decide; a plain `def act` will do as well."""
        raise NotImplementedError("a member has to define act(self, request)")
