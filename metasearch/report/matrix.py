"""The section of a report, and the table of `metasearch transfer`: a design in other places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metasearch.report.document import Block, Heading, Paragraph, Said, Table, Text
from metasearch.report.transfers import Transfer
from metasearch.report.words import dollars, p_value, score, signed

__all__ = ["COLUMNS", "matrix", "row"]

COLUMNS = (
    "model",
    "domain",
    "tasks",
    "winner",
    "baseline",
    "difference [95 % interval]",
    "p",
    "$/task",
    "tokens/task",
    "search",
)


def matrix(found: Sequence[Transfer]) -> Iterator[Block]:
    """Return the section; it is said, too, that nothing was tried."""
    yield Heading("Elsewhere")
    if not found:
        yield Paragraph(
            "Nobody has tried the winner with another model or on another domain: "
            "metasearch transfer does."
        )
        return
    yield Table(COLUMNS, [row(one) for one in found], left=("model", "domain", "search"))
    yield Paragraph(
        "The winner and the baseline that it was held against, on the same tasks: those of the "
        "domain's test split. Nothing was chosen by these figures; p is exact McNemar, for each "
        "line alone."
    )


def row(one: Transfer) -> list[Text]:
    """Return one line of the matrix."""
    gap = one.pair.difference if one.pair else None
    tasks = f"{one.pair.tasks if one.pair else 0} of {one.tasks}"
    return [
        Said(one.model),
        Said(one.domain),
        f"{one.tasks}" if one.is_complete else tasks,
        "" if one.mean is None else score(one.mean),
        "" if one.base is None else score(one.base),
        f"{signed(gap.mean)} [{signed(gap.low)}, {signed(gap.high)}]" if gap else "",
        p_value(one.pair.p) if one.pair else "",
        dollars(one.dollars),
        f"{one.tokens:,.0f}",
        Said(one.search),
    ]
