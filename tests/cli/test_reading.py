from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from tests.cli.archives import SECRET, build
from tests.cli.conftest import Invoke

pytestmark = pytest.mark.usefixtures("archive")

READING = [
    ("top",),
    ("status",),
    ("status", "demo"),
    ("show", "best"),
    ("compare", "best", "best-seed"),
    ("lineage", "best"),
    ("trace", "best"),
    ("trace", "best", "ttr00000001"),
    ("archive", "sql", "select place, number from leaderboard"),
    ("seeds",),
    ("domains",),
]


def _json(invoke: Invoke, *arguments: str) -> dict[str, Any]:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    return data


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_json_is_one_object_with_a_schema_and_nothing_else(
    invoke: Invoke, arguments: tuple[str, ...]
) -> None:
    data = _json(invoke, *arguments)
    assert data["schema"] == 1
    assert isinstance(data["kind"], str)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_what_a_model_wrote_cannot_steer_the_terminal(
    invoke: Invoke, arguments: tuple[str, ...]
) -> None:
    for extra in ([], ["--json"]):
        result = invoke(*arguments, *extra)
        assert result.exit_code == 0
        assert not set(result.output) & {"\x1b", "\x07", "\x9b"}


@pytest.mark.parametrize("arguments", [*READING[:8], ("archive", "export", "--csv")], ids=" ".join)
def test_gold_answers_of_validation_and_test_are_not_shown(
    invoke: Invoke, arguments: tuple[str, ...]
) -> None:
    for extra in ([], ["--json"]) if arguments[0] != "archive" else ([],):
        assert SECRET not in invoke(*arguments, *extra).output


def test_top_ranks_says_who_won_and_whether_it_is_luck(invoke: Invoke) -> None:
    result = invoke("top")
    rows = [line.split() for line in result.stdout.splitlines() if "[." in line]
    assert [row[0] for row in rows[:5]] == ["4", "1", "2", "0", "3"]
    assert ".75 against .50 on 40 tasks: +.25" in result.stdout
    assert "10 wins, 0 losses, exact McNemar p = .002" in result.stdout
    assert "as the best of 3 tried, corrected p = .004: more than luck" in result.stdout
    assert "5 wins, 0 losses, exact McNemar p = .062" in result.stdout
    assert "cannot tell: 5 of 20 tasks differ" in result.stdout
    assert "Proposals that came to nothing: 1 invalid, 1 duplicate." in result.stdout
    assert "metasearch export 4 --as file" in result.stdout


def test_top_json_has_the_numbers_behind_the_words(invoke: Invoke) -> None:
    data = _json(invoke, "top")
    assert (data["winner"], data["opponent"], data["tried"]) == (4, 1, 3)
    assert data["validation"]["p"] == pytest.approx(2 / 2**10)
    # The copy of the seed cannot be lucky, the stopped design costs its full share.
    assert data["corrected_p"] == pytest.approx(2 * 2 / 2**10, abs=0.001)
    assert data["test"]["p"] == pytest.approx(2 / 2**5)
    assert data["entries"][0]["splits"]["validation"]["mean"] == 0.75
    assert data["lost"] == {"invalid": 1, "duplicate": 1}


def test_the_score_of_the_winner_is_the_same_wherever_it_is_told(
    invoke: Invoke, tmp_path: Path
) -> None:
    top, report = _json(invoke, "top"), json.loads(invoke("report", "--format", "json").stdout)
    assert top["headline"] == report["headline"]
    assert top["headline"]["kind"] == "test"
    assert top["headline"]["mean"] == top["test"]["mean_a"] == 0.75
    told = ".75 [.53, .89] on the sealed test"
    assert f"#4 route by kind: {told}." in invoke("top").stdout
    assert f"The score of #4 is {told}." in invoke("report").stdout.replace("\\", "")
    invoke("export", "best", "--as", "module", "-o", str(tmp_path / "made"))
    card = (tmp_path / "made" / "CARD.md").read_text()
    assert f"**Score: {told}.**" in card
    assert "On the sealed test against the best baseline of its price, \\#1 chain" in card
    for line in invoke("report").stdout.partition("Without learning")[2].splitlines()[2:4]:
        assert line.replace("\\", "") in card.replace("\\", "")
    invoke("export", "best", "--as", "file", "-o", str(tmp_path / "made.py"))
    assert f"score: {told}" in (tmp_path / "made.py").read_text()


def test_top_shows_as_many_rows_as_asked(invoke: Invoke) -> None:
    page = invoke("top", "-n", "2").stdout
    assert "chain again" not in page
    assert "3 more" in page
    assert "chain again" in invoke("top", "-n", "0").stdout


def test_a_plain_table_has_one_line_for_each_design(invoke: Invoke) -> None:
    lines = [line for line in invoke("top").stdout.splitlines() if "evaluated" in line]
    assert len(lines) == 4
    assert all("120" in line for line in lines), "a row was folded"


def test_compare_lists_wins_losses_costs_and_outcomes(invoke: Invoke) -> None:
    result = invoke("compare", "4", "direct")
    assert "#4 route by kind against #0 direct, validation" in result.stdout
    assert "38 answered, 2 wrong_format" in result.stdout
    data = _json(invoke, "compare", "4", "direct")
    wins = [i for i in range(40) if (i % 2 == 0 or i % 4 == 1) and i % 3]
    losses = [i for i in range(40) if not (i % 2 == 0 or i % 4 == 1) and i % 3 == 0]
    assert data["won"] == [f"tva{i:08d}" for i in wins]
    assert data["lost"] == [f"tva{i:08d}" for i in losses]
    n = len(wins) + len(losses) + 1  # one win and one loss are believed beforehand
    better = sum(math.comb(n, k) for k in range(len(wins) + 1)) / 2**n
    assert data["probability_better"] == pytest.approx(better)
    assert better > 0.995
    assert "#4 is truly better with probability .99, were it not chosen" in result.stdout


def test_compare_corrects_for_all_that_were_tried(invoke: Invoke) -> None:
    data = _json(invoke, "compare", "best", "best-seed")
    assert data["corrected_p"] == _json(invoke, "top")["corrected_p"] > data["p"]
    assert "corrected for that p = .004" in invoke("compare", "best", "best-seed").stderr
    sealed = _json(invoke, "compare", "best", "best-seed", "--split", "test")
    assert sealed["corrected_p"] == sealed["p"], "nothing was chosen on the test split"


def test_compare_warns_about_the_best_of_many(invoke: Invoke) -> None:
    assert "scored best of 3 designs" in invoke("compare", "best", "best-seed").stderr
    assert "caution" not in invoke("compare", "best", "best-seed", "--split", "test").stderr


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        (("best", "best-seed"), 0),
        (("best-seed", "best"), 1),  # worse
        (("1", "2"), 1),  # the same
        (("best", "best-seed", "--split", "test"), 1),  # not sure
    ],
)
def test_compare_check_answers_by_exit_code(
    invoke: Invoke, pair: tuple[str, ...], code: int
) -> None:
    assert invoke("compare", *pair, "--check").exit_code == code
    assert invoke("compare", *pair).exit_code == 0


def test_compare_without_a_common_task_says_so(invoke: Invoke) -> None:
    result = invoke("compare", "4", "0", "--split", "test")
    assert result.exit_code == 2
    assert "#4 and #0 have no test task in common" in result.stderr


def test_show_has_idea_source_family_and_failures_of_training(invoke: Invoke) -> None:
    page = invoke("show", "1").stdout
    assert "parents none; children #2 #4" in page
    assert 'return "chain_of_thought"' in page
    best = invoke("show", "best").stdout
    assert "failed on training task ttr00000001" in best
    assert '"gold-of-training"' in best


def test_show_source_can_be_run_as_it_is(invoke: Invoke) -> None:
    source = invoke("show", "best", "--source").stdout
    compile(source, "design.py", "exec")
    assert source.startswith('"""route by kind: an idea."""')


def test_show_of_an_invalid_proposal_says_why(invoke: Invoke) -> None:
    page = invoke("show", "5").stdout
    assert "status invalid: line 1: '(' was never closed" in page
    assert "[bold]x[/bold]" in page
    without = invoke("show", "6", "--source")
    assert without.exit_code == 2
    assert "as 2" in without.stderr


def test_lineage_goes_up_and_down(invoke: Invoke) -> None:
    up = invoke("lineage", "3").stdout
    assert up.index("#3 weak") < up.index("#2 chain again") < up.index("#1 chain_of_thought")
    down = invoke("lineage", "1", "--down").stdout
    assert {"#2 chain again", "#3 weak", "#4 route by kind"} <= {
        line.strip(" │├└─").partition("  ")[0] for line in down.splitlines()
    }
    numbers = [one["number"] for one in _json(invoke, "lineage", "3")["entries"]]
    assert sorted(numbers) == [0, 1, 2, 3]


def test_trace_is_a_tree_of_calls(invoke: Invoke) -> None:
    page = invoke("trace", "best", "ttr00000001").stdout
    assert "0 thinker: 50 + 10 tokens, 0.7 s, $0.00005, stop" in page
    assert "1 judge: 50 + 10 tokens, 0.7 s, $0.00005, stop, from the record" in page
    assert "user: train question 1?" in page
    assert "reply: thinker says [2J42" in page


def test_trace_keeps_the_test_split_sealed(invoke: Invoke) -> None:
    listed = invoke("trace", "best", "-n", "0").stdout
    assert "tva00000000" in listed
    assert "tte" not in listed
    refused = invoke("trace", "best", "tte00000000")
    assert refused.exit_code == 2
    assert "stays sealed" in refused.stderr


def test_status_tells_a_killed_search_from_a_running_one(invoke: Invoke, tmp_path: Path) -> None:
    build(tmp_path / "other.db", status="running", name="killed")
    data = _json(invoke, "status", "--archive", str(tmp_path / "other.db"))
    assert data["searches"][0]["status"] == "interrupted"
    assert _json(invoke, "status")["searches"][0]["status"] == "finished"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("show", "99"), "'99' is no entry of search demo"),
        (("show", "rout by kind"), "#4 route by kind"),
        (("top", "nope"), "demo"),
        (("trace", "best", "zzz"), "tva00000000"),
        (("archive", "sql", "delete from entry"), "reads tables and views"),
        (("archive", "sql", "selec 1"), "selec"),
        (("top", "--archive", "none.db"), "none.db: there is none; `metasearch run` makes one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_not_there_is_one_line_with_what_is_near(
    invoke: Invoke, arguments: tuple[str, ...], expected: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code in (2, 4)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_file_that_is_no_archive_or_of_a_newer_version_is_exit_4(
    invoke: Invoke, archive: Path
) -> None:
    Path("text.db").write_text("hello, this is not a database at all")
    assert invoke("top", "--archive", "text.db").exit_code == 4
    with sqlite3.connect(archive) as connection:
        connection.execute("update alembic_version set version_num = 'r9999'")
    connection.close()
    result = invoke("top")
    assert result.exit_code == 4
    assert "newer" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_archive_can_be_taken_elsewhere(invoke: Invoke, archive: Path) -> None:
    assert invoke("archive", "path").stdout == f"{archive}\n"
    rows = invoke("archive", "export", "--csv").stdout.splitlines()
    assert len(rows) == 1 + 4 * 40 + 10 + 4 + 2 * 20
    kinds = [json.loads(line)["type"] for line in invoke("archive", "export").stdout.splitlines()]
    assert kinds.count("entry") == 7
    assert invoke("archive", "backup", "copy.db").exit_code == 0
    assert invoke("top", "--archive", "copy.db").stdout == invoke("top").stdout
    assert invoke("archive", "backup", "copy.db").exit_code == 2


def test_export_writes_a_file_that_compiles_and_a_package(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("export", "best", "--as", "file", "-o", "agent.py")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "agent.py\n"
    compile((tmp_path / "agent.py").read_text(), "agent.py", "exec")
    again = invoke("export", "best", "--as", "file", "-o", "agent.py")
    assert (again.exit_code, "--force" in again.stderr) == (2, True)
    assert invoke("export", "best", "--as", "module", "-o", "made").exit_code == 0
    card = (tmp_path / "made" / "CARD.md").read_text()
    assert "0.750" in card
    assert len(json.loads((tmp_path / "made" / "tests" / "recorded.json").read_text())) == 3
    unknown = invoke("export", "best", "--as", "langgraph", "-o", "x")
    assert (unknown.exit_code, "installed: file, module" in unknown.stderr) == (2, True)


def test_seeds_are_listed_and_printed(invoke: Invoke) -> None:
    names = [one["name"] for one in _json(invoke, "seeds")["seeds"]]
    assert "chain_of_thought" in names
    compile(invoke("seeds", "debate").stdout, "debate.py", "exec")
    assert "there are chain_of_thought" in invoke("seeds", "nope").stderr


def test_a_domain_is_checked_before_a_search(invoke: Invoke) -> None:
    lines = [json.dumps({"input": f"{i}+1?", "answer": i + 1}) for i in range(30)]
    Path("mine.jsonl").write_text("\n".join(lines))
    assert "mine: " in invoke("domains", "mine.jsonl", "--scorer", "number").stdout
    lines[16] = '{"input": "17?", "answer": 3'
    Path("mine.jsonl").write_text("\n".join(lines))
    result = invoke("domains", "mine.jsonl")
    assert result.exit_code == 2
    assert "mine.jsonl:17" in result.stderr.replace(", line ", ":")
    assert invoke("domains", "startr").exit_code == 2
    assert "did you mean starter?" in invoke("domains", "startr").stderr


def test_status_says_that_a_search_waits_for_its_endpoint(invoke: Invoke, archive: Path) -> None:
    with Archive.open(archive) as held:
        held.set_status("demo", "running")
        held.claim("demo")
        held.add_event("demo", "run-began", "{}")
        held.add_event("demo", "outage", "http://x/v1 answers 503; the search waits for it")
        shown = invoke("status", "demo").stdout
        assert "demo: waits since" in shown
        assert "503; the search waits" in shown
        held.add_event("demo", "outage-over", "the endpoint answers again, after 60 s")
        facts = json.loads(invoke("status", "demo", "--json").stdout)["searches"][0]
        assert facts["waiting"] == ""


def test_what_fails_too_often_is_said_with_todays_counts(invoke: Invoke, archive: Path) -> None:
    with Archive.open(archive) as opened:
        total, bad = opened.sql(
            "SELECT COUNT(*), SUM(outcome = 'wrong_format') FROM evaluation"
        ).rows[0]
        opened.add_event("demo", "alarm-wrong_format", "1 of 20 evaluations, at that time")
        opened.add_event("demo", "alarm-no_usage", "7 replies came without usage")
    assert bad > 0.05 * total
    alarms = json.loads(invoke("status", "demo", "--json").stdout)["searches"][0]["alarms"]
    texts = {one["kind"]: one["text"] for one in alarms}
    assert texts["no_usage"] == "7 replies came without usage"
    assert texts["wrong_format"].startswith(f"{bad} of {total} evaluations ended in a reply")
    assert f"Alarm: {bad} of {total} evaluations" in invoke("top").stdout
    assert f", {bad} wrong_format" in invoke("status", "demo").stdout
