"""One file that runs by itself: it asks what the search asked, and fails in one line."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from metasearch.errors import ConfigError
from metasearch.export.single_file import export
from metasearch.testing.endpoint import Fault, ScriptedEndpoint, ScriptedReply
from metasearch.types import Design
from tests.export.stage import (
    FORWARD,
    PROGRAM,
    QUESTION,
    SEEDS,
    TASKS,
    bundled,
    endpoint_script,
    evaluated,
    loaded,
    ran,
)

DIRECT = SEEDS["direct"]


def wrote(design: Design, folder: Path, **changes: Any) -> Path:
    [path] = export(bundled(design, **changes), folder / "agent.py")
    return path


def asked(endpoint: ScriptedEndpoint) -> Counter[str]:
    """What the endpoint was asked, in any order."""
    return Counter(
        json.dumps(
            [
                request["messages"],
                request.get("temperature"),
                request["max_tokens"],
                request.get("response_format", {}).get("json_schema", {}).get("schema"),
            ]
        )
        for request in endpoint.requests
    )


@pytest.mark.parametrize("seed", sorted(SEEDS))
async def test_an_exported_seed_asks_and_answers_as_in_the_search(
    seed: str, tmp_path: Path, endpoint: ScriptedEndpoint
):
    agent = loaded(wrote(SEEDS[seed], tmp_path, max_tokens=99))
    for task in TASKS:
        endpoint.requests.clear()
        [run] = await evaluated(SEEDS[seed], [task], max_tokens=99)
        answer = await agent.solve(
            task.prompt, task.answer_type, base_url=endpoint.base_url, allow_code=True
        )
        assert answer == run.answer
        assert asked(endpoint) == Counter(
            json.dumps(
                [
                    [message._asdict() for message in call.request.messages],
                    call.request.temperature,
                    call.request.max_tokens,
                    call.request.schema,
                ]
            )
            for call in run.trace
        )


async def test_a_design_of_a_published_archive_runs(tmp_path: Path, endpoint: ScriptedEndpoint):
    agent = loaded(wrote(Design(FORWARD, "forward"), tmp_path))
    answers = await asyncio.gather(
        *(agent.solve(QUESTION, int, base_url=endpoint.base_url) for _ in range(3))
    )
    assert answers == ["5"] * 3
    assert endpoint.served.requests == 6


async def test_a_design_may_call_itself_and_use_the_public_names(
    tmp_path: Path, endpoint: ScriptedEndpoint
):
    source = '''"""Asks itself about a part first."""
from agentkit import Agent, Task

def answer(reply):
    return reply.answer

async def solve(task: Task):
    if len(task.prompt) > 5:
        return 1 + await solve(Task(task.prompt[:5], task.answer_type))
    return answer(await Agent("a").ask(task.prompt, fields={"answer": int}))
'''
    agent = loaded(wrote(Design(source, "recursive"), tmp_path))
    assert await agent.solve(QUESTION, base_url=endpoint.base_url) == 6
    assert agent.answer_question(QUESTION, base_url=endpoint.base_url) == "6"


def test_it_runs_from_the_command_line_without_metasearch(
    elsewhere: Path, tmp_path: Path, endpoint: ScriptedEndpoint
):
    path = wrote(SEEDS["debate"], tmp_path, answer_type="int")
    key = {"OPENAI_API_KEY": "sk-very-secret", "OPENAI_BASE_URL": endpoint.base_url}
    done = ran(elsewhere, path, QUESTION, folder=tmp_path, **key)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
    assert endpoint.served.requests == 7
    assert {request["model"] for request in endpoint.requests} == {"model-a"}
    card = ran(elsewhere, path, "--card", folder=tmp_path)
    assert card.stdout == bundled(SEEDS["debate"]).card.markdown()
    assert "sk-" not in path.read_text()
    missing = ran(elsewhere, "-c", "import metasearch", folder=tmp_path)
    assert "ModuleNotFoundError" in missing.stderr


def test_options_of_the_command_line(elsewhere: Path, tmp_path: Path, endpoint: ScriptedEndpoint):
    path = wrote(DIRECT, tmp_path)
    options = ["--base-url", endpoint.base_url, "--model", "other", "--type", "yes,no"]
    done = ran(elsewhere, path, QUESTION, *options, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "yes\n")
    assert endpoint.requests[-1]["model"] == "other"


def test_the_header_is_pep_723_and_names_openai_only(tmp_path: Path):
    lines = wrote(DIRECT, tmp_path).read_text().splitlines()
    assert lines[0] == "# /// script"
    assert lines[3] == "# ///"
    [dependencies] = [line for line in lines[:4] if "dependencies" in line]
    assert json.loads(dependencies.partition("=")[2]) == ["openai>=1.109,<4"]
    assert lines[4] == f'"""{DIRECT.idea}'


@pytest.mark.parametrize(
    ("variables", "arguments", "code", "says"),
    [
        ({}, [QUESTION], 2, "no key: set OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, [QUESTION], 4, "does not answer"),
        ({"OPENAI_API_KEY": "k"}, [QUESTION, "--type", "number"], 2, "no answer type"),
        ({"OPENAI_API_KEY": "k"}, [" "], 2, "no question"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    elsewhere: Path,
    tmp_path: Path,
    variables: dict[str, str],
    arguments: list[str],
    code: int,
    says: str,
):
    done = ran(elsewhere, wrote(DIRECT, tmp_path), *arguments, folder=tmp_path, **variables)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert done.stderr.startswith("agent: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (Fault(status=401, message="bad"), 2, "refuses the key: check OPENAI_API_KEY"),
        (Fault(status=404, message="no"), 2, "knows no model 'model-a': name one with --model"),
        (Fault(status=400, message="too long"), 2, "refuses the request: .*too long"),
        (Fault(kind="empty_choices"), 4, "without choices"),
        (Fault(kind="html"), 4, "is not an OpenAI-compatible endpoint"),
        (Fault(kind="truncated"), 4, "sent half a reply"),
    ],
    ids=["key", "model", "request", "choices", "html", "half"],
)
async def test_an_endpoint_that_refuses_is_said_in_one_line(
    tmp_path: Path, endpoint: ScriptedEndpoint, fault: Fault, code: int, says: str
):
    endpoint.script = lambda request: fault
    # The design swallows every exception, and the user is told all the same.
    source = """from agentkit import Agent
async def solve(task):
    try:
        return await Agent("a").ask(task.prompt)
    except Exception:
        return "a guess"
"""
    agent = loaded(wrote(Design(source, "x"), tmp_path))
    with pytest.raises(agent.AgentFailure, match=says) as caught:
        await agent.solve(QUESTION, base_url=endpoint.base_url)
    assert caught.value.exit_code == code
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("refused", ["response_format", "max_tokens", "temperature"])
async def test_what_an_endpoint_does_not_take_is_left_out(
    tmp_path: Path, endpoint: ScriptedEndpoint, refused: str
):
    def script(request: dict[str, Any]) -> Any:
        if refused in request:
            return Fault(status=400, message=f"Unsupported parameter: '{refused}'", param=refused)
        return '{"thinking": "so", "answer": "five"}'

    endpoint.script = script
    agent = loaded(wrote(SEEDS["self_refine"], tmp_path))
    endpoint.script = lambda request: (
        script(request)
        if "correct" not in request["messages"][-1]["content"].partition("Reply with")[2]
        else '{"feedback": "", "correct": true}'
    )
    assert await agent.solve(QUESTION, base_url=endpoint.base_url) == "five"
    sent = endpoint.requests[-1]
    assert "max_tokens" in sent or sent["max_completion_tokens"] == 1024


async def test_a_reply_that_is_refused_or_cut_off_has_a_name(
    tmp_path: Path, endpoint: ScriptedEndpoint
):
    agent = loaded(wrote(DIRECT, tmp_path))
    for reply, kind in {
        ScriptedReply('{"answer": "fi', finish="length"): "truncated",
        ScriptedReply(None, finish="content_filter"): "refused",
        ScriptedReply(""): "blank",
        ScriptedReply("no JSON at all"): "wrong_format",
    }.items():
        endpoint.script = lambda request, reply=reply: reply
        with pytest.raises(Exception, match=r"\w") as caught:
            await agent.solve(QUESTION, base_url=endpoint.base_url)
        assert (type(caught.value).__name__, caught.value.kind) == ("ReplyError", kind)


async def test_a_design_cannot_ask_without_end(tmp_path: Path, endpoint: ScriptedEndpoint):
    source = """from agentkit import Agent, BudgetError
async def solve(task):
    for number in range(100):
        try:
            await Agent("a").ask(number)
        except BudgetError:
            return number
"""
    agent = loaded(wrote(Design(source, "x"), tmp_path, max_calls=7))
    assert await agent.solve(QUESTION, base_url=endpoint.base_url) == 7
    assert endpoint.served.requests == 7


async def test_texts_are_capped_as_in_the_search(tmp_path: Path, endpoint: ScriptedEndpoint):
    agent = loaded(wrote(SEEDS["chain_of_thought"], tmp_path, max_field_chars=80))
    await agent.solve(QUESTION, ("a", "b"), base_url=endpoint.base_url)
    [request] = endpoint.requests
    properties = request["response_format"]["json_schema"]["schema"]["properties"]
    assert properties["thinking"] == {"type": "string", "maxLength": 80}
    assert "maxLength" not in properties["answer"]


async def test_programs_of_the_model_are_refused_unless_they_are_allowed(
    tmp_path: Path, endpoint: ScriptedEndpoint
):
    mark = tmp_path / "mark"
    program = f"open({str(mark)!r}, 'w').close()\nanswer = 5"
    endpoint.script = lambda request: (
        program if "response_format" not in request else endpoint_script(request)
    )
    path = wrote(SEEDS["program_of_thought"], tmp_path)
    agent = loaded(path)
    with pytest.raises(agent.AgentFailure, match=r"--allow-code \(allow_code=True\)"):
        await agent.solve(QUESTION, int, base_url=endpoint.base_url)
    assert not mark.exists()
    url = endpoint.base_url
    assert await agent.solve(QUESTION, int, base_url=url, allow_code=True) == 5
    assert mark.exists()
    header = path.read_text().partition('"""\n\nfrom __future__')[0]
    assert "may run programs that the model writes" in header
    assert "not a sandbox" in " ".join(header.split())


def test_the_flag_on_the_command_line_allows_them(
    elsewhere: Path, tmp_path: Path, endpoint: ScriptedEndpoint
):
    path = wrote(SEEDS["program_of_thought"], tmp_path, answer_type="int")
    options = [QUESTION, "--base-url", endpoint.base_url]
    done = ran(elsewhere, path, *options, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--allow-code" in done.stderr
    done = ran(elsewhere, path, *options, "--allow-code", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "5\n")
    assert PROGRAM not in path.read_text()


def test_a_design_that_runs_no_programs_says_nothing_of_it(tmp_path: Path):
    header = wrote(DIRECT, tmp_path).read_text().partition('"""\n\nfrom __future__')[0]
    assert "program" not in header


def test_a_folder_gets_a_file_named_after_the_design(tmp_path: Path):
    assert export(bundled(DIRECT), tmp_path) == [tmp_path / "direct.py"]
    with pytest.raises(ConfigError, match=r"direct\.py exists"):
        export(bundled(DIRECT), tmp_path)


def test_hostile_names_and_ideas_stay_text(tmp_path: Path):
    idea = 'He said """done""" and \\n left\'\'\' $model'
    design = Design(f"{DIRECT.source}\n# twin", '"""\nimport os', idea)
    agent = loaded(wrote(design, tmp_path, model="m'); import os; ('"))
    assert agent.__doc__.startswith(idea)
    assert agent._export.settings.model == "m'); import os; ('"


async def test_answer_works_inside_a_running_loop(tmp_path: Path, endpoint: ScriptedEndpoint):
    agent = loaded(wrote(DIRECT, tmp_path))
    assert agent.answer(QUESTION, int, base_url=endpoint.base_url) == "5"
    assert agent.answer(QUESTION, bool, base_url=endpoint.base_url) == "true"
