"""`metasearch show`: one design, from its idea to its failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, entry, opened, search_option
from metasearch.cli.output import console, emit, is_live, one_line, score, table, words
from metasearch.cli.rescore import metrics_table
from metasearch.cli.troubles import suspicious
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo
    from metasearch.types import Evaluation, Task

__all__ = ["show"]

FAILURES = 3
ERROR_CHARS = 400


@click.command(
    cls=Verb,
    examples="""
    metasearch show best
    metasearch show 12 --source > design.py
    metasearch show seed:debate --json
    """,
)
@click.argument("reference", metavar="DESIGN")
@click.option("--source", "source_only", is_flag=True, help="Print the source alone.")
@search_option
@archive_option
@as_json
def show(
    reference: str, source_only: bool, search_id: str | None, place: str | None, as_json: bool
) -> None:
    """Show a design: idea, source, scores, failures.

    Also its outcomes, parents, children, and a few failed training tasks.

    DESIGN is a number (12), a name, the start of its id, best, best-seed or seed:NAME. Of
    validation and test only scores are shown, never a task or its gold answer.
    """
    from metasearch.errors import ConfigError

    with opened(place) as archive:
        search = archive.search(search_id)
        one = entry(archive, search, reference)
        if source_only:
            if one.design is None:
                raise ConfigError(f"#{one.number} has no source: {one.reason or one.status}")
            click.echo(one.design.source, nl=not one.design.source.endswith("\n"))
            return
        family = archive.lineage(search.id, one.number, "children")
        children = [step.number for step in family if step.depth == 1]
        failures = _failures(archive, search, one)
        odd = suspicious(archive.events(search.id), one.number)
        metrics = _metrics(archive, search, one)
        anatomy = _anatomy(archive, search, one)
    if as_json:
        facts = _json(search, one, children, failures)
        emit("show", {**facts, "suspicion": odd, "metrics": metrics, "anatomy": anatomy})
    else:
        _print(search, one, children, failures, odd, metrics, anatomy)


def _metrics(archive: Archive, search: SearchInfo, one: EntryInfo) -> dict[str, dict[str, float]]:
    """Return a design's mean metrics by setting; {} where tasks are questions and it is alone."""
    from metasearch.types import Split

    train = archive.tasks(search.id, Split.TRAIN)
    if not train:
        return {}
    asks = train[0].gold is not None  # an episode has no right answer
    validation = Split.VALIDATION
    done = archive.evaluations(search.id, entry_id=one.id, split=validation, with_trace=asks)
    if asks and all(len({call.agent for call in each.trace}) < 2 for each in done):
        return {}  # to load a domain may take seconds
    from metasearch.errors import ConfigError
    from metasearch.search.config import SearchConfig
    from metasearch.search.domain import load_domain
    from metasearch.search.rescore import metrics_of

    try:
        domain = load_domain(SearchConfig.model_validate(search.config))
    except ConfigError:
        return {}  # its file is gone, or an extra is missing: the rest can be shown
    tasks = {task.id: task for task in archive.tasks(search.id, Split.VALIDATION)}
    return metrics_of(domain, tasks, done)


def _anatomy(archive: Archive, search: SearchInfo, one: EntryInfo) -> dict[str, Json]:
    """Return what the design is like inside, read from training tasks; {} where nothing was met."""
    from metasearch.domains.societies.anatomy import of_logs, of_traces
    from metasearch.types import Split

    train = Split.TRAIN
    done = archive.evaluations(search.id, entry_id=one.id, split=train, with_trace=True)
    traces = [each.trace for each in done]
    logs = [each.answer.get("log") for each in done if isinstance(each.answer, dict)]
    played = [log for log in logs if isinstance(log, list)]
    found = of_logs(played, traces) if played else of_traces(traces)
    return {} if found is None else found.to_json()


def _described(anatomy: dict[str, Json]) -> str:
    """Return the descriptors that are there, as words."""
    told = []
    for name, value in anatomy.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        if shown not in ("", "none", 0, False, None):
            told.append(f"{name} {shown:.2f}" if isinstance(shown, float) else f"{name} {shown}")
    return "; ".join(told)


def _failures(
    archive: Archive, search: SearchInfo, one: EntryInfo
) -> list[tuple[Task | None, Evaluation]]:
    """Return the evaluations of training tasks that did not score in full, with their tasks."""
    from metasearch.types import Split

    tasks = {task.id: task for task in archive.tasks(search.id, Split.TRAIN)}
    done = archive.evaluations(search.id, entry_id=one.id, split=Split.TRAIN)
    failed = [evaluation for evaluation in done if evaluation.score < 1]
    return [(tasks.get(evaluation.task_id), evaluation) for evaluation in failed]


def _json(
    search: SearchInfo,
    one: EntryInfo,
    children: list[int],
    failures: list[tuple[Task | None, Evaluation]],
) -> dict[str, Json]:
    from metasearch.cli.standing import repeats, row_json

    return {
        "search": search.id,
        **row_json(one, repeats(search)),
        "source": one.design.source if one.design else None,
        "children": children,
        "failures": [
            {
                "task": done.task_id,
                "prompt": task.prompt if task else None,
                "gold": task.gold if task else None,
                "answer": done.answer,
                "outcome": str(done.outcome),
                "error": done.error,
            }
            for task, done in failures
        ],
    }


def _print(
    search: SearchInfo,
    one: EntryInfo,
    children: list[int],
    failures: list[tuple[Task | None, Evaluation]],
    odd: str,
    metrics: dict[str, dict[str, float]],
    anatomy: dict[str, Json],
) -> None:
    from metasearch.search.quote import clean

    out = console()

    def say(line: str, style: str = "") -> None:
        out.print(line, style=style, markup=False, soft_wrap=True)

    made_by = one.proposer + (f", {one.operator}" if one.operator else "")
    design_id = one.design.id if one.design else "no design"
    say(f"#{one.number} {one_line(one.name)}  ({design_id}, search {search.id})", "bold")
    say(f"made by {made_by}; parents {_numbers(one.parents)}; children {_numbers(children)}")
    reason = f": {one_line(one.reason)}" if one.reason else ""
    say(f"status {one.status}{reason}; proposing it took {one.usage.total:,} tokens")
    if odd:
        say(f"suspicious: {odd}", "bold red")
    if one.design is None:
        return
    if one.design.idea:
        say("")
        say(clean(one.design.idea).strip())
    if anatomy:
        say("")
        say(f"anatomy: {_described(anatomy)}")
    _print_scores(search, one)
    if metrics:
        metrics_table(metrics)
    _print_source(one.design.source)
    for task, done in failures[:FAILURES]:
        say("")
        _print_failure(say, task, done)
    if failures:
        words(f"next: metasearch trace {one.number} {failures[0][1].task_id} ")


def _print_scores(search: SearchInfo, one: EntryInfo) -> None:
    from metasearch.cli.standing import repeats, summary_json
    from metasearch.types import Split

    rows = []
    for split in Split:
        summary = one.summaries.get(split)
        if summary is None:
            continue
        facts = summary_json(summary, repeats(search))
        outcomes = ", ".join(f"{count} {kind}" for kind, count in facts["outcomes"].items())
        interval = f"[{score(facts['low'])}, {score(facts['high'])}]"
        cost = (f"{facts['tokens_per_task']:,.0f}", f"{facts['dollars_per_task']:.5f}")
        seconds = f"{facts['seconds_per_task']:.1f}"
        head = (str(split), score(facts["mean"]), interval, str(facts["tasks"]))
        rows.append((*head, *cost, seconds, outcomes))
    columns = ("split", "score", "95 % interval", "tasks", "tokens/task")
    costs = ("$/task", "seconds/task")
    if rows:
        console().print(table((*columns, *costs, "outcomes"), rows, dispensable=costs))


def _print_source(source: str) -> None:
    from rich.syntax import Syntax

    from metasearch.search.quote import clean

    if is_live():
        console().print(Syntax(clean(source), "python", theme="ansi_dark", line_numbers=True))
    else:
        click.echo(clean(source))


def _print_failure(say: object, task: Task | None, done: Evaluation) -> None:
    assert callable(say)
    say(f"failed on training task {done.task_id}: {done.outcome}, score {score(done.score)}", "red")
    if task is not None:
        say(f"  asked   {one_line(task.prompt, ERROR_CHARS)}")
        say(f"  gold    {one_line(json.dumps(task.gold, default=str))}")
    say(f"  answer  {one_line(json.dumps(done.answer, default=str))}")
    if done.error:
        say(f"  error   {one_line(done.error[-ERROR_CHARS:], ERROR_CHARS)}")


def _numbers(numbers: tuple[int, ...] | list[int]) -> str:
    return " ".join(f"#{number}" for number in numbers) or "none"
