"""Everything that a report is made of, read from the archive once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metasearch.report.evidence import by_task
from metasearch.report.spending import Spending, spending
from metasearch.types import Json, Owner, Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import (
        EntryInfo,
        EventInfo,
        Sample,
        SearchInfo,
        SpentRow,
    )

__all__ = ["BASELINES", "Rows", "read", "repeats"]

STEER = "steer"  # kind of the lines that say what a person has asked of the search
PREFLIGHT = "preflight"  # kind of the line in the log that holds its findings
BASELINES = ("seed", "baseline")  # proposers of designs that a search starts from
Scores = Mapping[str, float]


def repeats(search: SearchInfo) -> int:
    """Return how often a search evaluates a design on each task."""
    section = search.config.get("search") or {}
    return int(section.get("repeats", 1))


@dataclass(frozen=True, slots=True)
class Rows:
    """One search as its rows tell it.

    Attributes:
        first: validation scores by the entry's number, then by task: the samples that rank.
        fresh: the same of the samples that were drawn after the ranking.
        sealed: test scores.
        spending: what was really paid.
        test_spent: the part of it that the sealed test took.
        is_running: a living process holds the search.
    """

    search: SearchInfo
    entries: Sequence[EntryInfo]
    events: Sequence[EventInfo]
    first: Mapping[int, Scores]
    fresh: Mapping[int, Scores]
    sealed: Mapping[int, Scores]
    spending: Spending
    test_spent: SpentRow
    is_running: bool

    @property
    def baselines(self) -> list[EntryInfo]:
        """Return the designs that the search started from, as far as they met validation."""
        return [one for one in self.entries if one.proposer in BASELINES and self._met(one)]

    @property
    def tried(self) -> list[EntryInfo]:
        """Return the new designs that met validation tasks: each had its chance to be lucky."""
        return [one for one in self.entries if one.proposer not in BASELINES and self._met(one)]

    def preflight(self) -> Mapping[str, Json]:
        """Return what a look before the search has found; {} where nobody looked."""
        texts = [event.text for event in self.events if event.kind == PREFLIGHT]
        try:
            found = json.loads(texts[-1]) if texts else {}
        except ValueError:  # an archive from elsewhere
            return {}
        return found if isinstance(found, dict) else {}

    def steered(self) -> Mapping[str, int]:
        """Return how often a person has asked for what: "idea", "pin" ...; {} if never."""
        told = [json.loads(event.text) for event in self.events if event.kind == STEER]
        return dict(Counter(str(one["action"]) for one in told))

    def _met(self, entry: EntryInfo) -> bool:
        return entry.number in self.first


def read(archive: Archive, search_id: str) -> Rows:
    """Read a search.

    Raises:
        ConfigError: there is no such search.
    """
    search = archive.search(search_id)
    events = archive.events(search.id)
    times, validation = repeats(search), archive.scores(search.id, Split.VALIDATION)
    return Rows(
        search=search,
        entries=archive.entries(search.id),
        events=events,
        first=_by_task(validation, lambda sample: sample.repeat < times),
        fresh=_by_task(validation, lambda sample: sample.repeat >= times),
        sealed=_by_task(archive.scores(search.id, Split.TEST), lambda _: True),
        spending=spending(archive, search, events),
        test_spent=archive.spent(search.id, Owner.EVALUATION, Split.TEST),
        is_running=archive.is_running(search.id),
    )


def _by_task(
    samples: Mapping[int, Mapping[Sample, float]], wanted: Callable[[Sample], bool]
) -> dict[int, Scores]:
    found: dict[int, Scores] = {}
    for number, scores in samples.items():
        if chosen := {sample: score for sample, score in scores.items() if wanted(sample)}:
            found[number] = by_task(chosen)
    return found
