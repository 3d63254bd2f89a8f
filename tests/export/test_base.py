"""How exports reach the disk: whole or not at all, and never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasearch.errors import ConfigError
from metasearch.export.base import MARK, runs_code, slug, write_file, write_folder
from metasearch.types import Design

FILES = {MARK: "{}\n", "a/b.py": "1\n"}


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_is_written_whole_and_not_over_another(tmp_path: Path):
    path = tmp_path / "new" / "agent.py"
    assert write_file(path, "one", force=False) == [path]
    with pytest.raises(ConfigError, match=r"agent\.py exists.*--force"):
        write_file(path, "two", force=False)
    assert contents(tmp_path) == {"new/agent.py": "one"}
    write_file(path, "two", force=True)
    assert contents(tmp_path) == {"new/agent.py": "two"}


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(ConfigError, match="is a folder"):
        write_file(tmp_path, "one", force=True)


def test_a_folder_may_be_new_or_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paths = write_folder(tmp_path / "new" / "agent", FILES, force=False)
    assert all(path.is_file() for path in paths)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    write_folder(Path("."), FILES, force=False)
    assert contents(here) == FILES == contents(tmp_path / "new" / "agent")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "new"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(ConfigError, match="give another"):
            write_folder(tmp_path, FILES, force=force)
    assert contents(tmp_path) == {"thesis.tex": "years of work"}


def test_an_earlier_export_is_replaced_by_force_only(tmp_path: Path):
    out = tmp_path / "agent"
    write_folder(out, {**FILES, "old.py": "gone soon\n"}, force=False)
    with pytest.raises(ConfigError, match="--force"):
        write_folder(out, FILES, force=False)
    assert (out / "old.py").exists()
    write_folder(out, FILES, force=True)
    assert contents(tmp_path) == {f"agent/{name}": text for name, text in FILES.items()}


def test_a_write_that_fails_leaves_the_earlier_export(tmp_path: Path):
    out = tmp_path / "agent"
    write_folder(out, FILES, force=False)
    broken = {**FILES, "a": "a file where a folder is needed"}
    with pytest.raises(ConfigError, match="cannot write") as caught:
        write_folder(out, broken, force=True)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == {f"agent/{name}": text for name, text in FILES.items()}


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for write in (write_file, write_folder):
        with pytest.raises(ConfigError, match="cannot write") as caught:
            write(tmp_path / "file" / "agent", {} if write is write_folder else "", force=False)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "does"),
    [
        ("from agentkit import run_code", True),
        ("from agentkit import run_code as go", True),
        ("from agentkit import *", True),
        ("import agentkit as kit\nasync def solve(t): return await kit.run_code('1')", True),
        ("import agentkit\nf = getattr(agentkit, 'run_code')", True),
        ("from agentkit import Agent, Task", False),
        ('"""It could use run_code, and does not."""', False),
    ],
)
def test_whether_a_design_runs_code(source: str, does: bool):
    assert runs_code(source) is does


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Chain of Thought!", "chain_of_thought"),
        ("../../etc/passwd", "etc_passwd"),
        ("3 voters", "design_3_voters"),
        ("ÄÖÜ", "design_"),
        ("", "design_"),
        ("x" * 100, "x" * 40),
    ],
)
def test_names_are_made_safe_for_files_and_packages(name: str, made: str):
    design = Design("x", name)
    assert slug(design) == (made + design.id if made.endswith("_") else made)
    assert slug(design).isidentifier()
