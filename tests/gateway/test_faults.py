"""Every way in which an endpoint can fail, on real HTTP and the real client."""

import asyncio
import email.utils
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metasearch.errors import BudgetExhausted, ConfigError, GatewayUnavailable
from metasearch.gateway.base import Caps, EndpointDown, PromptTooLong, RequestRefused
from metasearch.testing.endpoint import Fault, Reaction, ScriptedEndpoint, ScriptedReply, stormy
from metasearch.testing.gateway_contract import MemoryRecord, question
from metasearch.types import Finish, Message, ModelReply, ModelRequest, Owner, Stream

from .conftest import Make

SCHEMA = {
    "type": "object",
    "properties": {"thinking": {"type": "string"}, "answer": {"type": "integer"}},
    "required": ["thinking", "answer"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metasearch.gateway.line.FIRST_DELAY", 0.02)
    monkeypatch.setattr("metasearch.gateway.line.LONGEST_DELAY", 0.1)
    monkeypatch.setattr("metasearch.gateway.client.CHECK_PATIENCE", 0.2)


def first(*faults: Fault) -> Any:
    """Return a script that serves these faults, one each, and then answers."""
    left = iter(faults)

    def script(request: dict[str, Any]) -> Reaction:
        return next(left, "ok")

    return script


async def ask(gateway: Any, name: str = "t", **changes: Any) -> ModelReply:
    request = ModelRequest(
        "m", (Message("user", "hello"),), changes.pop("max_tokens", 20), **changes
    )
    reply: ModelReply = await gateway.ask(request, Stream(name), Owner.EVALUATION)
    return reply


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=502),
        Fault(status=503),
        Fault(status=429),
        Fault(status=429, retry_after="0.01"),
        Fault(status=429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        Fault("reset"),
        Fault("truncated"),
        Fault("empty_choices"),
        Fault("html", status=502),
    ],
    ids=lambda fault: f"{fault.name}{'+' if fault.retry_after else ''}",
)
async def test_a_passing_fault_is_nobodys_business(
    fault: Fault, make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = first(fault, fault)
    gateway = make(patience=5.0)
    reply = await ask(gateway)
    assert (reply.text, endpoint.served.requests) == ("ok", 3)
    billed = fault.kind in ("reset", "truncated", "empty_choices")
    assert gateway.spent().calls == (3 if billed else 1)


async def test_no_answer_in_time_is_tried_again(make: Make, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = first(Fault("hang"))
    gateway = make(timeout=0.2, patience=5.0)
    assert (await ask(gateway)).text == "ok"
    assert gateway.budget.lost().calls == 1  # it may have been worked on, and billed


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_the_time_that_an_endpoint_asks_for_is_waited(
    form: str, make: Make, endpoint: ScriptedEndpoint
) -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=2.0), usegmt=True)
    asked = "0.5" if form == "seconds" else later
    endpoint.script = first(Fault(status=429, retry_after=asked))
    began = time.monotonic()
    assert (await ask(make(patience=10.0))).text == "ok"
    assert 0.45 <= time.monotonic() - began < 4.0  # a date has whole seconds


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_names_its_variable_and_never_the_key(
    status: int, make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: Fault(status=status, message="bad key sk-secret-1 given")
    gateway = make(key_env="MY_KEY", environment={"MY_KEY": "sk-secret-1"})
    with pytest.raises(ConfigError, match="MY_KEY") as caught:
        await gateway.check()
    assert "sk-secret-1" not in str(caught.value)
    assert endpoint.served.requests == 1


async def test_an_unknown_model_is_named(make: Make, endpoint: ScriptedEndpoint) -> None:
    endpoint.models = ("other",)
    with pytest.raises(ConfigError, match="knows no model 'm'"):
        await make().check()


async def test_a_path_that_is_not_there_suggests_v1(make: Make, endpoint: ScriptedEndpoint) -> None:
    url = endpoint.base_url.removesuffix("/v1") + "/nothing"
    endpoint.script = lambda request: Fault("html", status=404)
    with pytest.raises(ConfigError, match=r"nothing answers at .*/nothing/chat.*is /v1 missing"):
        await make(base_url=url).check()


async def test_a_web_page_is_no_endpoint(make: Make, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = lambda request: Fault("html", status=200)
    with pytest.raises(ConfigError, match="web page"):
        await make().check()


async def test_nobody_there_is_told_at_once(make: Make) -> None:
    gateway = make(base_url="http://127.0.0.1:9/v1")
    with pytest.raises(GatewayUnavailable, match=r"127\.0\.0\.1:9"):
        await asyncio.wait_for(gateway.check(), 10)


async def test_an_unknown_host_is_named(make: Make) -> None:
    gateway = make(base_url="http://no-such-host.invalid/v1", key_env=None)
    with pytest.raises(GatewayUnavailable, match=r"no-such-host\.invalid"):
        await asyncio.wait_for(gateway.check(), 20)


async def test_no_credit_is_not_tried_again(make: Make, endpoint: ScriptedEndpoint) -> None:
    fault = Fault(status=429, code="insufficient_quota", message="You exceeded your quota")
    endpoint.script = lambda request: fault
    with pytest.raises(GatewayUnavailable, match="top the account up"):
        await ask(make())
    assert endpoint.served.requests == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400, code="context_length_exceeded", message="too big"),
        Fault(status=400, message="This model's maximum context length is 4096 tokens."),
        Fault(status=400, message="the request exceeds the available context size"),
        Fault(status=413, message="Payload Too Large"),
    ],
)
async def test_a_prompt_that_is_too_long_is_the_askers_fault(
    fault: Fault, make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: fault
    with pytest.raises(PromptTooLong):
        await ask(make(), schema=SCHEMA)
    assert endpoint.served.requests == 1


async def test_another_400_refuses_this_request_only(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = first(Fault(status=400, message="odd request"))
    gateway = make()
    with pytest.raises(RequestRefused, match="odd request"):
        await ask(gateway)
    assert (await ask(gateway, "next")).text == "ok"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400, code="content_filter", message="The response was filtered"),
        Fault(status=403, message="Your input was flagged by moderation"),
    ],
)
async def test_the_endpoints_filter_is_a_reply(
    fault: Fault, make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: fault
    reply = await ask(make())
    assert (reply.text, reply.finish) == ("", Finish.FILTER)


@pytest.mark.parametrize(
    ("scripted", "text", "finish"),
    [
        (ScriptedReply(""), "", Finish.STOP),
        (ScriptedReply(None, finish="content_filter"), "", Finish.FILTER),
        (ScriptedReply("cut", finish="length"), "cut", Finish.LENGTH),
        (ScriptedReply("x", finish="something new"), "x", Finish.STOP),
    ],
)
async def test_blank_cut_and_filtered_replies_are_replies(
    scripted: ScriptedReply, text: str, finish: Finish, make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: scripted
    reply = await ask(make())
    assert (reply.text, reply.finish) == (text, finish)


async def test_missing_usage_is_charged_at_its_worst_and_counted(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: ScriptedReply("four words of text", usage=None)
    gateway = make()
    reply = await ask(gateway, max_tokens=20)
    assert reply.usage.prompt >= len("hello")
    assert reply.usage.completion == 20
    assert reply.dollars == pytest.approx(reply.usage.total * 1e-6)
    assert gateway.spent().usage == reply.usage
    assert gateway.counts()["estimated"] == 1


async def test_cached_tokens_are_cheaper(make: Make, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = lambda request: ScriptedReply("x", usage=(100, 80, 10))
    assert (await ask(make())).usage.cached == 80


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("response_format", "This model does not support response_format of type json_schema"),
        ("seed", "Unrecognized request argument supplied: seed"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.5 with this model."),
        ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    ],
)
async def test_what_a_model_does_not_understand_is_left_out_and_remembered(
    part: str, message: str, make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: (
        Fault(status=400, message=message) if part in request else "ok"
    )
    gateway = make()
    for name in ("a", "b", "c"):
        assert (await ask(gateway, name, schema=SCHEMA, temperature=0.5)).text == "ok"
    assert endpoint.served.requests == 4
    assert ("max_completion_tokens" in endpoint.requests[-1]) == (part == "max_tokens")


async def test_one_refused_schema_does_not_end_schemas_for_all(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    def script(request: dict[str, Any]) -> Reaction:
        if "odd" in json.dumps(request.get("response_format")):
            return Fault(status=400, message="Invalid schema for response_format 'reply'")
        return "ok"

    endpoint.script = script
    gateway = make()
    odd = {**SCHEMA, "properties": {**SCHEMA["properties"], "odd": {"type": "string"}}}  # type: ignore[dict-item]
    for name, schema in (("a", SCHEMA), ("b", odd), ("c", SCHEMA)):
        assert (await ask(gateway, name, schema=schema)).text == "ok"
    with_schema = ["response_format" in request for request in endpoint.requests]
    assert with_schema == [True, True, False, True]


async def test_an_outage_is_told_once_and_ends_when_the_endpoint_is_back(
    make: Make, endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasearch.gateway.health.FIRST_PAUSE", 0.3)
    gateway = make(patience=0.2)
    await ask(gateway, "before")
    endpoint.script = lambda request: Fault(status=503, message="down for repairs")
    asking = (ask(gateway, f"t{n}") for n in range(20))
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(result, GatewayUnavailable) for result in results)
    assert "down for repairs" in gateway.trouble()
    served = endpoint.served.requests
    with pytest.raises(GatewayUnavailable):
        await ask(gateway, "refused without a try")
    assert endpoint.served.requests == served
    endpoint.script = lambda request: "back"
    await asyncio.wait_for(gateway.recovered(), 10)
    assert gateway.trouble() == ""
    assert (await ask(gateway, "after")).text == "back"


async def test_a_request_that_always_fails_is_blamed_and_not_the_endpoint(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    def script(request: dict[str, Any]) -> Reaction:
        poison = request["messages"][0]["content"] == "poison"
        return Fault(status=500, message="cannot parse grammar") if poison else "ok"

    endpoint.script = script
    gateway = make(patience=60.0)

    async def others() -> None:
        for number in range(2000):
            await ask(gateway, f"t{number}")
            await asyncio.sleep(0.02)

    beside = asyncio.create_task(others())
    with pytest.raises(RequestRefused, match=r"\d+ times for this request"):
        await gateway.ask(question("poison"), Stream("t"), Owner.EVALUATION)
    beside.cancel()
    assert gateway.trouble() == ""


async def test_a_storm_loses_nothing(make: Make, endpoint: ScriptedEndpoint) -> None:
    rates = {
        Fault(status=429): 0.3,
        Fault(status=500): 0.05,
        Fault("reset"): 0.02,
        Fault("truncated"): 0.02,
    }
    endpoint.script = stormy(lambda request: "ok", rates)
    record = MemoryRecord()
    gateway = make(patience=60.0, concurrency=32, record=record)
    replies = await asyncio.gather(*(ask(gateway, f"t{n}") for n in range(300)))
    assert [reply.text for reply in replies] == ["ok"] * 300
    lost = endpoint.served.faults["truncated"] + endpoint.served.faults["reset"]
    assert gateway.budget.lost().calls == lost
    assert gateway.spent().calls == 300 + lost
    assert endpoint.served.replies == sum("~" not in key for key in record.kept) == 300


async def test_what_lost_answers_and_probes_cost_is_written_down(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    record = MemoryRecord()
    gateway = make(record=record, patience=5.0)
    await gateway.check()
    endpoint.script = first(Fault("truncated"))
    reply = await ask(gateway)
    dollars = [one.dollars for one in record.kept.values()]
    assert sum(dollars) == pytest.approx(gateway.spent().dollars)
    assert gateway.spent().calls == len(dollars) == endpoint.served.requests == 3
    assert gateway.spent(Owner.PROBE).calls == 1
    again = await ask(make(record=record))  # a lost answer is never taken for an answer
    assert (again.text, again.recorded) == (reply.text, True)


async def test_the_last_attempt_of_a_call_that_gives_up_is_paid_as_well(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: Fault("truncated")
    gateway = make(patience=0.3)
    with pytest.raises(GatewayUnavailable):
        await ask(gateway)
    assert gateway.spent().calls == endpoint.served.requests


async def test_a_model_that_vanishes_is_waited_for_as_in_an_outage(
    make: Make, endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasearch.gateway.health.FIRST_PAUSE", 0.05)
    gateway = make()
    await ask(gateway, "before")
    endpoint.models = ("other",)
    with pytest.raises(GatewayUnavailable, match=r"knows no model 'm'.*until now"):
        await ask(gateway, "gone")
    assert "knows no model" in gateway.trouble()
    told: list[tuple[str, float]] = []
    waiting = asyncio.create_task(gateway.recovered(lambda *one: told.append(one)))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    endpoint.models = ()
    await asyncio.wait_for(waiting, 10)
    assert len(told) >= 2
    assert (await ask(gateway, "gone")).text == "ok"


async def test_many_calls_that_give_up_together_do_not_put_the_next_probe_off(
    make: Make, endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasearch.gateway.health.FIRST_PAUSE", 0.5)
    gateway = make(patience=0.1)
    endpoint.script = lambda request: Fault(status=502)
    asking = (ask(gateway, f"t{n}") for n in range(20))
    await asyncio.gather(*asking, return_exceptions=True)
    waits: list[float] = []
    endpoint.script = lambda request: "ok"
    await asyncio.wait_for(gateway.recovered(lambda _, wait: waits.append(wait)), 10)
    assert max(waits) <= 0.5


async def test_damaged_answers_count_against_the_cap(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: Fault("truncated")
    gateway = make(patience=60.0, caps=Caps(calls=3))
    with pytest.raises(BudgetExhausted):
        await ask(gateway)
    assert endpoint.served.requests == 3


@pytest.fixture
def locked() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(key="right") as endpoint:
        yield endpoint


async def test_the_key_comes_from_the_environment_by_name(
    make: Make, locked: ScriptedEndpoint
) -> None:
    gateway = make(base_url=locked.base_url, key_env="K", environment={"K": " right\n"})
    assert (await ask(gateway)).text == "ok"


async def test_a_missing_key_is_told_before_any_call(make: Make) -> None:
    with pytest.raises(ConfigError, match="MY_KEY is not set"):
        make(base_url="https://models.example/v1", key_env="MY_KEY")


async def test_an_address_where_nobody_listens_is_said_to_be_unreachable(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    gateway = make(base_url=f"http://127.0.0.1:{port}/v1", patience=0.1)
    with pytest.raises(GatewayUnavailable, match=r"cannot be reached: .*Connect call failed"):
        await ask(gateway)


async def test_a_host_that_is_gone_in_mid_search_is_waited_for(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasearch.gateway.health.FIRST_PAUSE", 0.05)
    with ScriptedEndpoint() as before:
        gateway = make(base_url=before.base_url)
        await ask(gateway, "before")
    with pytest.raises(EndpointDown, match="cannot be reached"):
        await ask(gateway, "gone")
    assert "cannot be reached" in gateway.trouble()
    waiting = asyncio.create_task(gateway.recovered())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    with ScriptedEndpoint(port=int(before.base_url.split(":")[2].removesuffix("/v1"))):
        await asyncio.wait_for(waiting, 20)
        assert (await ask(gateway, "gone")).text == "ok"


async def test_a_name_that_resolves_no_more_is_an_outage_too(make: Make) -> None:
    gateway = make(base_url="http://no-such-host.invalid/v1", key_env=None, patience=0.2)
    with pytest.raises(EndpointDown, match=r"cannot be reached.*no-such-host\.invalid"):
        await asyncio.wait_for(ask(gateway), 20)
    assert gateway.spent().calls == 0


async def test_an_endpoint_that_asks_for_an_hour_is_not_asked_again_and_again(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: Fault(status=429, retry_after="3600", message="quota")
    gateway = make(patience=60.0)
    with pytest.raises(EndpointDown, match="429: quota"):
        await asyncio.wait_for(ask(gateway), 5)
    assert endpoint.served.requests == 1
