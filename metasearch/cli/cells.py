"""The cells of a transfer matrix: each is a search whose designs are all there from the start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from metasearch.cli.faults import INTERRUPTED
from metasearch.cli.output import words
from metasearch.errors import ConfigError
from metasearch.report.transfers import STRATEGY, Transfer, transfers
from metasearch.types import Design, Split

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import SearchInfo
    from metasearch.search.config import SearchConfig

__all__ = ["Journey", "plan", "travel"]

BUDGET_ENDED = 3


@dataclass(frozen=True, slots=True)
class Journey:
    """What the user asked for; see `metasearch transfer -h`."""

    models: tuple[str, ...]
    specs: tuple[str, ...]
    scorer: str | None = None
    tasks: int = 50
    base_url: str | None = None
    key_env: str | None = None
    usd: float | None = None
    calls: int | None = None
    prices: Path | None = None
    allow_unpriced: bool = False


class Cell(NamedTuple):
    """One model on one domain, for one design and the baseline that it has to beat."""

    config: SearchConfig
    design: Design
    baseline: Design | None
    origin: str


def plan(archive: Archive, source: str, reference: str | None, journey: Journey) -> list[Cell]:
    """Return the cells, none of which is made yet.

    Raises:
        ConfigError: there is nothing to transfer or nowhere to go, or a setting is wrong.
    """
    from metasearch.report.reckon import reckon
    from metasearch.search.config import SearchConfig
    from metasearch.search.config_file import Given, recapped
    from metasearch.search.launch import prices

    found, info = reckon(archive, source), archive.search(source)
    number = found.winner.number if found.winner else None
    if reference is None and number is None:
        raise ConfigError(f"search {source} has no winner yet; name a design with --design")
    one = archive.entry(source, reference if reference is not None else str(number))
    if one.design is None:
        raise ConfigError(f"#{one.number} of search {source} has no source to run")
    base = archive.entry(source, str(found.opponent.number)).design if found.opponent else None
    if base is not None and base.id == one.design.id:
        base = None
    cells = []
    own = SearchConfig.model_validate(info.config)
    caps = {"--usd": journey.usd, "--calls": journey.calls}
    given = [
        Given(f"budget.{flag[2:]}", cap, flag) for flag, cap in caps.items() if cap is not None
    ]
    recapped(own.to_json(), given)  # refuses what is no cap
    for config in _configs(own, journey, designs=1 if base is None else 2):
        prices(config)  # what is not known is better told before anything is made
        cells.append(Cell(config, one.design, base, f"{source} #{one.number}"))
    if not cells:
        raise ConfigError("nowhere to go: give another --model or --domain than the search's own")
    return cells


def _configs(own: SearchConfig, journey: Journey, designs: int) -> Iterator[SearchConfig]:
    home = own.model.name, own.domain.spec
    for model in journey.models or (own.model.name,):
        for spec in journey.specs or (own.domain.spec,):
            if (model, spec) != home or journey.base_url not in (None, own.model.base_url):
                yield _config(own, str(model), spec, journey, designs)


def _config(
    own: SearchConfig, model: str, spec: str, journey: Journey, designs: int
) -> SearchConfig:
    from metasearch.search.config import DomainSection

    same = spec == own.domain.spec
    domain = own.domain if same else DomainSection(spec=spec, scorer=journey.scorer)
    asked = {"name": model, "base_url": journey.base_url}
    given = {key: value for key, value in asked.items() if value is not None or model == "local"}
    key = {"key_env": journey.key_env} if journey.key_env else {}
    budget = {"usd": None, "tokens": None, "calls": None, "minutes": None}
    extra = {"prices": journey.prices} if journey.prices else {}
    loose = journey.allow_unpriced or (model == own.model.name and own.budget.allow_unpriced)
    search = {
        "designs": designs,  # they are there, so that nothing is proposed
        "seeds": (),
        "stages": ("all",),
        "finalists": 0,
        "equal_cost": False,
        "smoke": 0,
        "proposers": {"recombine": 1.0},
    }
    return own.model_copy(
        update={
            "domain": domain,
            "model": own.model.model_copy(update={**given, **key}),
            "meta_model": None,
            "budget": own.budget.model_copy(update={**budget, **extra, "allow_unpriced": loose}),
            "search": own.search.model_copy(update=search),
        }
    )


def travel(archive: Archive, cells: list[Cell], journey: Journey) -> tuple[int, list[Transfer]]:
    """Run the cells that are not complete, one after the other.

    Returns:
        The exit code, and what is known of the cells now.

    Raises:
        ConfigError, Unavailable: as a search does; what is done is kept.
    """
    from metasearch.cli.drive import drive
    from metasearch.cli.prepare import prepare

    made = [(cell.config, _made(archive, cell, journey)) for cell in cells]
    names, status = [info.id for _, info in made], 0
    for config, info in made:
        if info.status == "finished" or status:
            continue
        capped = _capped(archive, info.id, config, journey, names)
        if capped is None:
            status = BUDGET_ENDED
            continue
        words(f"{config.model.name} on {info.domain}: search {info.id}")
        prepare(capped)
        kept = {**info.config, "budget": capped.to_json()["budget"]}
        ended = drive(replace(info, config=kept), archive, "plain")
        if ended.status == "paused":
            status = INTERRUPTED
        elif ended.status == "stopped":
            status = BUDGET_ENDED
    if status == BUDGET_ENDED:
        words("the cap is reached; the same command with a higher one goes on")
    known = transfers(archive, cells[0].design.id)
    return status, [one for one in known if one.search in names]


def _made(archive: Archive, cell: Cell, journey: Journey) -> SearchInfo:
    """Return a cell's search, written when it is not there; a killed one may lack its entries."""
    from metasearch.search.domain import load_domain

    config = cell.config
    name = f"transfer-{_digest(cell, journey)}"
    if name not in {info.id for info in archive.searches()}:
        domain = load_domain(config)
        tasks = list(domain.tasks(Split.TEST))[: journey.tasks]
        if not tasks:
            raise ConfigError(f"domain {config.domain.spec}: its test split has no task")
        archive.create_search(
            id=name,
            domain=domain.name,
            strategy=STRATEGY,
            config=config.model_copy(update={"name": name}).to_json(),
            seed=config.search.seed,
            tasks={Split.TRAIN: [], Split.VALIDATION: tasks, Split.TEST: []},
        )
        source = archive.search(cell.origin.partition(" #")[0])
        if source.config.get("domain") == config.to_json()["domain"]:
            archive.add_event(source.id, "test-opened", f"by transfer {name}")
    there = len(archive.entries(name))
    wanted = [(cell.baseline, "seed"), (cell.design, STRATEGY)]
    for design, proposer in [one for one in wanted if one[0] is not None][there:]:
        archive.add_entry(
            name,
            design=design,
            status="pending",
            proposer=proposer,
            operator=f"from {cell.origin}" if proposer == STRATEGY else "",
        )
    return archive.search(name)


def _digest(cell: Cell, journey: Journey) -> str:
    """Return what names a cell: the same command finds it again."""
    config = cell.config
    facts = [
        cell.design.id,
        cell.baseline.id if cell.baseline else "",
        config.model.model_dump(mode="json"),
        config.domain.model_dump(mode="json"),
        [config.search.seed, config.search.repeats, journey.tasks],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:10]


def _capped(
    archive: Archive, search: str, config: SearchConfig, journey: Journey, names: list[str]
) -> SearchConfig | None:
    """Return the configuration with what the other cells have left of the caps; None is nothing."""
    rows = [archive.spent(name) for name in names if name != search]
    usd = None if journey.usd is None else journey.usd - sum(row.dollars for row in rows)
    calls = None if journey.calls is None else journey.calls - sum(row.calls for row in rows)
    if any(left is not None and left <= 0 for left in (usd, calls)):
        return None
    budget = config.budget.model_copy(update={"usd": usd, "calls": calls})
    return config.model_copy(update={"budget": budget})
