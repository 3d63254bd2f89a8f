from __future__ import annotations

import pytest

from metasearch.sandbox.base import CallRefused
from metasearch.search.evaluate import Asking, read_request

ASKING = Asking("m", max_tokens=100, temperature=0.3, prompt_bytes=50)
SAY = [{"role": "user", "content": "hi"}]


def test_what_a_design_leaves_out_is_filled_in() -> None:
    request = read_request({"messages": SAY}, ASKING)
    assert (request.model, request.max_tokens, request.temperature) == ("m", 100, 0.3)
    assert request.messages == (("user", "hi"),)


def test_a_design_chooses_neither_the_model_nor_more_tokens() -> None:
    body = {"messages": SAY, "model": "dear", "n": 1000, "max_tokens": 10**999, "temperature": 99}
    request = read_request(body, ASKING)
    assert (request.model, request.max_tokens, request.temperature) == ("m", 100, 2.0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "hi"},
        {"messages": [SAY[0]] * 65},
        {"messages": [{"role": "root", "content": "hi"}]},
        {"messages": [{"role": "user", "content": {"a": 1}}]},
        {"messages": ["hi"]},
        {"messages": [{"role": "user", "content": "x" * 51}]},
        {"messages": SAY, "max_tokens": "many"},
        {"messages": SAY, "temperature": True},
        {"messages": SAY, "schema": "object"},
        {"messages": SAY, "schema": {"enum": ["x" * 20_000]}},
    ],
)
def test_a_malformed_question_is_refused_with_a_reason(body: dict[str, object]) -> None:
    with pytest.raises(CallRefused) as refused:
        read_request(body, ASKING)
    assert refused.value.kind == "bad_request"
    assert str(refused.value)
