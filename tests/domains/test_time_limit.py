"""Answers made to be read long, and scorers that break: a score comes back all the same."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from metasearch.domains import base, own_code
from metasearch.domains.loader import load
from metasearch.domains.time_limit import Overtime, processor_seconds
from metasearch.errors import ConfigError
from metasearch.types import Outcome, Split

HANGING = re.compile("(a|a)*b")


def score_by(tmp_path: Path, body: str, answer: object) -> tuple[float, Outcome, str]:
    rows = [json.dumps({"input": f"Q{n}?", "answer": str(n)}) for n in range(6)]
    (tmp_path / "t.jsonl").write_text("\n".join(rows))
    (tmp_path / "own.py").write_text(f"import re, sys\ndef score(task, answer):\n    {body}\n")
    domain = load(str(tmp_path / "t.jsonl"), scorer=str(tmp_path / "own.py"))
    return domain.score(domain.tasks(Split.TRAIN)[0], answer)


@pytest.mark.parametrize(
    "body",
    [
        "return float(re.search('(a|a)*b', answer) is not None)",
        "return float(answer[0] == 'a' and 7 ** 10 ** 8 > 0)",
        "while answer[0] == 'a': pass\n    return 0.0",
        "\n".join(
            ("while answer[0] == 'a':", "        try:", "            while True: pass",
             "        except Exception: pass", "    return 0.0")
        ),
    ],
    ids=["expression", "number", "loop", "loop that catches"],
)  # fmt: skip
def test_a_scorer_ends(tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "SCORING_SECONDS", 0.2)
    start = time.process_time()
    value, outcome, why = score_by(tmp_path, body, "a" * 5_000)
    assert (value, outcome) == (0.0, Outcome.WRONG_FORMAT)
    assert "0.2 s of computing" in why
    assert time.process_time() - start < 2.0
    assert score_by(tmp_path, body, "x").outcome is Outcome.ANSWERED  # and the next is well


def test_an_own_scorer_is_given_no_dump(tmp_path: Path) -> None:
    body = "return float(len(answer) <= 20_000)"
    assert score_by(tmp_path, body, "a" * 20_000).value == 1.0
    assert score_by(tmp_path, body, "a" * 20_001)[1:] == (
        Outcome.WRONG_FORMAT,
        "20001 characters long",
    )
    assert score_by(tmp_path, body, ["a" * 10_000] * 2).outcome is Outcome.WRONG_FORMAT


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sys.exit(3)", "score raised SystemExit: 3"),
        ("10 ** 5000", "score returned a int, not a number"),
        ("10 ** 400", "score returned 1000"),
        ("float('nan')", "score returned nan"),
        ("type('Odd', (), {'__repr__': lambda self: 1 / 0})()", "score returned a Odd"),
    ],
)
def test_what_a_scorer_returns_or_raises_never_ends_the_search(
    tmp_path: Path, value: str, shown: str
) -> None:
    found = score_by(tmp_path, f"return {value} if answer == 'odd' else 0.5", "odd")
    assert found[:2] == (0.0, Outcome.WRONG_FORMAT)
    assert shown in found[2]


def test_a_scorer_that_hangs_on_its_own_gold_is_named_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "SCORING_SECONDS", 0.2)
    with pytest.raises(
        ConfigError, match=r"own.py: score takes more than 0.2 s .*'Q\d\?'.*quicker"
    ):
        score_by(tmp_path, "while True: pass", "x")


def test_the_limit_leaves_no_timer_and_no_handler() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(Overtime), processor_seconds(0.05):
        HANGING.match("a" * 40)
    with processor_seconds(9.0):
        pass
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is before


def test_another_thread_scores_without_a_limit() -> None:
    done = []

    def score() -> None:
        with processor_seconds(0.001):
            done.append(sum(range(2_000_000)))

    thread = threading.Thread(target=score)
    thread.start()
    thread.join()
    assert done
