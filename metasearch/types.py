"""The values that every part of metasearch speaks in: plain data, no imports of ours."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "FRESH",
    "Design",
    "Evaluation",
    "Finish",
    "Json",
    "Message",
    "ModelCall",
    "ModelReply",
    "ModelRequest",
    "Outcome",
    "Owner",
    "Score",
    "Split",
    "Stream",
    "Task",
    "Usage",
]

# Evaluations with this repeat number or a higher one were made after the designs had been ranked,
# and take no part in it: they say what the chosen ones are worth.
FRESH = 1_000

Json: TypeAlias = Any  # None, bool, int, finite float, str, list of Json, dict of str to Json


class Outcome(StrEnum):
    """How one evaluation ended. Only `ANSWERED` can score above zero.

    `INFRASTRUCTURE` is never a score: the evaluation is retried and at last reported as missing.
    """

    ANSWERED = "answered"
    WRONG_FORMAT = "wrong_format"  # an answer or a reply that cannot be parsed
    BLANK = "blank"  # the model said nothing
    TRUNCATED = "truncated"  # the model was cut off at max_tokens
    REFUSED = "refused"  # the endpoint's content filter, or a refusal in the reply
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OVER_BUDGET = "over_budget"  # the design's own cap of calls or tokens for one task
    INFRASTRUCTURE = "infrastructure"


class Split(StrEnum):
    """What a task may be used for; the three are disjoint by question."""

    TRAIN = "train"  # traces may be shown to the meta agent
    VALIDATION = "validation"  # only scores leave it
    TEST = "test"  # sealed until the final report


class Owner(StrEnum):
    """Who spends: each has its own meter under the one budget."""

    PROPOSER = "proposer"
    EVALUATION = "evaluation"
    PROBE = "probe"  # is the endpoint there? asked before a search, and after an outage


class Finish(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Task:
    """One problem. `gold` never leaves the host; a design sees `prompt` and `answer_type` only.

    Attributes:
        id: stable name made from the question, the same in every search.
        prompt: the question as a design sees it.
        gold: the right answer, read by the domain's scorer only.
        answer_type: "str", "int", "float", "bool" or a list of the allowed strings.
        kind: sub-group for reports ("" where the domain has none); not shown to designs.
        extra: whatever else the scorer needs; not shown to designs.
    """

    id: str
    prompt: str
    gold: Json
    answer_type: str | tuple[str, ...] = "str"
    kind: str = ""
    extra: Json = None

    def public(self) -> dict[str, Json]:
        """Return what enters the sandbox: no gold, no id, no split, no position."""
        kind = self.answer_type if isinstance(self.answer_type, str) else list(self.answer_type)
        return {"prompt": self.prompt, "answer_type": kind}


class Score(NamedTuple):
    """A scorer's verdict on one answer.

    Attributes:
        value: in [0, 1].
        outcome: `ANSWERED`, `WRONG_FORMAT` (unparseable) or `BLANK` (unanswered).
        detail: one short line for a person, "" when there is nothing to say.
    """

    value: float
    outcome: Outcome = Outcome.ANSWERED
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Design:
    """The immutable source text of an agentic system, named by its own hash."""

    source: str
    name: str = ""
    idea: str = ""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        lines = [line.rstrip() for line in self.source.strip().splitlines()]
        digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
        object.__setattr__(self, "id", digest[:12])


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or many calls; `cached` is the part of `prompt` that the endpoint had kept."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.completion + other.completion,
        )


class Message(NamedTuple):
    """One chat message; `role` is "system", "user" or "assistant"."""

    role: str
    content: str


class Stream(NamedTuple):
    """Which sample of a call this is: two designs that ask the same on a task share the answer.

    Attributes:
        scope: the task's id for an evaluation, the proposal's name for a proposer.
        repeat: 0 for the first evaluation of that task, 1 for the second, ...
        occurrence: how many identical requests the same evaluation has made before this one.
    """

    scope: str
    repeat: int = 0
    occurrence: int = 0

    def seed(self) -> int:
        """Return the sampling seed, 31 bits; one seed for all tasks would correlate errors."""
        text = f"{self.scope}\x00{self.repeat}\x00{self.occurrence}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model.

    Attributes:
        temperature: sampling temperature in [0, 2]; None is the endpoint's default.
        max_tokens: cap of new tokens, at least 1.
        schema: JSON schema that the reply must satisfy, or None for free text.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    schema: Json = None

    def key(self, stream: Stream) -> str:
        """Return the content address (64 hex digits) under which the reply is recorded."""
        parts = [
            self.model,
            [list(message) for message in self.messages],
            self.max_tokens,
            self.temperature,
            self.schema,
            list(stream),
        ]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What came back, and what it cost.

    Attributes:
        dollars: the price at the time of the call; 0.0 for an unpriced model.
        seconds: wall clock of the call that was really made.
        recorded: True when it came from the record, so that nothing was paid now.
        key: under which it is recorded where that is not its call's own address: the record holds
            another reply there; "" where it is.
    """

    text: str
    finish: Finish
    usage: Usage
    dollars: float
    seconds: float
    recorded: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One line of an evaluation's trace: who asked, what, and what came back.

    Attributes:
        position: order in which the calls of one evaluation were made, from 0.
        agent: the name that the design gave to the asking agent.
        error: why there is no reply ("" when there is one).
    """

    position: int
    agent: str
    key: str
    request: ModelRequest
    reply: ModelReply | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One design on one task, once.

    Attributes:
        score: in [0, 1]; 0.0 for every outcome but `ANSWERED`.
        answer: what the design returned, plain JSON, or None.
        error: the design's own traceback or the reason, cut; "" when answered.
        dollars: what its calls cost as if none had been recorded before, so that designs compare.
        seconds: the critical path, as if no call had been recorded before or had to wait for its
            turn; `active_seconds` leaves calls out.
    """

    design_id: str
    task_id: str
    split: Split
    repeat: int
    outcome: Outcome
    score: float
    answer: Json = None
    error: str = ""
    stdout: str = ""
    usage: Usage = Usage()
    calls: int = 0
    dollars: float = 0.0
    seconds: float = 0.0
    active_seconds: float = 0.0
    trace: tuple[ModelCall, ...] = ()
