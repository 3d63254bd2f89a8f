"""What the real gateway adds to the contract."""

import asyncio
import json
from typing import Any

import pytest

from metasearch.errors import ConfigError, GatewayUnavailable
from metasearch.gateway.base import Caps, NotRecorded, RecordMode
from metasearch.gateway.wire import prompt_bound
from metasearch.testing.endpoint import ScriptedEndpoint, ScriptedReply
from metasearch.testing.gateway_contract import MemoryRecord, question
from metasearch.types import Message, ModelReply, ModelRequest, Owner, Stream

from .conftest import Make

SCHEMA = {
    "type": "object",
    "properties": {
        "thinking": {"type": "string"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "items": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["thinking", "kind", "items"],
    "additionalProperties": False,
}


async def ask(gateway: Any, request: ModelRequest, name: str = "t") -> ModelReply:
    reply: ModelReply = await gateway.ask(request, Stream(name), Owner.EVALUATION)
    return reply


async def test_the_request_is_what_the_protocol_says(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    request = ModelRequest("m", (Message("system", "s"), Message("user", "u")), 50, 0.5, SCHEMA)
    await ask(make(remote="their-name", free=True), request)
    (sent,) = endpoint.requests
    assert sent == {
        "model": "their-name",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 50,
        "temperature": 0.5,
        "seed": Stream("t").seed(),
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
        },
    }


async def test_settings_fill_in_and_cut(make: Make, endpoint: ScriptedEndpoint) -> None:
    gateway = make(temperature=0.3, max_tokens=64, extra_body={"reasoning_effort": "low"})
    await ask(gateway, ModelRequest("m", (Message("user", "u"),), 5000))
    (sent,) = endpoint.requests
    assert (sent["temperature"], sent["max_tokens"], sent["reasoning_effort"]) == (0.3, 64, "low")


async def test_texts_of_a_schema_are_capped_where_there_is_no_choice(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    before = json.dumps(SCHEMA)
    request = ModelRequest("m", (Message("user", "u"),), 50, None, SCHEMA)
    await ask(make(max_field_chars=120), request)
    fields = endpoint.requests[0]["response_format"]["json_schema"]["schema"]["properties"]
    assert fields["thinking"] == {"type": "string", "maxLength": 120}
    assert "maxLength" not in fields["kind"]
    assert fields["items"]["items"] == {"type": "string", "maxLength": 120}
    assert json.dumps(SCHEMA) == before


async def test_every_task_has_a_seed_of_its_own(make: Make, endpoint: ScriptedEndpoint) -> None:
    gateway = make()
    for name in ("a", "b", "c"):
        await ask(gateway, question(), name)
    assert len({sent["seed"] for sent in endpoint.requests}) == 3


async def test_text_that_is_no_unicode_is_sent_all_the_same(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    await ask(make(), question("half \ud800 a character, and one: \U0001f600"))
    assert endpoint.requests[0]["messages"][0]["content"].startswith("half ? a character")


@pytest.mark.parametrize("text", ["", "hello", "漢字" * 50, "🎲" * 40, "\x00" * 10])
def test_the_bound_of_a_prompt_is_above_its_bytes(text: str) -> None:
    from metasearch.gateway.settings import ModelSettings

    bound = prompt_bound(question(text), ModelSettings("m"))
    assert bound.prompt > len(text.encode())
    assert bound.completion == 20


async def test_a_record_alone_makes_every_call_anew(make: Make, endpoint: ScriptedEndpoint) -> None:
    record = MemoryRecord()
    gateway = make(record=record, mode=RecordMode.RECORD_ONLY)
    for _ in range(2):
        assert not (await ask(gateway, question())).recorded
    assert endpoint.served.requests == 2
    assert len(record.kept) == 1


async def test_a_replay_asks_nobody_and_needs_neither_key_nor_price(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    record = MemoryRecord()
    paid = await ask(make(record=record), question())
    where = {"base_url": "https://models.example/v1", "key_env": "NOT_SET"}
    replay = make(record=record, mode=RecordMode.REPLAY_ONLY, remote="unpriced", **where)
    assert (await ask(replay, question())).text == paid.text
    with pytest.raises(NotRecorded, match="'another task'"):
        await ask(replay, question(), "another task")
    assert endpoint.served.requests == 1


async def test_without_a_record_nothing_is_taken_from_it_or_left_for_another(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    record = MemoryRecord()
    known = await ask(make(record=record), question())
    alone = make(record=record, mode=RecordMode.OFF)
    reply, new = await ask(alone, question()), await ask(alone, question("new"))
    assert endpoint.served.requests == 3
    assert (reply.recorded, new.recorded) == (False, False)
    # What was paid is in the books, where no later call finds it.
    assert [record.kept[each.key].text for each in (reply, new)] == [reply.text, new.text]
    assert len(record.kept) == 3
    again = make(record=record)
    assert (await ask(again, question())).text == known.text
    assert not (await ask(again, question("new"))).recorded


async def test_what_is_paid_for_is_kept_though_nobody_waits_any_more(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.latency = 0.2
    record = MemoryRecord()
    gateway = make(record=record)
    asking = asyncio.create_task(ask(gateway, question()))
    while not endpoint.in_flight:
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.sleep(0.4)
    assert len(record.kept) == gateway.spent().calls == 1


@pytest.mark.parametrize("end", ["cancelled", "closed"])
async def test_an_answer_that_has_come_is_kept_whatever_happens(
    end: str, make: Make, endpoint: ScriptedEndpoint
) -> None:
    class Slow(MemoryRecord):
        begun = False

        async def keep(self, *given: Any) -> str:
            self.begun = True
            await asyncio.sleep(0.1)
            return await super().keep(*given)

    record = Slow()
    gateway = make(record=record)
    asking = asyncio.create_task(ask(gateway, question()))
    while not record.begun:
        await asyncio.sleep(0.01)
    if end == "cancelled":
        asking.cancel()
        await asyncio.sleep(0.2)
    else:
        await gateway.close()
    await asyncio.gather(asking, return_exceptions=True)
    assert len(record.kept) == 1


async def test_closing_gives_up_what_is_with_the_endpoint(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.latency = 60.0
    record = MemoryRecord()
    gateway = make(record=record)
    asking = asyncio.create_task(ask(gateway, question()))
    while not endpoint.in_flight:
        await asyncio.sleep(0.01)
    await asyncio.wait_for(gateway.close(), 5)
    with pytest.raises(GatewayUnavailable, match="closed"):
        await asking
    # It may be billed all the same: it counts at its worst, and is no answer to anybody.
    (key,) = record.kept
    assert "~" in key
    assert gateway.spent().calls == gateway.budget.lost().calls == 1


async def test_what_nobody_wants_any_more_is_not_begun(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.latency = 0.2
    gateway = make(concurrency=1)
    first = asyncio.create_task(ask(gateway, question(), "first"))
    while not endpoint.in_flight:
        await asyncio.sleep(0.01)
    second = asyncio.create_task(ask(gateway, question(), "second"))
    await asyncio.sleep(0.02)
    second.cancel()
    await first
    await asyncio.sleep(0.05)
    assert endpoint.served.requests == gateway.spent().calls == 1


async def test_never_more_in_flight_than_the_ceiling(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.latency = 0.02
    gateway = make(concurrency=5)
    await asyncio.gather(*(ask(gateway, question(), f"t{n}") for n in range(40)))
    assert endpoint.served.peak == 5


async def test_the_endpoint_is_never_paid_more_than_the_cap(
    make: Make, endpoint: ScriptedEndpoint
) -> None:
    endpoint.script = lambda request: ScriptedReply("word " * 4, usage=(30, 0, 20))
    gateway = make(caps=Caps(dollars=0.002), concurrency=32)
    asking = (ask(gateway, question(), f"t{n}") for n in range(60))
    await asyncio.gather(*asking, return_exceptions=True)
    served = endpoint.served.prompt_tokens + endpoint.served.completion_tokens
    assert 0.9 * 2000 <= served <= 2000
    assert gateway.spent().usage.total == served


async def test_a_failing_record_fails_the_call_but_the_money_counts(make: Make) -> None:
    class Full(MemoryRecord):
        async def keep(self, *_: object) -> str:
            raise OSError("disk full")

    gateway = make(record=Full())
    with pytest.raises(OSError, match="disk full"):
        await ask(gateway, question())
    assert gateway.spent().calls == 1


async def test_a_model_without_a_price_is_refused_before_any_call(make: Make) -> None:
    with pytest.raises(ConfigError, match="no price is known for model 'dear'"):
        make(remote="dear")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "https://", ""])
def test_an_address_that_is_none_is_refused(url: str, make: Make) -> None:
    with pytest.raises(ConfigError, match="no endpoint's address"):
        make(base_url=url)
