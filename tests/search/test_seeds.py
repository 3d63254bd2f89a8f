"""The shipped seeds load as designs; a folder of one's own is refused with a line that helps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from metasearch.assets import asset
from metasearch.errors import ConfigError
from metasearch.search.seeds import seeds

GOOD = '"""An idea.\n\nMore words."""\n\nasync def solve(task):\n    return 1\n'

SHIPPED = [
    "chain_of_thought",
    "debate",
    "direct",
    "dynamic_roles",
    "program_of_thought",
    "quality_diversity",
    "self_consistency",
    "self_refine",
    "step_back",
]


def test_the_shipped_seeds_are_the_nine_and_each_has_an_idea():
    found = seeds()
    assert [design.name for design in found] == SHIPPED
    assert all(design.idea.endswith(".") for design in found)
    assert len({design.id for design in found}) == len(SHIPPED)


def test_a_seed_is_its_file_to_the_letter():
    source = (asset("seeds") / "single" / "debate.py").read_text(encoding="utf-8")
    [debate] = [design for design in seeds() if design.name == "debate"]
    assert debate.source == source
    assert source.startswith(f'"""{debate.idea}\n')


def test_every_seed_says_where_it_comes_from_and_under_which_licence():
    for design in seeds():
        header = ast.get_docstring(ast.parse(design.source)) or ""
        assert "Apache-2.0" in header, design.name
        assert "arXiv:" in header or design.name == "direct"


def test_a_folder_of_ones_own(tmp_path: Path):
    (tmp_path / "mine.py").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not a seed")
    [design] = seeds(tmp_path)
    assert (design.name, design.idea, design.source) == ("mine", "An idea.", GOOD)


def test_the_interface_of_published_archives_is_a_seed_too(tmp_path: Path):
    (tmp_path / "old.py").write_text("def forward(self, taskInfo):\n    return 'x'\n")
    [design] = seeds(tmp_path)
    assert (design.name, design.idea) == ("old", "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"def solve(task:\n", r"bad\.py:1: not a seed"),
        (b"x = 1\n\nclass A:\n    def solve(self): ...\n", r"defines no `async def solve\(task\)`"),
        (b'"""\xff"""', r"bad\.py: not a seed: .*utf-8"),
        (b"def solve(task): ...\n\x00", r"bad\.py:?\d*: not a seed: .*null byte"),
    ],
    ids=["syntax", "no entry", "no UTF-8", "null byte"],
)
def test_a_file_that_is_no_seed_is_named(tmp_path: Path, content: bytes, says: str):
    (tmp_path / "bad.py").write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        seeds(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_folder_an_empty_folder_and_a_twin(tmp_path: Path):
    with pytest.raises(ConfigError, match="not a folder"):
        seeds(tmp_path / "missing")
    with pytest.raises(ConfigError, match=r"holds no \*\.py"):
        seeds(tmp_path)
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "b.py").write_text(GOOD + "\n")
    with pytest.raises(ConfigError, match=r"b\.py: the same source as a\.py"):
        seeds(tmp_path)


def test_a_society_starts_from_members_and_refuses_seeds_that_answer_questions(tmp_path):
    (tmp_path / "one.py").write_text("async def solve(task):\n    return 1\n")
    with pytest.raises(ConfigError, match=r"one\.py: not a seed: it defines no `class Member"):
        seeds(tmp_path, entry="Member")
    (tmp_path / "one.py").write_text(
        "class Member:\n    def act(self, request):\n        return 1\n"
    )
    assert [design.name for design in seeds(tmp_path, entry="Member")] == ["one"]
