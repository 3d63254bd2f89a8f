"""The options of `run` that are keys of `search.toml`, and where each value came from."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from metasearch.types import Json

if TYPE_CHECKING:
    from metasearch.search.config_file import Given

__all__ = ["FLAGS", "RECORD_MODES", "given", "record_options", "setting_options"]

Command = TypeVar("Command", bound=Callable[..., Any])
ENV_PREFIX = "METASEARCH_"


class Flag(NamedTuple):
    """An option that sets one key of the configuration.

    Attributes:
        key: dotted key of `search.toml`.
        type: what click parses; None is a switch.
    """

    name: str
    key: str
    type: click.ParamType[Any] | type | None
    help: str
    metavar: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return ENV_PREFIX + self.name.upper().replace("-", "_")

    @property
    def parameter(self) -> str:
        """The name under which click keeps its value."""
        return self.name.replace("-", "_")


STRATEGIES = click.Choice(["evolve", "meta-agent-search", "cultural", "independent"])

FLAGS = (
    Flag("domain", "domain.spec", str, "Tasks: starter, reasoning:NAME, mgsm, or a file.", "SPEC"),
    Flag("scorer", "domain.scorer", str, "exact, number, choice, contains or f1.", "NAME"),
    Flag("model", "model.name", str, "Model that the designs ask; `local` runs here.", "NAME"),
    Flag("base-url", "model.base_url", str, "OpenAI-compatible endpoint.", "URL"),
    Flag("key-env", "model.key_env", str, "Variable that holds the key.", "VARIABLE"),
    Flag("meta-model", "meta_model.name", str, "Model that writes designs.", "NAME"),
    Flag("sandbox", "sandbox.name", str, "auto, docker or wasm.", "NAME"),
    Flag("usd", "budget.usd", float, "Cap of dollars.", "N"),
    Flag("tokens", "budget.tokens", int, "Cap of tokens.", "N"),
    Flag("calls", "budget.calls", int, "Cap of model calls.", "N"),
    Flag("minutes", "budget.minutes", float, "Cap of wall clock.", "N"),
    Flag("prices", "budget.prices", str, "JSON file of prices.", "FILE"),
    Flag("allow-unpriced", "budget.allow_unpriced", None, "Use a model without a known price."),
    Flag("strategy", "search.strategy", STRATEGIES, "How designs are found."),
    Flag("designs", "search.designs", int, "New designs to evaluate.", "N"),
    Flag("seed", "search.seed", int, "Seed of every random choice.", "N"),
    Flag("seeds", "search.seeds", str, "Folder of starting designs.", "FOLDER"),
    Flag("archive", "archive", str, "Archive: a file or a SQLAlchemy URL.", "PLACE"),
    Flag("name", "name", str, "Name of the search.", "NAME"),
)


RECORD_MODES = {
    "--record": ("normal", "Use recorded replies and record new ones; the default."),
    "--record-only": ("record-only", "Make every call anew, and record it."),
    "--replay-only": ("replay-only", "Make no call: the record answers alone, or it ends."),
    "--no-record": ("off", "Make every call anew, and leave its reply for no other."),
}


def record_options(command: Command) -> Command:
    """Add the options that say what the record of replies is used for, as `record`."""
    for name, (value, words) in reversed(RECORD_MODES.items()):
        command = click.option(name, "record", flag_value=value, default=None, help=words)(command)
    return command


def setting_options(command: Command) -> Command:
    """Add the options of `FLAGS`, of the record and `--set` to a command."""
    extra = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set any key of search.toml: --set search.in_flight=8.",
    )
    command = record_options(extra(command))
    for flag in reversed(FLAGS):
        switch: dict[str, Any] = {"is_flag": True} if flag.type is None else {"type": flag.type}
        command = click.option(
            f"--{flag.name}",
            flag.parameter,
            default=None,
            envvar=flag.variable,
            metavar=flag.metavar,
            help=flag.help,
            **switch,
        )(command)
    return command


def given(ctx: click.Context, values: Mapping[str, Json]) -> list[Given]:
    """Return what the user gave by options or environment, with the name of its place.

    Args:
        ctx: the running command's.
        values: its parameters by name, `assignments` among them.

    Raises:
        click.BadParameter: an assignment is not KEY=VALUE.
    """
    from metasearch.search.config_file import Given

    found = []
    for flag in FLAGS:
        value = values[flag.parameter]
        if value is None:
            continue
        source = ctx.get_parameter_source(flag.parameter)
        from_environment = source is click.core.ParameterSource.ENVIRONMENT
        found.append(
            Given(flag.key, value, flag.variable if from_environment else f"--{flag.name}")
        )
    for name, (value, _) in RECORD_MODES.items():
        if values["record"] == value:
            found.append(Given("record", value, name))
    found += [_assignment(text) for text in values["assignments"]]
    return found


def _assignment(text: str) -> Given:
    from metasearch.search.config_file import Given

    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise click.BadParameter(
            f"{text!r} is not KEY=VALUE, search.in_flight=8 say", param_hint="--set"
        )
    return Given(key.strip(), _value(value.strip()), f"--set {key.strip()}")


def _value(text: str) -> Json:
    """Read a TOML value; what is none is a text, so that quotes are not needed."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
