"""`metasearch trace`: every model call of one evaluation."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json, entry, opened, search_option
from metasearch.cli.output import console, emit, one_line, score, table, words

if TYPE_CHECKING:
    from rich.text import Text

    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo
    from metasearch.types import Evaluation, ModelCall

__all__ = ["trace"]

TEXT_CHARS = 1_000
SHOWN = 30


@click.command(
    cls=Verb,
    examples="""
    metasearch trace 12                      # its evaluations, worst first
    metasearch trace 12 t3f09ab12cd          # the calls of one of them
    metasearch trace best --split train
    metasearch trace best t3f09 --full
    """,
)
@click.argument("reference", metavar="DESIGN")
@click.argument("task", metavar="[TASK]", required=False)
@click.option(
    "--split",
    type=click.Choice(["train", "validation"]),
    help="Only tasks of this split; those of test stay sealed.",
)
@click.option("--repeat", type=click.IntRange(min=0), default=0, help="Which, with TASK.")
@click.option("-n", "limit", type=click.IntRange(min=0), default=SHOWN, help="Rows; 0 is all.")
@click.option("--full", is_flag=True, help="Do not shorten prompts and replies.")
@search_option
@archive_option
@as_json
def trace(
    reference: str,
    task: str | None,
    split: str | None,
    repeat: int,
    limit: int,
    full: bool,
    search_id: str | None,
    place: str | None,
    as_json: bool,
) -> None:
    """Show every model call of one evaluation.

    Without TASK: the evaluations of the design, worst first.

    TASK is a task's id or the beginning of it. Each call says who asked, what, what came back,
    how many tokens and seconds it took, and whether the record answered it.
    """
    with opened(place) as archive:
        search = archive.search(search_id)
        one = entry(archive, search, reference)
        if task is None:
            done = _evaluations(archive, search, one, split)
        else:
            done = [archive.trace(search.id, one.id, task, repeat)]
            _unsealed(done[0])
    if as_json:
        facts = [asdict(evaluation) for evaluation in done]
        emit("trace", {"search": search.id, "number": one.number, "evaluations": facts})
    elif task is None:
        _list(one, done, limit or None)
    else:
        _tree(one, done[0], None if full else TEXT_CHARS)


def _evaluations(
    archive: Archive, search: SearchInfo, one: EntryInfo, split: str | None
) -> list[Evaluation]:
    """Return the evaluations of an entry, worst first; those of the sealed split are left out."""
    from metasearch.types import Split

    wanted = [Split(split)] if split else [Split.TRAIN, Split.VALIDATION]
    done = archive.evaluations(search.id, entry_id=one.id)
    kept = [evaluation for evaluation in done if evaluation.split in wanted]
    return sorted(kept, key=lambda evaluation: evaluation.score)


def _unsealed(evaluation: Evaluation) -> None:
    from metasearch.errors import ConfigError
    from metasearch.types import Split

    if evaluation.split is Split.TEST:
        raise ConfigError(
            f"task {evaluation.task_id} is of the test split, which stays sealed: to look at its "
            "traces is to tune on it"
        )


def _list(one: EntryInfo, done: list[Evaluation], limit: int | None) -> None:
    columns = ("task", "split", "repeat", "outcome", "score", "calls", "tokens", "seconds", "error")
    rows = [
        (
            each.task_id,
            each.split,
            each.repeat,
            each.outcome,
            score(each.score),
            each.calls,
            f"{each.usage.total:,}",
            f"{each.seconds:.1f}",
            one_line(each.error[-120:], 120),
        )
        for each in done[:limit]
    ]
    console().print(table(columns, rows))
    if len(rows) < len(done):
        words(f"{len(done) - len(rows)} more, which scored no less: -n 0 shows all")
    if done:
        words(f"next: metasearch trace {one.number} {rows[0][0]}")


def _tree(one: EntryInfo, evaluation: Evaluation, limit: int | None) -> None:
    from rich.text import Text
    from rich.tree import Tree

    head = (
        f"#{one.number} {one_line(one.name, 60)} on {evaluation.task_id} ({evaluation.split}, "
        f"repeat {evaluation.repeat}): {evaluation.outcome}, score {score(evaluation.score)}"
    )
    root = Tree(Text(head, style="bold"))
    for call in evaluation.trace:
        branch = root.add(Text(_call_line(call)))
        for message in call.request.messages:
            branch.add(_said(message.role, message.content, limit))
        if call.reply is not None:
            branch.add(_said("reply", call.reply.text, limit))
        else:
            branch.add(_said("no reply", call.error, limit))
    root.add(_said("answer", json.dumps(evaluation.answer, default=str), limit))
    if evaluation.error:
        root.add(_said("error", evaluation.error, limit))
    if evaluation.stdout:
        root.add(_said("printed", evaluation.stdout, limit))
    console().print(root)


def _call_line(call: ModelCall) -> str:
    reply = call.reply
    if reply is None:
        return f"{call.position} {one_line(call.agent, 60)}: no reply"
    cached = ", from the record" if reply.recorded else ""
    return (
        f"{call.position} {one_line(call.agent, 60)}: {reply.usage.prompt:,} + "
        f"{reply.usage.completion:,} tokens, {reply.seconds:.1f} s, ${reply.dollars:.5f}, "
        f"{reply.finish}{cached}"
    )


def _said(label: str, text: str, limit: int | None) -> Text:
    from rich.text import Text

    from metasearch.search.quote import clean, cut

    body = clean(text).strip()
    shown = body if limit is None else cut(body, limit)
    return Text.assemble((f"{label}: ", "cyan"), shown)
