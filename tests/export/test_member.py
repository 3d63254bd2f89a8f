"""A society's member, exported: it plays in a plain loop, without metasearch and without openai."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metasearch.export import module, single_file
from metasearch.export.base import Bundle, RecordedSeat
from metasearch.export.card import Card
from metasearch.types import Design

RULES = '''"""Takes an even share, less where somebody was greedy, and says so."""

from agentkit import Event, Player, Request

LIMIT = 12


class Member(Player):
    def __init__(self) -> None:
        self.greedy = 0

    def observe(self, event: Event) -> None:
        super().observe(event)
        if event.kind == "catches":
            self.greedy += max(event.catches) > LIMIT

    def act(self, request: Request) -> object:
        if request.kind == "speak":
            return {"text": f"I am {self.name}", "end": True}
        return request.stock // request.n // 2 - self.greedy
'''
ASKS = RULES.replace("import Event", "import Agent, Event").replace(
    'return {"text"', 'return {"said": Agent("me").name, "text"'
)
TURNS = (
    {
        "events": [{"kind": "rules", "text": "...", "you": "Ann"}],
        "request": {"kind": "harvest", "stock": 100, "n": 5},
        "action": 10,
    },
    {
        "events": [{"kind": "catches", "catches": [10, 30]}],
        "request": {"kind": "harvest", "stock": 60, "n": 5},
        "action": 5,
    },
    {"events": [], "request": {"kind": "speak"}, "action": {"text": "I am Ann", "end": True}},
)


def bundle(source: str, turns: tuple[dict[str, object], ...] = TURNS) -> Bundle:
    design = Design(source, "even share", "Takes an even share.")
    card = Card(design.id, design.name, design.idea)
    return Bundle(design, card, "m", seats=(RecordedSeat(3, turns),))


def lines() -> str:
    said = [
        line
        for turn in TURNS
        for line in (*({"event": one} for one in turn["events"]), {"request": turn["request"]})
    ]
    return "\n".join(json.dumps(line) for line in said)


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-E", *map(str, command)], capture_output=True, text=True, **options
    )


def test_a_member_of_rules_plays_as_one_file_that_needs_nothing(tmp_path: Path) -> None:
    single_file.export(bundle(RULES), tmp_path / "share.py")
    played = run("-I", tmp_path / "share.py", input=lines())
    assert played.returncode == 0, played.stderr
    assert [json.loads(line) for line in played.stdout.splitlines()] == [
        turn["action"] for turn in TURNS
    ]
    loop = "from share import seat\np = seat(seed=1)\n" + "".join(
        f"for e in {turn['events']!r}: p.observe(e)\nassert p.decide({turn['request']!r})"
        f" == {turn['action']!r}\n"
        for turn in TURNS
    )
    assert run("-c", loop, cwd=tmp_path).returncode == 0


def test_a_line_that_is_no_event_and_no_request_is_told_with_its_number(tmp_path: Path) -> None:
    single_file.export(bundle(RULES), tmp_path / "share.py")
    played = run("-I", tmp_path / "share.py", input='{"event": {"kind": "x"}}\n{"who": 1}\n')
    assert played.returncode == 2
    assert played.stderr == "member: line 2: neither an event nor a request\n"


@pytest.mark.parametrize("source", [RULES, ASKS], ids=["rules", "asks"])
def test_a_member_as_a_package_passes_its_own_tests_and_fails_them_when_it_changes(
    tmp_path: Path, source: str
) -> None:
    turns = tuple(turn for turn in TURNS if source is RULES or turn["request"]["kind"] != "speak")
    module.export(bundle(source, turns), tmp_path / "share")
    tests = (sys.executable, "-m", "unittest", "discover", "-s", "tests")
    passed = subprocess.run(tests, cwd=tmp_path / "share", capture_output=True, text=True)
    assert passed.returncode == 0, passed.stderr
    design = tmp_path / "share" / "agent_even_share" / "design.py"
    design.write_text(design.read_text().replace("// 2", "// 3"))
    failed = subprocess.run(tests, cwd=tmp_path / "share", capture_output=True, text=True)
    assert failed.returncode == 1
    assert "!= 10" in failed.stderr


def test_only_a_member_that_asks_a_model_needs_openai(tmp_path: Path) -> None:
    for name, source, needs in (("rules", RULES, False), ("asks", ASKS, True)):
        files = module.files(bundle(source))
        assert ("openai" in files["pyproject.toml"]) is needs
        assert ("agent_even_share/runtime/client.py" in files) is needs
        assert ('"openai' in single_file.text(bundle(source)).partition('"""')[0]) is needs, name


def test_a_member_that_asks_says_in_one_line_that_it_has_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    single_file.export(bundle(ASKS), tmp_path / "share.py")
    played = subprocess.run(
        [sys.executable, "-I", tmp_path / "share.py"],
        input=lines(),
        capture_output=True,
        text=True,
    )
    assert played.returncode == 2
    assert "no key: set OPENAI_API_KEY" in played.stderr
    assert "Traceback" not in played.stderr
