"""What a search is told: the model of `search.toml`.

Every key has a default, so an empty file is a valid search. `load_config` in `config_file` reads
the layers (preset, file, options) and words the errors; here is only what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from metasearch.gateway.base import Caps, RecordMode
from metasearch.types import FRESH, Json, Owner, Split

__all__ = [
    "FREE_MODELS",
    "LOCAL",
    "NONE",
    "BudgetSection",
    "CapsSection",
    "DomainSection",
    "ModelSection",
    "SandboxSection",
    "SearchConfig",
    "SearchSection",
    "Sizes",
]

LOCAL = "local"  # the name of the embedded default model
NONE = "none"  # no model at all: members of a society may be mere rules
FREE_MODELS = (LOCAL, NONE)
DESIGN_TOKENS, DESIGN_TOKENS_LOCAL = 8192, 1024  # cap of new tokens where a design is written
PROPOSERS_LOCAL = {"recombine": 0.75, "meta-agent": 0.25}  # a small model designs badly
PROPOSERS_NONE = {"recombine": 1.0}
PROPOSERS_ENDPOINT = {"meta-agent": 0.8, "recombine": 0.2}

# Each half as large again: looks cost nothing, for the bound of a race holds at all of them, and a
# design that is behind is met by few tasks more than it takes to see that.
STAGES: tuple[int | Literal["all"], ...] = (
    *(10, 15, 22, 33, 50, 75, 110, 165, 250, 375, 560, 840),
    "all",
)
LARGEST_CAP = 1e12

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _above_zero(value: Json, kind: type[float] | type[int], wanted: str) -> Json:
    """Return a cap as a number; what is none is refused in words that name the unit."""
    if value is None:
        return None
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    is_whole = number is not None and number.is_integer()
    if number is None or not 0 < number <= LARGEST_CAP or (kind is int and not is_whole):
        raise ValueError(f"{wanted}, not {json.dumps(value)}; leave it out for no limit")
    return kind(number)


class Section(BaseModel):
    """Frozen, and closed: a key that is not known is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Sizes(Section):
    """How many tasks each split gets; None leaves it to the domain."""

    train: Positive | None = None
    validation: Positive | None = None
    test: Positive | None = None

    def by_split(self) -> dict[Split, int] | None:
        """Return the sizes that are set, or None when none is."""
        sizes = {Split(name): size for name, size in self if size is not None}
        return sizes or None


class DomainSection(Section):
    """Which tasks, and how answers are scored.

    Attributes:
        spec: "starter", "reasoning:NAME", "mgsm", or the path of a .jsonl, .csv or .py file.
        scorer: exact, number, choice, contains or f1; None is the domain's own choice.
        options: whatever else the domain understands.
    """

    spec: str = Field(default="starter", min_length=1)
    sizes: Sizes = Sizes()
    scorer: str | None = None
    options: Mapping[str, Json] = Field(default_factory=dict)


class ModelSection(Section):
    """One model and how it is called.

    Attributes:
        name: "local", or the endpoint's name of the model; None is "local" where the environment
            has no key and no `base_url` is set, and else an error.
        base_url: an OpenAI-compatible endpoint; None is the `openai` client's own default.
        key_env: the environment variable that holds the key; the key itself is never kept.
        max_tokens: cap of new tokens of one call.
        temperature: in [0, 2]; used where a design sets none; None is the endpoint's default.
        concurrency: calls in flight at most; adapts downwards on 429.
        timeout: seconds for one call.
        patience: seconds of failing calls after which the endpoint counts as down.
        max_field_chars: cap of a text in a structured reply; None is no cap. Small models ramble.
    """

    name: str | None = Field(default=None, min_length=1)
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    max_tokens: Positive = 1024
    temperature: float | None = Field(default=None, ge=0, le=2)
    concurrency: Positive = 16
    timeout: Seconds = 120.0
    patience: Seconds = 180.0
    max_field_chars: Positive | None = None

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+\S*", value):
            raise ValueError(f"{value!r} is no address; write http://HOST:PORT/v1 or https://...")
        return value

    @field_validator("key_env")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        # A pasted key must not get into the archive or onto the screen, so it is not quoted here.
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value, re.IGNORECASE) or value.startswith("sk-"):
            raise ValueError("it is the name of an environment variable, not the key itself")
        return value


class MetaSection(ModelSection):
    """Who writes designs.

    Attributes:
        others: further models at the same endpoint that write designs, too: who improves most per
            dollar is asked more often.
    """

    others: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @field_validator("others")
    @classmethod
    def _are_others(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        names = (*value, info.data.get("name"))
        if twice := [name for name in value if names.count(name) > 1]:
            raise ValueError(f"{twice[0]!r} is there twice; name each model once")
        return value


class SandboxSection(Section):
    """Where designs run, and the limits of one run.

    Attributes:
        name: "auto" is docker where an engine answers and the image is there, else wasm.
        parallel: evaluations at the same time; None is twice the model's `concurrency`, or fewer
            where the sandbox has no room, so that the endpoint never waits for jobs that start.
        memory_mib: memory of one job.
        active_seconds: time one job may compute, waiting for the model left out; in a society that
            is one action of a seat, 5 s at most.
        wall_seconds: time of one job from start to end.
        runtime: the Docker runtime, "runsc" say; None is the engine's default.
    """

    name: str = Field(default="auto", min_length=1)
    parallel: Positive | None = None
    memory_mib: int = Field(default=256, ge=64)
    active_seconds: Seconds = 10.0
    wall_seconds: Seconds = 600.0
    runtime: str | None = None

    @model_validator(mode="after")
    def _wall_is_longer(self) -> SandboxSection:
        if self.wall_seconds < self.active_seconds:
            raise ValueError(
                f"wall_seconds ({self.wall_seconds:g}) is less than active_seconds "
                f"({self.active_seconds:g})"
            )
        return self


class CapsSection(Section):
    """What may be spent; None is no limit of that kind."""

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None

    @field_validator("usd", mode="before")
    @classmethod
    def _is_money(cls, value: Json) -> Json:
        return _above_zero(value, float, "a number of dollars above 0, such as 5 or 0.50")

    @field_validator("tokens", "calls", mode="before")
    @classmethod
    def _is_a_count(cls, value: Json) -> Json:
        return _above_zero(value, int, "a whole number above 0, such as 200000")

    def caps(self) -> Caps:
        """Return the part that the gateway enforces."""
        return Caps(dollars=self.usd, tokens=self.tokens, calls=self.calls)


class BudgetSection(CapsSection):
    """What the whole search may spend; None is no limit of that kind.

    Attributes:
        minutes: of wall clock, restarts included; then no new design is begun.
        proposing, evaluating: further caps on writing designs and on running them.
        outage_minutes: how long the search waits for an endpoint that is down, before it pauses.
        prices: a JSON file of prices that replaces the one of the package.
        allow_unpriced: True lets a model run whose price is not known; its dollars count as 0.
    """

    minutes: float | None = None
    proposing: CapsSection = CapsSection()
    evaluating: CapsSection = CapsSection()
    outage_minutes: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    prices: Path | None = None
    allow_unpriced: bool = False

    @field_validator("minutes", mode="before")
    @classmethod
    def _is_time(cls, value: Json) -> Json:
        return _above_zero(value, float, "a number of minutes above 0, such as 90")

    def owner_caps(self) -> dict[Owner, Caps]:
        """Return the caps of single owners, those that are set."""
        caps = {Owner.PROPOSER: self.proposing.caps(), Owner.EVALUATION: self.evaluating.caps()}
        return {owner: given for owner, given in caps.items() if given != Caps()}


class SearchSection(Section):
    """How the search goes.

    Attributes:
        seed: of every random choice of the search.
        designs: new designs to evaluate; seeds and proposals that come to nothing are extra.
        proposers: name to weight; None is decided by the model, see `SearchConfig.weights`.
        stages: validation tasks after which racing may stop a design; rising, "all" last.
        race_alpha: chance in [0, 1) to stop a design that is a point better than the leaders; more
            stops more and saves more, 0 stops only who cannot catch up any more.
        repeats: evaluations of a design on each task.
        finalists: new designs that meet the validation tasks anew at the end; the best of them by
            these fresh samples wins. 0 plays no finals: the winner's score then flatters it.
        final_repeats: fresh evaluations of each finalist on each task.
        equal_cost: at the end self-consistency at the winner's price meets all of validation, and
            may be what the winner is held against on the test.
        simplify: whether the winner is simplified at the end; None does where there are finals.
        simplify_margin: how much worse, in (0, 1), a simpler design may be at most.
        in_flight: designs that are proposed or evaluated at the same time.
        calls_per_task, tokens_per_task: caps of one evaluation, in a society of each of its seats;
            beyond them it is `over_budget`.
        smoke: training tasks that a new design must survive.
        repairs: attempts to mend a design that fails its checks.
        reflections: rounds in which the meta agent looks at its own draft.
        seeds: a folder of designs, or names of the shipped ones; None is all of them.
    """

    strategy: Literal["evolve", "meta-agent-search", "cultural", "independent"] = "evolve"
    seed: int = Field(default=0, ge=0)
    designs: int = Field(default=40, ge=0)
    proposers: Mapping[str, Share] | None = None
    stages: tuple[Positive | Literal["all"], ...] = Field(default=STAGES, min_length=1)
    race_alpha: float = Field(default=0.2, ge=0, lt=1)
    repeats: int = Field(default=1, ge=1, lt=FRESH)
    finalists: int = Field(default=3, ge=0)
    final_repeats: int = Field(default=1, ge=1, lt=FRESH)
    equal_cost: bool = True
    simplify: bool | None = None
    simplify_margin: float = Field(default=0.05, gt=0, lt=1)
    in_flight: Positive = 4
    calls_per_task: Positive = 40
    tokens_per_task: Positive = 40_000
    smoke: int = Field(default=2, ge=0)
    repairs: int = Field(default=3, ge=0, le=10)
    reflections: int = Field(default=2, ge=0, le=10)
    seeds: str | tuple[str, ...] | None = None

    @field_validator("proposers", mode="before")
    @classmethod
    def _names_weigh_one(cls, value: Json) -> Json:
        return dict.fromkeys(value, 1.0) if isinstance(value, list | tuple) else value

    @field_validator("proposers")
    @classmethod
    def _something_proposes(cls, value: Mapping[str, float] | None) -> Mapping[str, float] | None:
        if value is not None and not any(value.values()):
            raise ValueError("at least one proposer needs a weight above 0")
        return value

    @field_validator("stages")
    @classmethod
    def _stages_rise(cls, value: tuple[int | str, ...]) -> tuple[int | str, ...]:
        counts = [stage for stage in value if isinstance(stage, int)]
        if counts != sorted(set(counts)) or "all" in value[:-1]:
            raise ValueError('stages must rise, and "all" may only be the last, as [10, 30, "all"]')
        return value

    def simplifies(self) -> bool:
        """Say whether the winner is simplified at the end."""
        return self.finalists > 0 if self.simplify is None else self.simplify

    def stage_sizes(self, tasks: int) -> tuple[int, ...]:
        """Return the stages for a validation split of `tasks` tasks: rising, ending in `tasks`."""
        sizes = {size for size in self.stages if isinstance(size, int) and size < tasks}
        return (*sorted(sizes), tasks)


class SearchConfig(Section):
    """One search, completely said; its JSON form is kept in the archive.

    Attributes:
        name: of the search in the archive; None lets the archive invent one.
        archive: path or SQLAlchemy URL; None is the user's own archive.
        record: what the record of replies is used for: "normal" reads and writes it, "record-only"
            makes every call anew and writes it, "replay-only" makes no call, "off" makes every call
            and leaves none of its replies for another (they are in the traces and the books).
        meta_model: who writes designs; keys that it does not set are those of `model`.
    """

    name: str | None = None
    archive: str | None = Field(default=None, min_length=1)
    record: RecordMode = RecordMode.NORMAL
    domain: DomainSection = DomainSection()
    model: ModelSection = ModelSection()
    meta_model: MetaSection | None = None
    sandbox: SandboxSection = SandboxSection()
    budget: BudgetSection = BudgetSection()
    search: SearchSection = SearchSection()

    @field_validator("name")
    @classmethod
    def _is_short(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            raise ValueError(
                "use 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first"
            )
        return value

    def designer(self) -> ModelSection:
        """Return the model that writes designs: `meta_model` over `model`.

        A design's source needs more tokens than an answer, so the caps of answers do not hold.
        """
        meta = self.meta_model
        own = {} if meta is None else meta.model_dump(exclude_unset=True, exclude={"others"})
        is_local = own.get("name", self.model.name) == LOCAL
        tokens = max(self.model.max_tokens, DESIGN_TOKENS_LOCAL if is_local else DESIGN_TOKENS)
        return self.model.model_copy(update={"max_tokens": tokens, "max_field_chars": None, **own})

    def designers(self) -> list[ModelSection]:
        """Return all models that write designs; they differ in their names alone."""
        first = self.designer()
        others = self.meta_model.others if self.meta_model is not None else ()
        names = [name for name in others if name != first.name]
        return [first, *(first.model_copy(update={"name": name}) for name in names)]

    def weights(self) -> dict[str, float]:
        """Return the proposers with their weights, which sum to 1."""
        chosen = self.search.proposers
        if chosen is None:
            designer = self.designer().name or ""
            usual = {LOCAL: PROPOSERS_LOCAL, NONE: PROPOSERS_NONE}
            chosen = usual.get(designer, PROPOSERS_ENDPOINT)
        total = sum(chosen.values())
        return {name: weight / total for name, weight in chosen.items() if weight > 0}

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON from which `model_validate` makes an equal configuration."""
        kept: dict[str, Json] = self.model_dump(mode="json", exclude_defaults=False)
        if self.meta_model is not None:  # what it leaves unset is the model's, also when read again
            kept["meta_model"] = self.meta_model.model_dump(mode="json", exclude_unset=True)
        return kept
