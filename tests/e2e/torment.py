"""The world in which a search is killed again and again, and the books that its endpoint keeps.

Sums, as in `scripted`, with a model and a meta agent whose answers depend on the request alone: a
request that is paid again is answered the same, only later or sooner than before.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from metasearch.gateway.prices import Price
from metasearch.search.config import SearchConfig
from metasearch.search.config_file import to_toml
from metasearch.testing.endpoint import ScriptedReply, minimal
from metasearch.types import ModelRequest, Stream, Usage
from tests.e2e.scripted import BROKEN, CRASHING, write_tasks

LOG = "METASEARCH_TORMENT_LOG"
MODEL, PRICE = "tormented", Price(prompt=400_000, cached=100_000, completion=1_600_000)
STEPS, CHECKS = "step by step", re.compile(r"CHECK (\d+)")
SUM = re.compile(r"What is (\d+) \+ (\d+)\?")
SIZES = {"train": 4, "validation": 10, "test": 6}
CALLS_AT_ONCE = 6
DESIGN = '''"""Look at a sum from side {style}."""
from agentkit import Agent, Task


async def solve(task: Task) -> int:
    reply = await Agent("checker").ask(
        task.prompt, "CHECK {style} the sum.", fields={{"answer": task.answer_type}}
    )
    return reply.answer
'''


DESIGN_WANTED, CHECKING = -1, -2


class Line(NamedTuple):
    """One request that the endpoint has got: which, about which sum, and what it charges."""

    identity: str
    about: int  # the first term of the sum; DESIGN_WANTED; CHECKING: nothing
    usage: Usage


def script(request: dict[str, Any]) -> ScriptedReply:
    """Answer as model or meta agent, and write the request into the book before."""
    said = identity_of(request)
    chance = random.Random(said)
    text = "\n".join(message["content"] for message in request["messages"])
    usage = (chance.randint(20, 400), chance.randint(0, 20), chance.randint(1, 60))
    asked = SUM.search(text)
    if text.startswith("You design"):
        about = DESIGN_WANTED
        reply = json.dumps({"idea": "Another side.", "name": "side", "code": _draft(text, chance)})
    elif asked:
        about = int(asked[1])
        reply = _answer(request, text, about, int(asked[2]))
    else:
        # Key, address and model are tried before a search begins, again at each start.
        about, reply, usage = CHECKING, "ok", (10, 0, 1)
    with open(os.environ[LOG], "ab", buffering=0) as book:
        book.write((json.dumps([said, about, *usage]) + "\n").encode())
    # The delay is no part of what is repeated: replies come in another order each time.
    return ScriptedReply(reply, usage=usage, latency=random.uniform(0.005, 0.05))


def _answer(request: dict[str, Any], text: str, a: int, b: int) -> str:
    advice = CHECKS.search(text)
    right = a % 3 == 0 or (STEPS in text and a % 2 == 0)
    if advice is not None:
        right = (a + int(advice[1])) % 5 != 0
    value = a + b if right else a + b + 1
    asked = request.get("response_format")
    if not asked:
        return str(value)
    fields = minimal(asked["json_schema"]["schema"])
    return json.dumps({**fields, **({"answer": value} if "answer" in fields else {})})


def _draft(text: str, chance: random.Random) -> str:
    draft = DESIGN.format(style=chance.randrange(1000))
    if "was tried on a training task and failed" in text:
        return draft
    return chance.choice([draft, draft, BROKEN, CRASHING])


def identity_of(body: dict[str, Any]) -> str:
    """Name a request by all that makes it another one."""
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    messages = [[message["role"], message["content"]] for message in body["messages"]]
    return _identity(messages, body["seed"], body["max_tokens"], body.get("temperature"), schema)


def identity_of_row(request: ModelRequest, stream: Stream) -> str:
    """Name a request that is in the record, in the same way."""
    messages = [list(message) for message in request.messages]
    return _identity(
        messages, stream.seed(), request.max_tokens, request.temperature, request.schema
    )


def _identity(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class Book:
    """What the endpoint wrote, read while it writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._read = 0
        self._lines: list[Line] = []

    def lines(self, start: int = 0) -> list[Line]:
        """Return the requests from the `start`-th on."""
        if self.path.stat().st_size > self._read:
            with self.path.open("rb") as file:
                file.seek(self._read)
                whole = file.read().rpartition(b"\n")[0]
            self._read += len(whole) + 1 if whole else 0
            for raw in whole.splitlines():
                identity, about, *usage = json.loads(raw)
                self._lines.append(Line(identity, about, Usage(*usage)))
        return self._lines[start:]

    def calls(self, start: int = 0) -> list[Line]:
        """Return the same without those that only try the model before a search begins."""
        return [line for line in self.lines(start) if line.about != CHECKING]


@dataclass(frozen=True, slots=True)
class World:
    """Files of one search: its tasks, prices and configuration.

    Attributes:
        folder: private to the search.
        seed: of the search.
        sandbox: "wasm" or "docker".
        usd: its cap.
        designs: how many it makes beside its three seeds.
    """

    folder: Path
    seed: int
    sandbox: str
    usd: float = 1.0
    designs: int = 6

    @property
    def name(self) -> str:
        """Return the search's name."""
        return f"torment-{self.seed}"

    def write(self, base_url: str) -> Path:
        """Write the configuration and return its file."""
        prices = self.folder / "prices.json"
        million = {kind: value / 10**6 for kind, value in PRICE._asdict().items()}
        prices.write_text(json.dumps({"date": "2026-01-01", "models": {MODEL: million}}))
        values = {
            "name": self.name,
            "domain": {
                "spec": str(write_tasks(self.folder / "sums.jsonl", 40)),
                "sizes": SIZES,
            },
            "model": {
                "name": MODEL,
                "base_url": base_url,
                "max_tokens": 64,
                "concurrency": CALLS_AT_ONCE,
            },
            "meta_model": {"max_tokens": 512},
            "sandbox": {"name": self.sandbox, "parallel": 3},
            "budget": {"usd": self.usd, "prices": str(prices)},
            "search": {
                "seed": self.seed,
                "designs": self.designs,
                "in_flight": 3,
                "stages": [4, "all"],
                "proposers": {"recombine": 1, "meta-agent": 2},
                "seeds": ["direct", "chain_of_thought", "self_consistency"],
                "reflections": 1,
                "repairs": 2,
            },
        }
        file = self.folder / "search.toml"
        file.write_text(to_toml(SearchConfig.model_validate(values)), encoding="utf-8")
        return file
