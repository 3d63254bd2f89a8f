"""`metasearch steer`: give a running search ideas and designs, pin parents, ban designs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metasearch.cli.base import Verb, Verbs
from metasearch.cli.options import archive_option, as_json, entry, opened, search_option
from metasearch.cli.output import console, emit, one_line, score, table, words
from metasearch.errors import ConfigError
from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import EntryInfo, SearchInfo
    from metasearch.search.steer import Action, Steer
    from metasearch.types import Design

__all__ = ["steer"]

ENDED = 1
LONGEST_IDEA = 2_000
design_argument = click.argument("reference", metavar="DESIGN")


@click.group(
    cls=Verbs,
    examples="""
    metasearch steer idea "let a second agent solve it backwards, and compare"
    metasearch steer inject my_design.py
    metasearch steer pin 12
    metasearch steer ban 7
    metasearch steer list
    """,
)
def steer() -> None:
    """Give a running search an idea or a design, pin or ban one.

    Works through the archive, in whatever process the search runs; the search takes it up with its
    next proposal. One that is paused takes it up when it is resumed. All of it stays in the
    archive: `metasearch steer list`.
    """


@steer.command(
    cls=Verb,
    examples="""
    metasearch steer idea "answer with a program wherever the question holds a number"
    """,
)
@click.argument("text")
@search_option
@archive_option
def idea(text: str, search_id: str | None, place: str | None) -> int:
    """Have the meta agent try an idea, in its next design.

    It is shown to the model as quoted text of at most 2,000 characters, for one design; whose turn
    it was does not matter.
    """
    from metasearch.search.config import SearchConfig
    from metasearch.search.quote import clean
    from metasearch.search.steer import READS_NO_WORDS, Action

    told = clean(text).strip()
    if not told:
        raise ConfigError("the idea is empty; say in words what a design should try")
    if len(told) > LONGEST_IDEA:
        raise ConfigError(
            f"the idea has {len(told)} characters; the meta agent is shown {LONGEST_IDEA} at most"
        )
    with opened(place, read_only=False) as archive:
        search = archive.search(search_id)
        if not SearchConfig.model_validate(search.config).weights().keys() - READS_NO_WORDS:
            raise ConfigError(
                f"search {search.id} has no meta agent, so that nobody reads ideas; put in a "
                "design instead: metasearch steer inject FILE"
            )
        return _ask(archive, search, Action.IDEA, f"idea {one_line(told, 60)!r}", text=told)


@steer.command(
    cls=Verb,
    examples="""
    metasearch steer inject my_design.py
    metasearch show 12 --source > mine.py    # change it, then:
    metasearch steer inject mine.py --from 12
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Of the design; else the file's.")
@click.option("--from", "parents", multiple=True, metavar="DESIGN", help="What it was made from.")
@search_option
@archive_option
def inject(
    file: Path, name: str | None, parents: tuple[str, ...], search_id: str | None, place: str | None
) -> int:
    """Put a design of your own into the search, in place of its next proposal.

    It is tried, raced and ranked as any other, and others may be made from it. The archive keeps
    it as proposed by "user".
    """
    from metasearch.search.checks import idea_of
    from metasearch.search.steer import Action
    from metasearch.types import Design

    source = _read(file)
    design = Design(source, name or file.stem, idea_of(source))
    with opened(place, read_only=False) as archive:
        search = archive.search(search_id)
        entries = archive.entries(search.id)
        _refuse_unlike(file, design, entries)
        _refuse_twin(design, entries)
        made_from = tuple(entry(archive, search, parent).number for parent in parents)
        told = f"design {design.name}"
        return _ask(archive, search, Action.DESIGN, told, design=design, parents=made_from)


@steer.command(
    cls=Verb,
    examples="""
    metasearch steer pin best
    """,
)
@design_argument
@search_option
@archive_option
def pin(reference: str, search_id: str | None, place: str | None) -> int:
    """Make every design from now on from this one, first of all.

    Until `unpin`; at most three designs are pinned at a time.
    """
    return _hold("pin", reference, search_id, place)


@steer.command(
    cls=Verb,
    examples="""
    metasearch steer unpin 12
    """,
)
@design_argument
@search_option
@archive_option
def unpin(reference: str, search_id: str | None, place: str | None) -> int:
    """Leave it to the search again what designs are made from."""
    return _hold("unpin", reference, search_id, place)


@steer.command(
    cls=Verb,
    examples="""
    metasearch steer ban 7               # it exploits the scorer
    """,
)
@design_argument
@search_option
@archive_option
def ban(reference: str, search_id: str | None, place: str | None) -> int:
    """Let nothing be made from a design, and let it not win.

    It stays in the archive, as stopped, and counts among the designs that were tried. A seed
    cannot be banned: it is what winners are compared with.
    """
    return _hold("ban", reference, search_id, place)


@steer.command(
    cls=Verb,
    examples="""
    metasearch steer unban 7
    """,
)
@design_argument
@search_option
@archive_option
def unban(reference: str, search_id: str | None, place: str | None) -> int:
    """Take a ban back."""
    return _hold("unban", reference, search_id, place)


@steer.command(
    "list",
    cls=Verb,
    examples="""
    metasearch steer list
    metasearch steer list --search my-search --json
    """,
)
@search_option
@archive_option
@as_json
def list_(search_id: str | None, place: str | None, as_json: bool) -> None:
    """List all that was asked of a search, by whom, and what came of it."""
    from metasearch.search.steer import asked

    with opened(place) as archive:
        search = archive.search(search_id)
        steers = asked(archive, search.id)
        entries = {one.number: one for one in archive.entries(search.id)}
    if as_json:
        emit("steer", {"search": search.id, "asked": [_json(one, entries) for one in steers]})
        return
    if not steers:
        words(f"nothing was asked of search {search.id}")
        return
    columns = ("at", "by", "asked", "what", "taken", "outcome")
    console().print(table(columns, [_row(one, entries) for one in steers]))


def _hold(word: str, reference: str, search_id: str | None, place: str | None) -> int:
    """Ask for what holds until it is undone."""
    from metasearch.search.steer import Action, asked

    with opened(place, read_only=False) as archive:
        search = archive.search(search_id)
        one = entry(archive, search, reference)
        action = Action(word)
        if action is Action.PIN and search.strategy == "meta-agent-search":
            raise ConfigError(
                f"search {search.id} shows its meta agent the whole archive (strategy "
                "meta-agent-search), so that no design can be pinned; ban those it shall not see"
            )
        _refuse_useless(action, one, asked(archive, search.id))
        return _ask(archive, search, action, f"{word} #{one.number}", number=one.number)


def _refuse_useless(action: Action, one: EntryInfo, before: Sequence[Steer]) -> None:
    """Refuse what would change nothing, or what no search could obey.

    Raises:
        ConfigError: says which, and why.
    """
    from metasearch.search.steer import MOST_PINS, Action, standing

    pinned, banned = standing(before, Action.PIN), standing(before, Action.BAN)
    told = ", ".join(f"#{number}" for number in pinned)
    reasons = {
        Action.PIN: (
            (one.number in pinned, "is pinned already"),
            (one.number in banned, f"is banned; first: metasearch steer unban {one.number}"),
            (
                str(one.status) not in ("evaluated", "stopped", "pending"),
                f"is {one.status}, so that nothing can be made from it",
            ),
            (len(pinned) >= MOST_PINS, f"is one too many: {told} are pinned; unpin one of them"),
        ),
        Action.UNPIN: ((one.number not in pinned, f"is not pinned; pinned are: {told or 'none'}"),),
        Action.BAN: (
            (one.number in banned, "is banned already"),
            (one.proposer == "seed", "is a seed: winners are compared with it"),
        ),
        Action.UNBAN: ((one.number not in banned, "is not banned"),),
    }
    for holds, why in reasons[action]:
        if holds:
            raise ConfigError(f"#{one.number} {one_line(one.name, 40)} {why}")


def _ask(archive: Archive, search: SearchInfo, action: Action, told: str, **details: Any) -> int:
    from metasearch.search.steer import ask

    if search.status in ("finished", "failed"):
        words(f"search {search.id} is {search.status}; it makes no further proposal")
        return ENDED
    ask(archive, search.id, action, **details)
    when = "with its next proposal"
    if not archive.is_running(search.id):
        when = f"once it goes on: metasearch resume {search.id}"
    words(f"search {search.id} takes up {told} {when}")
    return 0


def _read(file: Path) -> str:
    """Return a text.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{file} cannot be read: {why}") from None


def _refuse_unlike(file: Path, design: Design, entries: Sequence[EntryInfo]) -> None:
    """Refuse what is no design of this search: its others define `solve`, or all are members.

    Raises:
        ConfigError: says what is wrong, and where.
    """
    from metasearch.domains.base import MEMBER, SOLVE
    from metasearch.search.checks import check

    seeds = (one.design.source for one in entries if one.design and one.proposer == "seed")
    is_society = any(check(source, MEMBER).accepted for source in seeds)
    verdict = check(design.source, MEMBER if is_society else SOLVE)
    if not verdict.accepted:
        raise ConfigError(f"{file} is no design: {verdict.reason}")


def _refuse_twin(design: Design, entries: Sequence[EntryInfo]) -> None:
    from metasearch.search.novelty import normalised

    form = normalised(design.source)
    for one in entries:
        if one.design is not None and normalised(one.design.source) == form:
            raise ConfigError(
                f"the design is there already, as #{one.number}; pin that one instead"
            )


def _json(one: Steer, entries: dict[int, EntryInfo]) -> dict[str, Json]:
    made = _made(one, entries)
    summary = made.validation if made else None
    return {
        "at": one.at.isoformat(),
        "by": one.by,
        "action": str(one.action),
        "text": one.text,
        "number": one.number,
        "design": one.design.name if one.design else None,
        "from": list(one.parents),
        "taken_by_proposal": one.taken,
        "entry": made.number if made else None,
        "status": str(made.status) if made else None,
        "validation": summary.mean if summary else None,
    }


def _row(one: Steer, entries: dict[int, EntryInfo]) -> tuple[object, ...]:
    what = one.text or (one.design.name if one.design else f"#{one.number}")
    taken = "waits" if one.taken is None else f"#{one.taken}"
    made = _made(one, entries)
    outcome = ""
    if made is not None:
        summary = made.validation
        outcome = f"{made.status} {score(summary.mean)}" if summary and summary.n else made.status
        outcome += f": {one_line(made.reason, 60)}" if made.reason else ""
    at = f"{one.at:%Y-%m-%d %H:%M}"
    return at, one.by, str(one.action), one_line(what, 60), taken, outcome


def _made(one: Steer, entries: dict[int, EntryInfo]) -> EntryInfo | None:
    """Return the entry that came of an idea or a design."""
    is_one = bool(one.text or one.design)
    return entries.get(one.taken) if is_one and one.taken is not None else None
