"""`run` and `resume` on a scripted endpoint over real HTTP, in the wasm sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasearch.testing.endpoint import Fault, ScriptedEndpoint
from tests.cli.archives import build
from tests.cli.conftest import Invoke
from tests.e2e.scripted import script, write_tasks

CONFIG = """
name = "sums"

[domain]
spec = "sums.jsonl"
sizes = {{ train = 4, validation = 9, test = 6 }}

[model]
name = "scripted"
base_url = "{url}"

[sandbox]
name = "wasm"
parallel = 2

[budget]
allow_unpriced = true

[search]
designs = 1
proposers = ["meta-agent"]
seeds = ["direct", "chain_of_thought"]
stages = ["all"]
reflections = 0
"""


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(script) as served:
        yield served


def configure(url: str, folder: Path = Path()) -> None:
    """Write a small search's configuration and tasks."""
    write_tasks(folder / "sums.jsonl")
    (folder / "search.toml").write_text(CONFIG.format(url=url))


@pytest.mark.wasm
def test_a_run_ends_with_the_table_and_the_next_commands(
    invoke: Invoke, endpoint: ScriptedEndpoint
) -> None:
    configure(endpoint.base_url)
    result = invoke("run")
    assert result.exit_code == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if "evaluated" in line]
    assert [row[1] for row in rows] == ["checker", "chain_of_thought", "direct"]
    assert "Best is #2 checker: 1.00 [.61, 1.00] on the sealed test." in result.stdout
    assert "Against the best baseline of its price, #0 direct:" in result.stdout
    assert "metasearch show 2" in result.stdout
    assert "search sums begins: domain sums, model scripted, sandbox wasm" in result.stderr
    again = invoke("run")
    assert again.exit_code == 0
    assert again.stdout == result.stdout, "the same search is not run twice"
    other = invoke("run", "--designs", "9")
    assert other.exit_code == 2
    assert "choose another --name" in other.stderr


@pytest.mark.wasm
def test_only_the_preflight_is_data_and_the_search_goes_on_from_it(
    invoke: Invoke, endpoint: ScriptedEndpoint
) -> None:
    configure(endpoint.base_url)
    looked = invoke("run", "--preflight-only", "--display", "none")
    assert looked.exit_code == 0, looked.stderr
    assert "direct 0." in looked.stdout.splitlines()[0]
    assert "9 validation tasks show a difference of" in looked.stdout
    assert "warning: 9 validation tasks show differences of" in looked.stdout
    assert "go on with: metasearch resume sums" in looked.stderr
    asked = endpoint.served.requests
    facts = invoke("resume", "--preflight-only", "--display", "json").stdout.splitlines()[-1]
    assert json.loads(facts)["verdict"] == "warn"
    assert endpoint.served.requests == asked + 2, "all is known but whether the models are there"


@pytest.mark.wasm
def test_a_search_with_nothing_to_find_is_refused_before_it_spends(
    invoke: Invoke, endpoint: ScriptedEndpoint
) -> None:
    configure(endpoint.base_url)
    write_tasks(Path("sums.jsonl"), 8)
    small = ("--set", "domain.sizes={train=2, validation=3, test=3}")
    refused = invoke("run", *small)
    assert refused.exit_code == 2
    last = refused.stderr.splitlines()[-1]
    assert "3 validation tasks and 3 test tasks can show no difference" in last
    assert "--force goes on anyway" in last
    assert endpoint.served.requests == 2
    assert invoke("resume", "--preflight-only").exit_code == 1
    assert invoke("resume", "--force", "--calls", "9").exit_code == 3


@pytest.mark.wasm
def test_json_display_is_json_lines_to_the_end(invoke: Invoke, endpoint: ScriptedEndpoint) -> None:
    configure(endpoint.base_url)
    result = invoke("run", "--display", "json", "--designs", "0")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert records[0]["event"] == "SearchStarted"
    assert records[-2]["event"] == "SearchFinished"
    assert records[-1]["kind"] == "run"
    assert records[-1]["winner"] == 1


@pytest.mark.wasm
@pytest.mark.parametrize(
    ("poor", "rich"),
    [(("--calls", "45"), ("--calls", "500")), (("--minutes", "0.0001"), ("--minutes", "9"))],
    ids=["calls", "minutes"],
)
def test_a_budget_too_small_for_one_design_is_exit_3_and_resumable(
    invoke: Invoke, endpoint: ScriptedEndpoint, poor: tuple[str, str], rich: tuple[str, str]
) -> None:
    configure(endpoint.base_url)
    ended = invoke("run", *poor)
    assert ended.exit_code == 3
    assert "ended before one new design was evaluated" in ended.stderr
    assert "metasearch resume sums" in ended.stderr
    resumed = invoke("resume", *rich)
    assert resumed.exit_code == 0, resumed.stderr
    assert "Best is #2 checker" in resumed.stdout
    assert invoke("resume").exit_code == 2  # finished: there is nothing to go on with


@pytest.mark.wasm
@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        (Fault(status=401), 2, "key"),
        (Fault(status=404), 2, "scripted"),
        (Fault(kind="html", status=200), 2, "/v1"),
        (Fault(status=500), 4, "500"),
    ],
)
def test_an_endpoint_that_refuses_is_one_line(
    invoke: Invoke, fault: Fault, code: int, word: str
) -> None:
    with ScriptedEndpoint(lambda _: fault) as endpoint:
        configure(endpoint.base_url)
        result = invoke("run", "--display", "none")
    assert result.exit_code == code
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert word in last
    assert "metasearch resume sums" in result.stderr
    assert json.loads(invoke("status", "--json").stdout)["searches"][0]["status"] == "paused"


@pytest.mark.wasm
def test_ctrl_c_saves_what_is_in_flight_and_resume_goes_on(
    invoke: Invoke, endpoint: ScriptedEndpoint
) -> None:
    configure(endpoint.base_url)
    child = subprocess.Popen(
        [sys.executable, "-m", "metasearch", "run", "--display", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line)["event"] == "EvaluationDone":
            child.send_signal(signal.SIGINT)
            break
    _, words = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "go on with: metasearch resume sums" in words
    assert "Traceback" not in words
    assert invoke("status", "--json").stdout.count('"paused"') == 1
    assert invoke("resume").exit_code == 0


def test_an_unknown_domain_sandbox_or_seed_is_exit_2(invoke: Invoke) -> None:
    configure("http://127.0.0.1:9/v1")  # nobody is there, and nobody is asked
    for wrong, word in (
        (("--domain", "startr"), "did you mean starter?"),
        (("--domain", "none.jsonl"), "none.jsonl"),
        (("--sandbox", "vm"), "installed: docker, wasm"),
        (("--set", "search.seeds=['nope']"), "nope"),
    ):
        result = invoke("run", *wrong, "--name", f"s{len(word)}")
        assert result.exit_code == 2, result.stderr
        assert word in result.stderr.splitlines()[-1]


def test_a_second_run_of_the_same_search_names_who_runs_it(invoke: Invoke, tmp_path: Path) -> None:
    build(tmp_path / "archive.db", status="paused")
    hold = (
        "import sys\nfrom metasearch.archive import Archive\n"
        "a = Archive.open(sys.argv[1]); a.claim('demo'); print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "archive.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    result = invoke("resume")
    holder.communicate("\n", timeout=30)
    assert result.exit_code == 2
    assert f"pid {holder.pid}" in result.stderr


def test_dry_run_says_work_cost_and_how_far_the_budget_goes(invoke: Invoke) -> None:
    page = invoke("run", "--dry-run", "--model", "gpt-4o-mini", "--usd", "500").stdout
    assert "40 train, 60 validation, 100 test tasks" in page
    assert "9 seeds and 40 new designs" in page
    assert "reaches about 40 new designs of 40" in page
    assert "outlook: always answering" in page
    assert "60 validation tasks show a difference of 0.20" in page
    poor = invoke("run", "--dry-run", "--model", "gpt-4o-mini", "--usd", "0.01")
    assert poor.exit_code == 3
    assert "nothing but luck" in poor.stderr
    unpriced = invoke("run", "--dry-run", "--model", "who-knows")
    assert unpriced.exit_code == 2
    assert "--allow-unpriced" in unpriced.stderr
    assert not Path("archive.db").exists()


def test_dry_run_learns_from_the_archive(invoke: Invoke, archive: Path) -> None:
    assert archive.exists()
    page = invoke("run", "--dry-run", "--model", "gpt-4o-mini").stdout
    assert "from 5 designs of this archive" in page


@pytest.mark.wasm
def test_what_was_spent_is_told_by_who_spent_it_and_caps_are_those_of_the_last_run(
    invoke: Invoke, endpoint: ScriptedEndpoint
) -> None:
    configure(endpoint.base_url)
    assert invoke("run", "--calls", "40").exit_code == 3
    ended = invoke("resume", "--calls", "300")
    assert ended.exit_code == 0, ended.stderr
    line = next(one for one in ended.stdout.splitlines() if one.startswith("Spent: "))
    facts = json.loads(invoke("status", "sums", "--json").stdout)["searches"][0]
    spent = facts["spent"]
    assert f"{spent['calls']} calls of 300" in line
    parts = [spent[name]["calls"] for name in ("proposing", "evaluating", "probing")]
    assert sum(parts) == spent["calls"] == endpoint.served.requests
    assert parts[0] == 3
    assert parts[2] == 4  # two models, two runs
    assert spent["caps"]["calls"] == 300
    assert 0 < spent["minutes"] < 5
    told = line.removeprefix("Spent: ").removesuffix(".")
    assert f"spent: {told}" in invoke("status", "sums").stdout


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (("--usd", "0"), "--usd: budget.usd: a number of dollars above 0"),
        (("--usd", "-3"), "--usd: budget.usd: a number of dollars above 0"),
        (("--usd", "nan"), "not NaN"),
        (("--usd", "1e400"), "not Infinity"),
        (("--usd", "5 dollars"), "'5 dollars' is not a valid float"),
        (("--tokens", "2.5"), "'2.5' is not a valid integer"),
        (("--calls", "0"), "--calls: budget.calls: a whole number above 0"),
        (("--minutes", "inf"), "--minutes: budget.minutes: a number of minutes above 0"),
        (("--set", "budget.proposing.usd=0"), "budget.proposing.usd: a number of dollars above 0"),
        (("--calls", "11"), "the finals and 2 designs on 6 tasks take at least 30"),
        (("--set", "budget.allow_unpriced=false"), "no price is known for model 'scripted'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_cap_that_is_none_is_one_line_and_nothing_is_made(
    invoke: Invoke, wrong: tuple[str, str], word: str
) -> None:
    configure("http://127.0.0.1:9/v1")  # nobody is there, and nobody is asked
    before = sorted(Path().iterdir())
    result = invoke("run", *wrong)
    assert result.exit_code == 2
    (line,) = [one for one in result.stderr.splitlines() if one.startswith("error: ")]
    assert word in line
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("cap", ["0", "nan", "1e400", "-1"])
def test_a_new_cap_that_is_none_changes_nothing(invoke: Invoke, tmp_path: Path, cap: str) -> None:
    build(tmp_path / "archive.db", status="paused")
    before = invoke("status", "--json").stdout
    result = invoke("resume", "--usd", cap)
    assert result.exit_code == 2
    assert "--usd: budget.usd: a number of dollars above 0" in result.stderr
    assert invoke("status", "--json").stdout == before


@pytest.mark.wasm
def test_dry_run_learns_from_a_pilot_on_three_tasks_and_says_what_that_cost(
    invoke: Invoke, endpoint: ScriptedEndpoint
) -> None:
    configure(endpoint.base_url)
    Path("prices.json").write_text(
        json.dumps({"date": "today", "models": {"scripted": {"prompt": 1, "completion": 1}}})
    )
    priced = ("--prices", "prices.json", "--set", "search.designs=10")
    three = ("--set", "search.seeds=['direct', 'chain_of_thought', 'self_consistency']")
    result = invoke("run", "--dry-run", *priced, *three, "--usd", "9")
    assert result.exit_code == 0, result.stderr
    asked = [request for request in endpoint.requests if request["messages"][-1]]
    told = next(line for line in result.stderr.splitlines() if line.startswith("pilot: "))
    assert told.startswith(f"pilot: 3 seeds on 3 training tasks, {len(asked)} calls, $0.")
    assert "from a pilot on 3 tasks" in result.stdout
    low, typical, high = (
        float(part) for part in result.stdout.split("dollars: ")[1].splitlines()[0].split(" / ")
    )
    assert 0 < low < typical < high
    assert not Path("archive.db").exists()
    poor = invoke("run", "--dry-run", *priced, *three, "--usd", "2.2")
    assert "new designs of 10" in poor.stdout


def test_dry_run_counts_the_seeds_and_the_test_before_any_new_design(invoke: Invoke) -> None:
    def reached(*caps: str) -> int:
        page = invoke("run", "--dry-run", "--model", "gpt-4o-mini", "--usd", "9", *caps).stdout
        return int(page.split("reaches about ")[1].split()[0])

    # Guessed: 1,500 tokens an evaluation, (9 x 62 + 2 x 100) of them before the first new design,
    # and 5 x 60 for four finalists and the baseline of the winner's price.
    assert reached("--tokens", str(1058 * 1500 + 20_000)) == 0
    assert reached("--tokens", str(1058 * 1500 + 3 * (62 * 1500 + 16_000) + 9)) == 3
    assert reached("--set", "budget.proposing.tokens=80000") == 5


def test_questions_need_a_model_to_ask(invoke: Invoke) -> None:
    refused = invoke("run", "--model", "none", "--domain", "starter")
    assert refused.exit_code == 2
    assert "starter asks questions, which needs a model" in refused.stderr
    assert not Path("archive.db").exists()
