"""The report in words: one function for each section, in the order in which it is read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from metasearch.report.conclusion import conclusion, is_resumable
from metasearch.report.document import (
    Block,
    Bullets,
    Commands,
    Heading,
    Paragraph,
    Said,
    Table,
    Text,
)
from metasearch.report.facts import Report
from metasearch.report.matrix import matrix
from metasearch.report.results import results
from metasearch.report.rows import repeats
from metasearch.report.words import amount, dollars, percent
from metasearch.types import Outcome, Owner, Split

__all__ = ["pages"]

HOW_TO_READ = (
    "A design is a small program that asks a language model; the search wrote new ones and ran "
    "each on tasks with known answers. A score is the mean over tasks, from 0 to 1.",
    "[low, high] is a 95 % interval: where the true figure most likely lies. Two designs are "
    "compared task by task; p is how often luck alone would give such a difference, or more.",
    "The best of many looks better than it is. So p is corrected for the number of designs tried, "
    "and the winner's score is that of the sealed test; before it, of fresh samples, or drawn "
    "towards those of the others.",
    "Validation tasks chose the winner. The test tasks were sealed until the end: what they say is "
    "the proof. A search that looks at them more than once weakens it.",
    "A baseline is a design that needs no search. A winner that does not beat one of its price is "
    "not worth its cost, whatever its score.",
)
SHOWN_GROUPS = 12
SHOWN_NUMBERS = 8
MINUTE = "%Y-%m-%d %H:%M"


def pages(report: Report) -> list[Block]:
    """Return the whole report."""
    blocks: list[Block] = [Heading(("Report of search ", Said(report.rows.search.id)), 1)]
    blocks += conclusion(report)
    blocks += [Heading("How to read this"), Bullets(HOW_TO_READ)]
    for section in (_searched, _spent, results, _elsewhere, _failed, _again):
        blocks += section(report)
    return blocks


def _searched(report: Report) -> Iterator[Block]:
    search, sizes = report.rows.search, report.rows.search.sizes
    config = search.config
    model = (config.get("model") or {}).get("name") or "not named"
    meta = (config.get("meta_model") or {}).get("name") or model
    sandbox = [event.text for event in report.rows.events if event.kind == "sandbox"]
    counts = report.failures.proposals
    tasks = ", ".join(f"{sizes.get(split, 0)} {split}" for split in Split)
    yield Heading("What was searched")
    yield Bullets(
        [
            ("Domain: ", Said(search.domain), f" with {tasks} tasks"),
            f"Each design meets a task {_times(repeats(search))}; validation ranks the designs.",
            ("Model that the designs ask: ", Said(str(model)), "; that writes: ", Said(str(meta))),
            ("Strategy ", Said(search.strategy), f", seed {search.seed}"),
            f"Entries: {sum(counts.values())} ("
            + (", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none")
            + f"); new designs that met validation tasks: {report.tried}",
            ("Sandbox: ", Said(sandbox[-1] if sandbox else "none was opened")),
            f"Begun {search.created_at:{MINUTE}}, last changed {search.updated_at:{MINUTE}} UTC, "
            f"by metasearch {search.version}",
            *_before(report),
            *_steered(report),
        ]
    )


def _before(report: Report) -> Iterator[Text]:
    """Say what the look before the search has found: head-room, noise, what can be seen at all."""
    found = report.rows.preflight()
    for kind in ("lines", "warnings", "refusals"):
        lines = found.get(kind)
        for line in lines if isinstance(lines, list) else ():
            title = {"warnings": " warned", "refusals": " refused"}.get(kind, "")
            yield (f"The preflight{title}: ", Said(str(line).removeprefix("preflight: ")))


def _steered(report: Report) -> Iterator[Text]:
    """Say that a person took part: what came of it is not the search's own doing alone."""
    asked = report.rows.steered()
    if asked:
        yield f"A person has steered it: {', '.join(f'{name} {n}' for name, n in asked.items())}"
    winner = report.winner
    if winner is not None and (winner.proposer == "user" or winner.operator == "idea"):
        yield f"The winner, #{winner.number}, came by a person's hand"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _spent(report: Report) -> Iterator[Block]:
    spending, test = report.rows.spending, report.rows.test_spent
    rows = []
    for name, row, less in (
        ("proposing", spending.parts[Owner.PROPOSER], None),
        ("evaluating", spending.parts[Owner.EVALUATION], test),
        ("sealed test", test, None),
        ("probing the endpoint", spending.parts[Owner.PROBE], None),
        ("all", spending.total, None),
    ):
        money = row.dollars - (less.dollars if less else 0.0)
        tokens = row.usage.total - (less.usage.total if less else 0)
        calls = row.calls - (less.calls if less else 0)
        rows.append((name, dollars(money), f"{tokens:,}", f"{calls:,}"))
    yield Heading("What it took")
    yield Table(("purse", "dollars", "tokens", "calls"), rows, left=("purse",))
    caps = ", ".join(
        f"{dollars(value) if name == 'usd' else f'{value:,} {name}'}"
        for name, value in spending.caps.items()
        if value is not None
    )
    yield Bullets(
        [
            f"{spending.minutes:.1f} minutes of wall clock, restarts included.",
            f"Caps of the last run: {caps or 'none'}.",
            f"Kept back for the finals and the sealed test: {_kept_back(report)}.",
            f"Looks at the sealed test: {report.looks}.",
            "Replies that were on record cost nothing; what designs cost for one task, below, is "
            "as if every call were paid, and their seconds as if each were made and none waited.",
        ]
    )


def _kept_back(report: Report) -> str:
    return f"about {amount(report.kept_back, report.unit)}" if report.kept_back else "nothing"


def _elsewhere(report: Report) -> Iterator[Block]:
    return matrix(report.transfers)


def _failed(report: Report) -> Iterator[Block]:
    found = report.failures
    yield Heading("What failed, and why")
    total = found.evaluations
    if total:
        rows = [
            [kind, f"{count:,}", percent(count / total)] for kind, count in found.outcomes.items()
        ]
        columns = ("evaluations that ended as", "count", "share")
        yield Table(columns, rows, left=columns[:1])
        if found.outcomes.get(str(Outcome.INFRASTRUCTURE)):
            yield Paragraph("Those that ended as infrastructure are no score and count nowhere.")
    else:
        yield Paragraph("No design has been evaluated.")
    rows_of_groups: list[list[Text]] = [
        [
            group.status,
            f"{len(group.numbers)}",
            _numbers(group.numbers),
            Said(group.reason or "no reason is kept"),
        ]
        for group in found.groups[:SHOWN_GROUPS]
    ]
    if rows_of_groups:
        heads = ("proposals that came to nothing", "count", "entries", "for instance")
        yield Table(heads, rows_of_groups, left=(heads[0], "entries", "for instance"))
    if (more := len(found.groups) - SHOWN_GROUPS) > 0:
        yield Paragraph(f"{more} more reasons are in the JSON of this report.")
    items: list[Text] = [("Alarm: ", Said(text)) for text in found.alarms]
    items += [("The endpoint was down: ", Said(text)) for text in found.outages]
    if found.outages:
        items.append(f"In all the search waited {found.outage_seconds / 60:.1f} minutes for it.")
    yield Bullets(items or ["No alarm was raised, and the endpoint was never down."])


def _numbers(numbers: tuple[int, ...]) -> str:
    more = ", ..." if len(numbers) > SHOWN_NUMBERS else ""
    return " ".join(f"#{number}" for number in numbers[:SHOWN_NUMBERS]) + more


def _again(report: Report) -> Iterator[Block]:
    name = shlex.quote(Said(report.rows.search.id))
    yield Heading("Do it again")
    lines = [
        f"metasearch replay {name}    # every evaluation again, offline, from the record",
        f"metasearch top {name}",
    ]
    if report.winner:
        number, where = report.winner.number, f"--search {name}"
        lines += [
            f"metasearch show {number} {where}",
            f"metasearch lineage {number} {where}",
            f"metasearch export {number} --as file -o agent.py {where}",
        ]
        if report.opponent:
            lines.append(f"metasearch compare {number} {report.opponent.number} {where}")
    if is_resumable(report):
        lines.append(f"metasearch resume {name}")
    lines.append(f"metasearch report {name} --format json    # every figure of this page")
    yield Commands(lines)
