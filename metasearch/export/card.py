"""The card: where an exported design comes from, how good it is, how sure that is, what it costs.

Every text in it may have been written by a model or taken from a user's tasks: Markdown quotes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

__all__ = ["Ancestor", "Card", "ModelUse", "Scored"]

SEEDS_LICENCE = "The seeds and the kit (agentkit) are part of metasearch: Apache-2.0."
TEXT_LICENCE = (
    "The design's source may hold text that a model wrote. metasearch claims no rights in it; "
    "the terms of that model's provider may set conditions on its use."
)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one split says about the design.

    Attributes:
        split: "train", "validation" or "test".
        tasks: tasks evaluated.
        mean, low, high: mean score in [0, 1] and its 95 % interval; None where it is not known.
        dollars, tokens, seconds: per task, means.
        outcomes: how many evaluations ended how, by `Outcome`.
    """

    split: str
    tasks: int
    mean: float
    low: float | None = None
    high: float | None = None
    dollars: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that answered the design, and its price.

    Attributes:
        first, last: days of its first and last reply, ISO 8601; "" where not known.
        prompt_price, completion_price: dollars a million tokens; None where not known.
        priced: the day of the price list; "" where there is none.
    """

    name: str
    first: str = ""
    last: str = ""
    prompt_price: float | None = None
    completion_price: float | None = None
    priced: str = ""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One design of the lineage, oldest first in a card.

    Attributes:
        number: of its entry in the search.
        proposer, operator: who made it, and how; ("seed", "") for a hand-written one.
        score: mean on validation, or None where it was not evaluated to the end.
    """

    number: int
    design_id: str
    name: str
    idea: str
    proposer: str
    operator: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """Provenance of one exported design.

    Attributes:
        search, domain: names of the search and of what it searched for.
        headline: its score that may be quoted, in words; "" where nobody worked it out.
        against: how it does against the best baseline of its price, in words; "" where not known.
        unlearnt: what a vote and designs without learning do instead, in words; of a winner only.
        proposed: designs evaluated in that search: the best of many looks better than it is.
        runs_code: the design runs programs that its model writes.
        sandbox: where it was evaluated, in one line.
        version: of metasearch.
        made: the day of the export, ISO 8601.
    """

    design_id: str
    name: str
    idea: str
    search: str = ""
    domain: str = ""
    headline: str = ""
    against: str = ""
    unlearnt: tuple[str, ...] = ()
    proposed: int = 0
    runs_code: bool = False
    scores: tuple[Scored, ...] = ()
    models: tuple[ModelUse, ...] = ()
    lineage: tuple[Ancestor, ...] = ()
    sandbox: str = ""
    version: str = ""
    made: str = ""
    licences: tuple[str, ...] = (SEEDS_LICENCE, TEXT_LICENCE)

    def json(self) -> str:
        """Return the card as JSON, for programs."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """Return the card as Markdown, for people."""
        parts = [
            f"# {plain(self.name) or self.design_id}",
            plain(self.idea),
            self._facts(),
            self._warning(),
            self._scores(),
            self._outcomes(),
            self._models(),
            self._lineage(),
            "## Licences\n\n" + "\n".join(f"- {line}" for line in self.licences),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def summary(self) -> list[str]:
        """Return a few lines of plain text for the head of a source file."""
        lines = [f"design {self.design_id}" + (f" of search {self.search}" if self.search else "")]
        lines += [f"score: {self.headline}"] if self.headline else []
        lines += [self.against] if self.against else []
        lines += [f"{row.split}: {_score(row)} on {row.tasks} tasks" for row in self.scores]
        lines += [f"answered by {use.name}" for use in self.models]
        return [" ".join(line.split()) for line in lines]

    def _facts(self) -> str:
        facts = {
            "design": f"`{self.design_id}`",
            "search": plain(self.search),
            "domain": plain(self.domain),
            "sandbox": plain(self.sandbox),
            "made by": f"metasearch {self.version}" if self.version else "",
            "exported": self.made,
        }
        return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)

    def _warning(self) -> str:
        if not self.runs_code:
            return ""
        return (
            "**It runs programs that its model writes.** In the search they ran in a sandbox. "
            "Exported, they are refused unless you allow them (`--allow-code`, `allow_code=True`); "
            "then they run on your machine with a time limit, which is not a sandbox."
        )

    def _scores(self) -> str:
        if not self.scores:
            return "## Scores\n\nIt was exported without an evaluation."
        rows = [
            [
                row.split,
                str(row.tasks),
                _score(row),
                f"{row.dollars:.6f}",
                f"{row.tokens:.0f}",
                f"{row.seconds:.1f}",
            ]
            for row in self.scores
        ]
        head = [
            "split",
            "tasks",
            "mean score [95 % interval]",
            "$ a task",
            "tokens a task",
            "s a task",
        ]
        text = f"## Scores\n\n**Score: {self.headline}.**\n\n" if self.headline else "## Scores\n\n"
        text += f"{plain(self.against)}.\n\n" if self.against else ""
        if self.unlearnt:
            text += "Without learning, on validation:\n\n"
            text += "\n".join(f"- {plain(line)}" for line in self.unlearnt) + "\n\n"
        text += _table(head, rows)
        if self.proposed > 1:
            text += (
                f"\n\nIt was chosen by its validation score among {self.proposed} scored designs,"
                " so that score flatters it; a test score does not."
            )
        if all(row.split != "test" for row in self.scores):
            text += "\n\nThe test split was not opened: there is no unbiased score."
        return text

    def _outcomes(self) -> str:
        rows = [
            [row.split, plain(kind), str(count)]
            for row in self.scores
            for kind, count in sorted(row.outcomes.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        return (
            "## How evaluations ended\n\n" + _table(["split", "outcome", "count"], rows)
            if rows
            else ""
        )

    def _models(self) -> str:
        rows = [
            [
                plain(use.name),
                " to ".join(dict.fromkeys(day for day in (use.first, use.last) if day)),
                _price(use.prompt_price),
                _price(use.completion_price),
                use.priced,
            ]
            for use in self.models
        ]
        head = [
            "model",
            "asked",
            "$ a million prompt tokens",
            "$ a million new tokens",
            "prices of",
        ]
        return "## Models\n\n" + _table(head, rows) if rows else ""

    def _lineage(self) -> str:
        rows = [
            [
                f"#{step.number}",
                f"`{step.design_id}`",
                plain(step.name),
                plain(" ".join(filter(None, (step.proposer, step.operator)))),
                "" if step.score is None else f"{step.score:.3f}",
                plain(step.idea),
            ]
            for step in self.lineage
        ]
        head = ["entry", "design", "name", "made by", "validation", "idea"]
        return "## Lineage, oldest first\n\n" + _table(head, rows) if rows else ""


def plain(text: str) -> str:
    """Return a stranger's text on one line, with what Markdown or HTML would act on escaped."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(text.split()))


def _score(row: Scored) -> str:
    if row.low is None or row.high is None:
        return f"{row.mean:.3f}"
    return f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]"


def _price(price: float | None) -> str:
    return "not known" if price is None else f"{price:g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
