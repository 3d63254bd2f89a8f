"""What every command shares: `-h`, `--debug`, examples in its help, and how it ends.

Nothing heavy is imported here or at the top of a command's module: `metasearch --help` has to be
quick, so commands import what they need when they run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from metasearch.cli import faults

__all__ = ["App", "Verb", "Verbs"]

MARGIN = "  "


def _note_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta["debug"] = True
        faults.show_tracebacks()


class Verb(click.Command):
    """A command with examples.

    Attributes:
        examples: lines of shell shown at the end of the help page, as they are.
    """

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=_note_debug,
                help="Show the traceback of an error.",
            )
        )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options."""
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class Verbs(click.Group):
    """A group of commands with examples."""

    command_class = Verb
    group_class = type

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the commands."""
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class App(Verbs):
    """The program: its commands in named groups, and every error as one line with an exit code.

    Attributes:
        chapters: title to command names, for the help page.
    """

    group_class = Verbs  # type: ignore[assignment]  # click's own annotation wants `type` itself

    def __init__(self, *args: Any, chapters: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chapters = chapters

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by chapter."""
        for title, names in self.chapters.items():
            rows = [(name, self.commands[name].get_short_help_str(70)) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise faults.ReaderGone from None  # click itself would make it exit code 1

    # The type of click's own `main` is a pair of overloads that say when it returns.
    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command and exit; the one place where errors become words and exit codes."""
        if not extra.pop("standalone_mode", True):
            return super().main(args, standalone_mode=False, **extra)
        faults.show_tracebacks(False)
        command = super().main
        sys.exit(faults.guarded(lambda: command(args, standalone_mode=False, **extra)))


def _write_examples(examples: str, formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            for line in examples.strip().splitlines():
                formatter.write(f"{MARGIN}{line.strip()}\n")
