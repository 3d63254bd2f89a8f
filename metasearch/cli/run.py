"""`metasearch run` and `metasearch resume`: a search from its configuration to its table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metasearch.cli.base import Verb
from metasearch.cli.faults import INTERRUPTED
from metasearch.cli.options import archive_option
from metasearch.cli.output import emit, words
from metasearch.cli.preflight import preflight_options, print_preflight, wanted
from metasearch.cli.settings import record_options, setting_options
from metasearch.errors import BudgetExhausted, ConfigError, MetasearchError

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import SearchInfo
    from metasearch.search.config import SearchConfig

__all__ = ["resume", "run"]

DISPLAYS = ("auto", "rich", "plain", "json", "none")

display_option = click.option(
    "--display",
    type=click.Choice(DISPLAYS),
    default="auto",
    envvar="METASEARCH_DISPLAY",
    help="How to watch; auto is rich on a terminal, else plain lines.",
)


@click.command(
    cls=Verb,
    examples="""
    metasearch run                                   # a model on this machine, no key
    metasearch run --model gpt-4.1-mini --usd 5      # with OPENAI_API_KEY set
    metasearch run --base-url http://127.0.0.1:8000/v1 --model mine --allow-unpriced
    metasearch run --domain examples.jsonl --scorer number --designs 30
    metasearch run search.toml --dry-run             # how much work, what it may cost
    """,
)
@click.argument(
    "path", metavar="[CONFIG.toml]", required=False, type=click.Path(path_type=Path, dir_okay=False)
)
@click.option("--preset", metavar="NAME", help="local, smoke or overnight, below the file.")
@setting_options
@display_option
@preflight_options
@click.option("--dry-run", is_flag=True, help="Say how much work it is and what it may cost.")
@click.option("--print-config", is_flag=True, help="Print the complete configuration as TOML.")
@click.pass_context
def run(
    ctx: click.Context,
    /,
    path: Path | None,
    preset: str | None,
    display: str,
    preflight: str | None,
    dry_run: bool,
    print_config: bool,
    **values: Any,
) -> int:
    """Search for designs, and say at the end who won.

    Designs are proposed, checked, run in the sandbox and scored, best ones on most tasks.

    Options win over METASEARCH_* variables (METASEARCH_USD for --usd), those over the file, the
    file over the preset. Ctrl-C once finishes what is in flight and saves; twice stops at once.
    `metasearch resume` goes on, and nothing is paid twice.
    """
    from metasearch.cli.plan import configured

    config = configured(ctx, path, preset, values)
    if print_config:
        from metasearch.search.config_file import to_toml

        click.echo(to_toml(config), nl=False)
        return 0
    if dry_run:
        from metasearch.cli.estimate import print_estimate

        return print_estimate(config)
    from metasearch.archive import Archive
    from metasearch.cli.prepare import prepare
    from metasearch.search.launch import check_config, create

    check_config(config)  # what is wrong is better told before anything is written
    prepare(config)
    archive = Archive.open(config.archive)
    try:
        info = _again(create(config, archive), config)
        words(f"archive: {archive.where}")
        if info.status == "finished" and not info.reason:  # not even its endpoint is asked
            return _told(info, archive, display)
        return _watched(info, archive, display, preflight)
    finally:
        archive.close()


@click.command(
    cls=Verb,
    examples="""
    metasearch resume                    # the newest search
    metasearch resume my-search --usd 10 # with a higher cap; what was spent counts
    """,
)
@click.argument("search_id", metavar="[SEARCH]", required=False)
@click.option("--usd", type=float, metavar="N", help="New cap; what was spent counts.")
@click.option("--tokens", type=int, metavar="N", help="New cap.")
@click.option("--calls", type=int, metavar="N", help="New cap.")
@click.option("--minutes", type=float, metavar="N", help="New cap; minutes worked so far count.")
@record_options
@display_option
@preflight_options
@archive_option
def resume(
    search_id: str | None,
    display: str,
    preflight: str | None,
    place: str | None,
    record: str | None,
    **caps: float | None,
) -> int:
    """Go on with a search that was stopped or killed.

    Its configuration is the one that it was started with, its caps are those of its last run.
    Evaluations that are done and calls that are paid are taken from the archive.
    """
    from metasearch.archive.worktime import last_caps
    from metasearch.cli.options import opened
    from metasearch.cli.prepare import prepare
    from metasearch.search.config_file import Given, recapped
    from metasearch.search.hold import BY_USER

    with opened(place, read_only=False) as archive:
        info = archive.search(search_id)
        if info.status == "finished" and not info.reason:  # a reason: it ended early, by a cap say
            raise ConfigError(
                f"search {info.id} is finished; `metasearch top {info.id}` shows it, and "
                "`metasearch run` starts another"
            )
        new = [
            Given(f"budget.{name}", cap, f"--{name}")
            for name, cap in caps.items()
            if cap is not None
        ]
        budget = {**info.config["budget"], **last_caps(archive.events(info.id))}
        kept = {**info.config, "budget": budget}
        config = recapped(kept if record is None else {**kept, "record": record}, new)
        info = _again(info, config)
        if info.status == "stopped" and info.reason.endswith(BY_USER):
            words(_stopped(info, archive))
        prepare(config)
        return _watched(info, archive, display, preflight)


def _again(info: SearchInfo, config: SearchConfig) -> SearchInfo:
    """Return the search with these caps and this use of the record; the rest stays as it was."""
    from dataclasses import replace

    new = config.to_json()
    return replace(info, config={**info.config, "budget": new["budget"], "record": new["record"]})


def _stopped(info: SearchInfo, archive: Archive) -> str:
    """Say what it means to go on with a search that somebody stopped."""
    looked = any(event.kind == "test-opened" for event in archive.events(info.id))
    look = "; its test was opened, and a new winner's test will be another look" if looked else ""
    return f"search {info.id} was {info.reason}; it goes on where it was{look}"


def _told(info: SearchInfo, archive: Archive, display: str) -> int:
    """Print how a search stands."""
    from metasearch.cli.conclusion import print_standing, standing_json
    from metasearch.cli.standing import stand

    standing = stand(archive, archive.search(info.id))
    if display == "json":
        emit("run", standing_json(standing))
    elif standing.entries:
        print_standing(standing)
    return 0


def _watched(info: SearchInfo, archive: Archive, display: str, preflight: str | None) -> int:
    """Run a search while its display follows, print how it stands, and return the exit code."""
    from metasearch.cli.drive import drive
    from metasearch.report.transfers import STRATEGY
    from metasearch.search.hold import BY_USER
    from metasearch.search.preflight import ONLY

    if info.strategy == STRATEGY:  # there is nothing to find: its designs are given
        preflight = "off"
    try:
        ended = drive(info, archive, display, wanted(preflight))
    except MetasearchError as error:
        # It may have failed before the search itself could write down where it stands.
        if archive.search(info.id).status == "running" and not archive.is_running(info.id):
            archive.set_status(info.id, "paused", str(error))
        words(f"nothing is lost; once that is mended: metasearch resume {info.id}")
        raise
    if ended.reason == ONLY:
        return print_preflight(archive, info.id, display)
    _told(info, archive, display)
    if ended.status == "paused":
        words(f"saved; go on with: metasearch resume {info.id}")
        return INTERRUPTED
    if ended.reason and not ended.generations and not ended.reason.endswith(BY_USER):
        raise BudgetExhausted(
            f"search {info.id} ended before one new design was evaluated: {ended.reason}; what is "
            f"done is kept: metasearch resume {info.id} with a higher cap"
        )
    return 0
