"""Launching: from a configuration to a running search, with every door opened and closed again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from metasearch.archive import Archive, SearchInfo
from metasearch.archive.bulk import no_collection
from metasearch.domains.base import SOLVE, Domain, entry_of
from metasearch.errors import ConfigError
from metasearch.gateway.base import RecordMode, Spent
from metasearch.gateway.budget import Amount, Budget
from metasearch.gateway.fetch import DEFAULT_MODEL
from metasearch.gateway.prices import FREE, Price, load_prices
from metasearch.gateway.settings import OPENAI_URL, ModelSettings
from metasearch.sandbox.base import Limits, Sandbox
from metasearch.sandbox.choose import open_sandbox
from metasearch.sandbox.proof import prove
from metasearch.search.checks import asks_model
from metasearch.search.config import FREE_MODELS, LOCAL, NONE, ModelSection, SearchConfig
from metasearch.search.domain import load_domain
from metasearch.search.equal_cost import SEED
from metasearch.search.evaluate import Asking, Evaluator, evaluations_at_once
from metasearch.search.events import Display, Note, SearchFinished, SearchStarted
from metasearch.search.guard import Guard
from metasearch.search.hold import BY_USER, held
from metasearch.search.loop import NO_NEW, Search
from metasearch.search.measure import Measurer, stored
from metasearch.search.member import RACED
from metasearch.search.outage import Outage, Patient
from metasearch.search.preflight import Preflight, Wanted
from metasearch.search.proposers import by_model, proposers, tools_of
from metasearch.search.reserve import Reserve, least_test, refuse_too_small
from metasearch.search.seeds import seeds, shipped
from metasearch.search.steer import Steering
from metasearch.search.strategies import STRATEGIES, Strategy
from metasearch.search.trial import Trial
from metasearch.search.worktime import Worktime, timed
from metasearch.types import Design, Json, Owner, Split

if TYPE_CHECKING:
    from metasearch.gateway.client import OpenAIGateway

__all__ = ["baselines", "check_config", "create", "launch", "model_settings", "prices"]

# A machine that does other work answers late, and a call that is given up is made again.
LOCAL_SECONDS = 600.0
RULES_AT_ONCE = 4  # of societies without a model, which only compute; two evaluations for each
PROMPT_TOKENS = 4000  # of a long prompt, for what the last call of a test may need


def check_config(config: SearchConfig) -> None:
    """Refuse what can be seen to be wrong before anything is made or asked.

    Raises:
        ConfigError: a seed or the domain is not there, a price is not known, or a cap cannot even
            hold the final test.
    """
    baselines(config)
    domain = load_domain(config)
    if config.model.name == NONE and entry_of(domain) == SOLVE:
        raise ConfigError(
            f"{domain.name} asks questions, which needs a model: choose one with --model NAME; "
            f"`{NONE}` is for societies of rules"
        )
    _refuse_caps(config, domain)


def _refuse_caps(config: SearchConfig, domain: Domain) -> None:
    price, tasks = prices(config)[0], domain.tasks(Split.TEST)
    test = least_test(tasks, config.search.repeats, price)
    for caps in (config.budget.caps(), config.budget.evaluating.caps()):
        refuse_too_small(caps, test, len(tasks), _least_finals(config, domain, price))


def _least_finals(config: SearchConfig, domain: Domain, price: Price) -> Amount:
    """Return what the finals take at least: the finalists', and those of the best baseline."""
    search, tasks = config.search, domain.tasks(Split.VALIDATION)
    finalists = min(search.finalists, search.designs)
    players = finalists + 1 if finalists else 0
    return least_test(tasks, search.final_repeats * players, price)


def prices(config: SearchConfig) -> tuple[Price, Price]:
    """Return what a token costs of the model that designs ask, and of the one that writes them.

    Raises:
        ConfigError: one is not known, and `allow_unpriced` is not set.
    """
    table = load_prices(config.budget.prices)
    loose = config.budget.allow_unpriced or config.record is RecordMode.REPLAY_ONLY
    names = [config.model.name, *(one.name for one in config.designers())]
    model, meta, *_ = [
        FREE if name in (*FREE_MODELS, None) else table.price(name, allow_unpriced=loose)
        for name in names
    ]
    return model, meta


def create(config: SearchConfig, archive: Archive) -> SearchInfo:
    """Give a new search its row with its tasks, or find the one that has the configuration's name.

    Raises:
        ConfigError: as `check_config`, or the name belongs to another configuration.
    """
    config = STRATEGIES[config.search.strategy].applied(config)
    kept = config.to_json()
    if config.name is not None:
        for info in archive.searches():
            if info.id == config.name:
                _same(info, kept)
                return info
    domain = load_domain(config)
    _refuse_caps(config, domain)
    return archive.create_search(
        id=config.name,
        domain=domain.name,
        strategy=config.search.strategy,
        config=kept,
        seed=config.search.seed,
        tasks={split: domain.tasks(split) for split in Split},
    )


async def launch(
    info: SearchInfo,
    archive: Archive,
    display: Display,
    *,
    running: Callable[[Search], None] | None = None,
    preflight: Wanted | None = None,
    work: Callable[[Search], Awaitable[str]] = Search.run,
) -> str:
    """Run or resume a search to its end.

    Args:
        info: the search; its configuration is the one that was kept when it was created.
        running: called with the search once it runs, so that a signal can stop it.
        preflight: how to look first whether there is something to find; None does not look.
        work: what to do with the search in place of running it; returns its status.

    Returns:
        The status: "finished", "stopped" (a cap was reached, or somebody asked) or "paused"
        (interrupted).

    Raises:
        ConfigError: another process runs this search; the endpoint refuses key, URL or model; a
            replay misses a reply.
        Unavailable: no sandbox, no endpoint or no archive; the search is paused.
    """
    config = SearchConfig.model_validate(info.config)
    strategy = STRATEGIES[config.search.strategy]
    domain = load_domain(config)
    async with AsyncExitStack() as stack:
        hold = await stack.enter_async_context(held(archive, info.id))
        worktime = stack.enter_context(timed(archive, info, time.monotonic))
        # Meanwhile the sandbox starts. The lease is held, so nobody writes what is being read.
        reading = asyncio.create_task(asyncio.to_thread(stored, archive, info.id))
        stack.push_async_callback(asyncio.wait, [reading])  # else the archive is closed under it
        doors = await _open(config, info, archive, display, stack)
        search = _assemble(config, strategy, info, archive, domain, display, doors, worktime)
        if preflight is not None:
            search.preflight = Preflight(
                config, search.measurer, prices(config), len(search.baselines), preflight
            )
        if running is not None:
            running(search)
        hold.attach(search)
        archive.set_status(info.id, "running")
        search.load(await reading)
        display.show(_started(info, config, doors, search, worktime))
        for note in getattr(domain, "notes", ()):
            display.show(Note(note))
        return await work(search)
    # `held` lets nobody out of it but those who were asked to end at once.
    display.show(_ended(info, archive, hold.ended))
    return hold.ended


def _ended(info: SearchInfo, archive: Archive, how: str) -> SearchFinished:
    """Return what is told of a search that somebody ended at once."""
    new = [one for one in archive.entries(info.id) if one.proposer not in NO_NEW]
    made = sum(one.status in RACED for one in new)
    return SearchFinished(info.id, how, f"{how} at once {BY_USER}", made)


@dataclass(frozen=True, slots=True)
class _Doors:
    """What was opened for one run; `metas` are the models that write designs, the first leads."""

    gateway: OpenAIGateway
    outage: Outage
    sandbox: Sandbox
    model: ModelSettings
    metas: tuple[ModelSettings, ...]


def _started(
    info: SearchInfo, config: SearchConfig, doors: _Doors, search: Search, worktime: Worktime
) -> SearchStarted:
    return SearchStarted(
        search_id=info.id,
        domain=info.domain,
        model=doors.model.name,
        sandbox=doors.sandbox.name,
        strategy=config.search.strategy,
        seeds=len(search.baselines),
        designs=config.search.designs,
        validation_tasks=info.sizes[Split.VALIDATION],
        caps=config.budget.caps(),
        minutes=config.budget.minutes,
        resumed=bool(search.members),
        finished=search.made(),
        minutes_used=worktime.before / 60,
    )


async def _open(
    config: SearchConfig,
    info: SearchInfo,
    archive: Archive,
    display: Display,
    stack: AsyncExitStack,
) -> _Doors:
    sandbox = await open_sandbox(
        config.sandbox.name,
        run=info.id,
        parallel=config.sandbox.parallel,
        at_once=config.sandbox.parallel or evaluations_at_once(config.model.concurrency),
        runtime=config.sandbox.runtime,
    )
    await stack.enter_async_context(sandbox)
    _, client = await asyncio.gather(prove(sandbox), asyncio.to_thread(_client))
    archive.add_event(info.id, "sandbox", _versions(await sandbox.describe()))
    recorder = archive.recorder(info.id)
    stack.callback(recorder.close)
    paid = {owner: archive.spent(info.id, owner) for owner in Owner}
    spent = {owner: Spent(row.dollars, row.usage, row.calls) for owner, row in paid.items()}
    loop = asyncio.get_running_loop()

    def tell(text: str) -> None:
        loop.call_soon_threadsafe(display.show, Note(text))

    asks = config.record is not RecordMode.REPLAY_ONLY
    model = await model_settings(config.model, stack, tell, asks=asks)
    metas = [
        _for_designing(await model_settings(one, stack, tell, asks=asks), model)
        for one in config.designers()
    ]
    gateway = client(
        [one for one in (model, *metas) if one.remote != NONE],
        budget=Budget(config.budget.caps(), spent, config.budget.owner_caps()),
        record=recorder,
        prices=load_prices(config.budget.prices),
        allow_unpriced=config.budget.allow_unpriced,
        mode=config.record,
    )
    await stack.enter_async_context(gateway)
    await gateway.check()
    outage = Outage(
        gateway,
        limit=config.budget.outage_minutes * 60,
        show=display.show,
        note=lambda kind, text: archive.add_event(info.id, kind, text),
        clock=time.monotonic,
    )
    return _Doors(gateway, outage, sandbox, model, tuple(metas))


def _client() -> type[OpenAIGateway]:
    """Import the client: half a second, for `openai`, in which the sandbox is waited for."""
    with no_collection():
        from metasearch.gateway.client import OpenAIGateway
    return OpenAIGateway


def _assemble(
    config: SearchConfig,
    strategy: Strategy,
    info: SearchInfo,
    archive: Archive,
    domain: Domain,
    display: Display,
    doors: _Doors,
    worktime: Worktime,
) -> Search:
    guard = _guard(config, info, archive, domain, display, doors, worktime)
    measurer = Measurer(
        search_id=info.id,
        archive=archive,
        evaluator=_evaluator(config, domain, doors, guard.faults),
        sandbox=doors.sandbox,
        display=display,
        repeats=config.search.repeats,
        guard=guard,
    )
    door = Patient(doors.gateway, doors.outage)
    tools = [tools_of(config, strategy.material, door, meta) for meta in doors.metas]
    trial = Trial(
        measurer=measurer,
        proposers=proposers(config, tools[0]),
        selector=strategy.selector,
        parents=strategy.parents,
        examples=strategy.examples,
        seed=config.search.seed,
        smoke=config.search.smoke,
        repairs=config.search.repairs,
        remembers=strategy.remembers,
        steering=Steering(archive, info.id),
        models=by_model(config, tools),
        restarts=config.search.strategy == "evolve",
    )
    return Search(config, measurer, trial, baselines(config), guard)


def _guard(
    config: SearchConfig,
    info: SearchInfo,
    archive: Archive,
    domain: Domain,
    display: Display,
    doors: _Doors,
    worktime: Worktime,
) -> Guard:
    # Those that were kept: a transfer has no test of its own, whatever its domain offers.
    tasks, repeats = archive.tasks(info.id, Split.TEST), config.search.repeats
    price, new = prices(config)[0], doors.model.max_tokens
    call = Amount(price.worst(PROMPT_TOKENS, new), PROMPT_TOKENS + new, 1)
    least = least_test(tasks, repeats, price)
    return Guard(
        search_id=info.id,
        archive=archive,
        display=display,
        budget=doors.gateway.budget,
        reserve=Reserve(
            doors.gateway.budget,
            len(tasks) * repeats,
            least,
            call,
            _final_evaluations(config, domain),
            max(1, min(config.search.finalists, config.search.designs)),
            _equal_evaluations(config, domain),
            len(tasks) * repeats if config.search.designs else 0,
            _least_finals(config, domain, price),
        ),
        worktime=worktime,
        minutes=config.budget.minutes,
        unmetered=lambda: doors.gateway.counts().get("estimated", 0),
    )


def _final_evaluations(config: SearchConfig, domain: Domain) -> int:
    """Return the evaluations that the finals make of one design."""
    search = config.search
    if not search.finalists or not search.designs:
        return 0
    return len(domain.tasks(Split.VALIDATION)) * search.final_repeats


def _equal_evaluations(config: SearchConfig, domain: Domain) -> int:
    """Return the evaluations of the baseline that costs what the winner costs."""
    names = {design.name for design in baselines(config)}
    if not config.search.equal_cost or not config.search.designs or SEED not in names:
        return 0
    return len(domain.tasks(Split.VALIDATION)) * config.search.repeats


def _evaluator(
    config: SearchConfig, domain: Domain, doors: _Doors, faults: Counter[str]
) -> Evaluator:
    asking = Asking(
        model=doors.model.name,
        max_tokens=doors.model.max_tokens,
        temperature=doors.model.temperature,
        calls_per_task=config.search.calls_per_task,
        tokens_per_task=config.search.tokens_per_task,
    )
    limits = Limits(
        active_seconds=config.sandbox.active_seconds,
        wall_seconds=config.sandbox.wall_seconds,
        memory_mib=config.sandbox.memory_mib,
    )
    slots = asyncio.Semaphore(
        config.sandbox.parallel or evaluations_at_once(doors.model.concurrency)
    )
    return Evaluator(doors.gateway, domain, asking, limits, slots, doors.outage, faults)


def baselines(config: SearchConfig) -> list[Design]:
    """Return the designs that a search starts from: all shipped seeds, some, or a folder's.

    Raises:
        ConfigError: a seed that is named is not there.
    """
    wanted, domain = config.search.seeds, load_domain(config)
    if isinstance(wanted, str):
        return seeds(Path(wanted), entry=entry_of(domain))
    found = seeds(shipped(domain), entry=entry_of(domain))
    if wanted is None and config.model.name == NONE:
        return [design for design in found if not asks_model(design.source)]
    if wanted is None:
        return found
    named = {design.name: design for design in found}
    if unknown := [name for name in wanted if name not in named]:
        raise ConfigError(
            f"search.seeds: no seed is named {unknown[0]!r}; there are {', '.join(named)}"
        )
    return [named[name] for name in wanted]


async def model_settings(
    section: ModelSection, stack: AsyncExitStack, tell: Callable[[str], None], *, asks: bool
) -> ModelSettings:
    """Return how a model is called; the local one is fetched and started when it is not there.

    Args:
        asks: False where the record answers alone.
    """
    if section.name is None:
        raise ConfigError("model.name is not set; name the endpoint's model with --model NAME")
    settings = ModelSettings(
        name=section.name,
        base_url=section.base_url or OPENAI_URL,
        key_env=section.key_env,
        max_tokens=section.max_tokens,
        temperature=section.temperature,
        concurrency=section.concurrency,
        timeout=section.timeout,
        patience=section.patience,
        max_field_chars=section.max_field_chars,
    )
    if section.name == NONE:
        return replace(settings, remote=NONE, key_env=None, free=True, concurrency=RULES_AT_ONCE)
    if section.name != LOCAL:
        return settings
    if not asks:
        return replace(settings, name=DEFAULT_MODEL, key_env=None, free=True)
    from metasearch.gateway import local  # only here: it needs the extra [local]

    server = await asyncio.to_thread(local.start, progress=tell)
    stack.callback(server.close)
    return replace(
        settings,
        name=server.model,
        base_url=server.base_url,
        key_env=None,
        context_tokens=server.context_tokens,
        concurrency=server.parallel,
        timeout=max(section.timeout, LOCAL_SECONDS),
        free=True,
    )


def _for_designing(meta: ModelSettings, model: ModelSettings) -> ModelSettings:
    """Return the meta model's settings under a name of its own, without a cap of text fields.

    The cap keeps a small model's thinking short; a meta agent's `code` is a text field, too.
    """
    name = f"{meta.name} (designing)" if meta.name == model.name else meta.name
    return replace(meta, name=name, remote=meta.remote or meta.name, max_field_chars=None)


def _versions(about: dict[str, Json]) -> str:
    """Return one line for the record: "docker, engine 28.2, python 3.12.3"."""
    told = [f"{key} {about[key]}" for key in ("engine", "wasmtime", "python") if about.get(key)]
    return ", ".join([str(about["name"]), *told])


def _same(info: SearchInfo, kept: dict[str, object]) -> None:
    """Refuse to continue a search under its name with other settings."""
    before = SearchConfig.model_validate(info.config).to_json()  # keys that are new since: default
    for section, value in kept.items():
        if section not in ("archive", "budget", "record") and before[section] != value:
            raise ConfigError(
                f"search {info.id!r} exists with another [{section}]; choose another --name, or"
                f" continue it as it was: metasearch resume {info.id}"
            )
