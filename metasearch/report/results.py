"""The sections of a report that say what was found."""

from __future__ import annotations

from collections.abc import Iterator

from metasearch.report.document import (
    Block,
    Bullets,
    Chart,
    Heading,
    Paragraph,
    Point,
    Said,
    Table,
    Text,
)
from metasearch.report.facts import Contest, Gap, Line, Report, Scored
from metasearch.report.verdict import difference, verdict
from metasearch.report.words import amount, dollars, p_value, percent, score, signed

__all__ = ["results", "unlearnt"]

SHOWN_DESIGNS = 30
SHOWN_KINDS = 20
COSTS = ("$/task", "tokens/task", "s/task")


def results(report: Report) -> Iterator[Block]:
    """Return winner, comparisons, costs and lineage."""
    for section in (_winners, _baselines, _test, _pays, _fronts, _lineage):
        yield from section(report)


def _winners(report: Report) -> Iterator[Block]:
    yield Heading("Winner and runner-up")
    if report.winner is None or report.winner_score is None:
        yield Paragraph("No new design has met all validation tasks, so there is none.")
        return
    rows = [_standing("winner", report.winner, report.winner_score)]
    if report.runner_up and report.runner_score:
        rows.append(_standing("runner-up", report.runner_up, report.runner_score))
    columns = ("", "design", "name", "score", "95 % interval", "what kind", *COSTS)
    yield Table(columns, rows, left=("", "name", "what kind"))
    if report.winner.idea:
        yield Paragraph(("Idea of the winner: ", Said(report.winner.idea)))
    yield Paragraph(_kind(report))


def _standing(title: str, line: Line, found: Scored) -> list[Text]:
    return [
        title,
        f"#{line.number}",
        Said(line.name),
        score(found.mean),
        _interval(found),
        {"fresh": "fresh samples", "shrunk": "drawn towards the others"}.get(
            found.kind, "as it was ranked"
        ),
        *_costs(line),
    ]


def _kind(report: Report) -> str:
    """Say what the winner's score is worth."""
    assert report.winner
    assert report.winner_score
    ranked = score(report.winner.score.mean)
    if report.is_fresh:
        told = score(report.winner_score.mean)
        return (
            f"By the samples that made it a finalist the winner scored {ranked}. Of fresh samples, "
            f"which had no part in that, and less what being the best of the finalists adds, it is "
            f"{told}: of the scores on validation only that is a fair one."
        )
    if report.is_alike:
        why = (
            "The finalists were evaluated again and every score came out as before: this model "
            "answers alike each time, so the second look is no evidence."
        )
    elif report.is_between:
        why = "The second evaluation of the finalists is not complete."
    else:
        why = "The finalists were not evaluated again."
    if report.winner_score.kind == "shrunk":
        return (
            f"{why} So the score is not fresh: as ranked it is {ranked}, which flatters the best "
            f"of {report.tried}; drawn towards the others by its own noise it is "
            f"{score(report.winner_score.mean)}."
        )
    return (
        f"{why} So the score is not fresh, and with {report.tried} new designs there are too few "
        "to tell how much it flatters the winner."
    )


def _interval(found: Scored) -> str:
    return f"[{score(found.low)}, {score(found.high)}]"


def _costs(line: Line) -> list[Text]:
    return [dollars(line.dollars), f"{line.tokens:,.0f}", f"{line.seconds:.1f}"]


def _baselines(report: Report) -> Iterator[Block]:
    yield Heading("Against the baselines")
    base = [one for one in report.lines if one.is_baseline]
    if not base:
        yield Paragraph("No baseline has been evaluated, so there is nothing to hold a design to.")
        return
    if report.contest and report.opponent and report.winner:
        yield Paragraph(_opponent(report))
        yield Bullets(_evidence(report.contest, report.tried))
    rows = [_row(one) for one in base]
    yield Table(("design", "name", "score", "95 % interval", "tasks", *COSTS), rows, left=("name",))
    if items := list(unlearnt(report)):
        yield Paragraph("Without learning, on validation:")
        yield Bullets(items)


def _opponent(report: Report) -> Text:
    assert report.opponent
    assert report.winner
    mine, theirs = (getattr(one, report.unit) for one in (report.winner, report.opponent))
    if report.is_fair:
        how = f"the best baseline of its price: {amount(theirs, report.unit)} a task "
        how += f"beside {amount(mine, report.unit)}"
    else:
        how = (
            f"the best of all baselines, for none is as cheap as the winner: "
            f"{amount(theirs, report.unit)} a task beside {amount(mine, report.unit)}"
        )
    name = Said(report.opponent.name)
    return (f"The winner is held against #{report.opponent.number} ", name, f", {how}.")


def _evidence(contest: Contest, tried: int) -> list[Text]:
    items: list[Text] = [f"On validation: {difference(contest.pair)}."]
    if contest.corrected_p is not None:
        items.append(
            f"Corrected for the {tried} new designs tried: {p_value(contest.corrected_p)}: "
            f"{verdict(contest.pair, contest.corrected_p)}."
        )
    if contest.better is not None:
        items.append(f"Probability that it is really better: {percent(contest.better)}.")
    else:
        items.append(
            "Probability that it is really better: not told, for these samples chose the winner "
            "and the designs are too few to say how much that flatters it."
        )
    if (gain := contest.believed) is not None:
        items.append(
            f"The difference to be believed, after all that was tried, is {signed(gain.mean)} "
            f"[{signed(gain.low)}, {signed(gain.high)}]."
        )
    return items


def unlearnt(report: Report) -> Iterator[Text]:
    """Say what a vote would do at the winner's price, and what the first designs were worth."""
    found = report.unlearnt
    if found.vote is not None and found.against is not None:
        who = ", ".join(f"#{number}" for number in found.vote.voters)
        yield (
            f"The majority of {who}, which together take {amount(found.vote.cost, report.unit)} a "
            f"task: the winner against it {difference(found.against)}: {verdict(found.against)}."
        )
    elif found.is_too_dear:
        yield "A vote of the archive's best: any three of them cost more than the winner."
    if found.best_early is not None:
        best = found.best_early
        which = "the one design" if found.early == 1 else f"the best of the {found.early} designs"
        yield (
            f"Independent sampling: {which} made before anything was learnt is #{best.number} ",
            Said(best.name),
            f" with {score(best.score.mean)}, as ranked.",
        )


def _row(line: Line) -> list[Text]:
    own = line.score
    return [
        f"#{line.number}",
        Said(line.name),
        score(own.mean),
        _interval(own),
        f"{own.tasks}",
        *_costs(line),
    ]


def _test(report: Report) -> Iterator[Block]:
    yield Heading("The sealed test")
    if not report.test_scores:
        why = (
            "It was opened, but no result is there."
            if report.looks
            else "It has not been opened: that is done once, when the search ends."
        )
        yield Paragraph(f"{why} So there is no unbiased score of any design.")
        return
    rows: list[list[Text]] = []
    for number, found in report.test_scores.items():
        line, gap = report.line(number), report.gaps.get(number)
        name = Said(line.name if line else "")
        own = [f"#{number}", name, score(found.mean), _interval(found), f"{found.tasks}"]
        rows.append([*own, *((score(gap.validation.mean), _gap(gap)) if gap else ("", ""))])
    columns = ("design", "name", "score", "95 % interval", "tasks", "on validation", "lost")
    yield Table(columns, rows, left=("name",))
    yield Paragraph(_looked(report))
    if report.test:
        yield Bullets([_on_test(report, one) for one in (report.test, report.dearer_test) if one])
    elif report.winner:
        yield Paragraph(f"#{report.winner.number} itself has no test score to compare.")
    yield from _kinds(report)


def _gap(gap: Gap) -> str:
    found = gap.lost
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"


def _kinds(report: Report) -> Iterator[Block]:
    """Show where each design stands, kind by kind: on the test, and in brackets on validation."""
    kinds = sorted({kind for gap in report.gaps.values() for kind in gap.kinds})
    if not 1 < len(kinds) <= SHOWN_KINDS:
        return
    yield Paragraph("By kind of task: on the test, and in brackets on validation, as ranked.")
    rows = [
        [
            Said(kind),
            *(
                f"{score(gap.kinds[kind][1])} ({score(gap.kinds[kind][0])})"
                if kind in gap.kinds
                else ""
                for gap in report.gaps.values()
            ),
        ]
        for kind in kinds
    ]
    yield Table(("kind", *(f"#{number}" for number in report.gaps)), rows, left=("kind",))


def _on_test(report: Report, contest: Contest) -> Text:
    number = report.winner.number if report.winner else ""
    line = report.line(contest.baseline)
    why = ", which costs more" if contest is report.dearer_test else ""
    return (
        f"#{number} against #{contest.baseline} ",
        Said(line.name if line else ""),
        f"{why}: {difference(contest.pair)}: {verdict(contest.pair)}.",
    )


def _looked(report: Report) -> str:
    if report.looks <= 1:
        return "It was opened once, for these designs, after they had been chosen."
    return (
        f"It was opened {report.looks} times, as the search went on after the first or a transfer "
        "met its tasks: these figures are no longer free of choice, so read them with care."
    )


def _pays(report: Report) -> Iterator[Block]:
    yield Heading("When the search has paid for itself")
    pays = report.break_even
    if pays is None:
        yield Paragraph("There is no winner, or no baseline to use in its place.")
        return
    unit = pays.unit
    spent, mine, theirs = (
        amount(value, unit) for value in (pays.spent, pays.winner_cost, pays.alternative_cost)
    )
    line = report.line(pays.alternative)
    name = Said(line.name if line else "")
    which = (
        "the cheapest baseline that scores at least as much"
        if pays.is_as_good
        else "the best baseline; none scores as much as the winner"
    )
    yield Paragraph((f"Without the search one would use #{pays.alternative} ", name, f", {which}."))
    if pays.uses is not None:
        saved = amount(pays.saving, unit)
        yield Paragraph(
            f"One use of the winner saves {theirs} - {mine} = {saved}. The search took {spent}, so "
            f"it has paid for itself after {spent} / {saved} = {pays.uses:,.0f} uses."
        )
        return
    nothing = (
        f"One use of the winner takes {mine}, of the other {theirs}: nothing is saved, so no "
        f"number of uses pays back the {spent} of the search."
    )
    if pays.extra_per_answer is None or pays.search_per_answer is None:
        yield Paragraph(nothing)
        return
    extra, more = (amount(x, unit) for x in (pays.extra_per_answer, pays.search_per_answer))
    yield Paragraph(
        f"{nothing} What it buys is right answers: {signed(pays.gain)} a task, each for "
        f"({mine} - {theirs}) / {score(pays.gain)} = {extra} more; spread over 10,000 uses the "
        f"search itself adds {more} to each."
    )


def _fronts(report: Report) -> Iterator[Block]:
    yield Heading("Score against cost")
    whole = [one for one in report.lines if one.status == "evaluated"]
    if not whole:
        yield Paragraph("No design has met all validation tasks.")
        return
    yield Paragraph(
        "For a design on a front there is no other that is at least as good and cheaper, or "
        "faster. Scores are those that ranked the designs: of the best new ones they flatter."
    )
    unit = report.unit
    yield Chart(
        f"Score against {unit} a task; the dashed line is the front, rings are baselines.",
        f"{unit} a task",
        [_point(one, getattr(one, unit), one.on_cost_front) for one in whole],
    )
    yield Chart(
        "Score against seconds a task.",
        "seconds a task, as if every call were made and none had to wait",
        [_point(one, one.seconds, one.on_time_front) for one in whole],
    )
    shown = [one for one in whole if one.on_cost_front or one.on_time_front][:SHOWN_DESIGNS]
    rows = [
        [*_row(one), "yes" if one.on_cost_front else "", "yes" if one.on_time_front else ""]
        for one in shown
    ]
    columns = ("design", "name", "score", "95 % interval", "tasks", *COSTS)
    yield Table((*columns, "cost front", "time front"), rows, left=("name",))


def _point(line: Line, x: float, is_front: bool) -> Point:
    return Point(x, line.score.mean, f"#{line.number}", line.is_baseline, is_front)


def _lineage(report: Report) -> Iterator[Block]:
    yield Heading("How the winner came about")
    if not report.lineage:
        yield Paragraph("There is no winner.")
        return
    rows: list[list[Text]] = []
    for step in report.lineage:
        gain = step.gain
        by = f"{step.proposer}: {step.operator}" if step.operator else step.proposer
        rows.append(
            [
                f"#{step.number}",
                Said(step.name),
                Said(by),
                " ".join(f"#{number}" for number in step.others),
                "" if step.score is None else score(step.score),
                f"{signed(gain.mean)} [{signed(gain.low)}, {signed(gain.high)}]" if gain else "",
                Said(step.idea),
            ]
        )
    columns = ("design", "name", "made by", "also from", "score", "gain over the one above", "idea")
    yield Table(columns, rows, left=("name", "made by", "also from", "idea"))
    yield Paragraph(
        "Gains are of the samples that ranked the designs, on the tasks that both met; a search "
        "keeps what looks like a gain, so some of each is luck."
    )
