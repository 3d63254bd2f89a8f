from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from metasearch.cli.app import app
from tests.cli.conftest import Invoke

HEAVY = ("openai", "numpy", "sqlalchemy", "sqlmodel", "pydantic", "rich", "docker", "asyncio")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


@pytest.mark.parametrize("path", list(_commands(app)), ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help_with_examples(
    invoke: Invoke, path: tuple[str, ...], flag: str
) -> None:
    result = invoke(*path, flag)
    assert result.exit_code == 0
    assert f"Usage: app {' '.join(path)}" in result.stdout
    _, _, examples = result.stdout.partition("Examples:\n")
    assert "metasearch " in examples


def test_every_chapter_of_the_help_lists_known_commands(invoke: Invoke) -> None:
    assert sorted(name for names in app.chapters.values() for name in names) == sorted(app.commands)
    first_lines = [command.get_short_help_str(200) for command in app.commands.values()]
    page = invoke("--help").stdout
    assert all(line in page for line in first_lines), "a summary is too long for its line"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['metasearch', '--help']\n"
        "from metasearch.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_importing_the_package_imports_next_to_nothing() -> None:
    code = f"import sys, metasearch; print([n for n in {(*HEAVY, 'click')} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
