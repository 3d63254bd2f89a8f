"""Reads `search.toml`: options over file over preset over defaults, and says where a mistake is.

A mistake names the file, the line and the key, or the option or environment variable.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from metasearch.errors import ConfigError
from metasearch.search.config import SearchConfig
from metasearch.types import Json

__all__ = ["Given", "key_line", "load_config", "preset_names", "preset_text", "recapped", "to_toml"]

PRESETS = Path(__file__).parent / "presets"
MERGED = {
    (),
    ("domain",),
    ("domain", "sizes"),
    ("model",),
    ("meta_model",),
    ("sandbox",),
    ("budget",),
    ("budget", "proposing"),
    ("budget", "evaluating"),
    ("search",),
}
PATHS = (("domain", "spec"), ("budget", "prices"), ("search", "seeds"))  # relative to their file
FILE_ENDINGS = (".jsonl", ".csv", ".tsv", ".py", ".json")

Key = tuple[str, ...]


class Given(NamedTuple):
    """One value from the command line or the environment.

    Attributes:
        key: dotted key, "budget.usd".
        value: plain JSON.
        where: what the user wrote, "--usd" or "METASEARCH_USD", for the error.
    """

    key: str
    value: Json
    where: str


@dataclass
class _Layer:
    """Values from one place; `where` names the place of a key for an error."""

    label: str
    values: dict[str, Any]
    text: str = ""
    options: dict[Key, str] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        if self.options:
            near = [word for path, word in self.options.items() if _overlap(path, key)]
            return near[-1] if near else self.label
        return f"{self.label}:{key_line(self.text, key)}"

    def has(self, key: Key) -> bool:
        return _get(self.values, key) is not None


def load_config(
    path: Path | None = None, *, preset: str | None = None, given: Iterable[Given] = ()
) -> SearchConfig:
    """Return the configuration that the layers make together.

    Args:
        path: a TOML file, or None for none.
        preset: name of a shipped preset, or None for none.
        given: values of options and environment variables, which win.

    Raises:
        ConfigError: a place cannot be read, or a value is wrong; names the place, line and key.
    """
    layers = [_file_layer(PRESETS / f"{_known(preset)}.toml", f"preset {preset}")] if preset else []
    if path is not None:
        layers.append(_file_layer(path, str(path)))
        _anchor(layers[-1].values, path.parent)
    if options := list(given):
        layers.append(_option_layer(options))
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer.values)
    try:
        return SearchConfig.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_worded(error, layers)) from None


def recapped(kept: Mapping[str, Json], given: Iterable[Given]) -> SearchConfig:
    """Return the configuration that the archive keeps of a search, with some values changed.

    Raises:
        ConfigError: a value is wrong; names the option.
    """
    below, above = _Layer("the archive", dict(kept)), _option_layer(list(given))
    try:
        return SearchConfig.model_validate(_merge(below.values, above.values))
    except ValidationError as error:
        raise ConfigError(_worded(error, [below, above])) from None


def preset_names() -> list[str]:
    """Return the names of the shipped presets, sorted."""
    return sorted(file.stem for file in PRESETS.glob("*.toml"))


def preset_text(name: str) -> str:
    """Return the commented text of a preset.

    Raises:
        ConfigError: no preset has this name.
    """
    return (PRESETS / f"{_known(name)}.toml").read_text(encoding="utf-8")


def to_toml(config: SearchConfig) -> str:
    """Return every key of a configuration as TOML; keys without a value become comments.

    A password in the archive's URL is left out: `psql` and we find it in PGPASSWORD or ~/.pgpass.
    """
    from metasearch.archive.postgres import without_password  # here: it takes SQLAlchemy

    kept = config.to_json()
    if config.archive is not None:
        kept["archive"] = without_password(config.archive)
    return "\n".join(_toml_lines(kept, ())) + "\n"


def key_line(text: str, key: Key) -> int:
    """Return the line (from 1) on which a key of a TOML text is set, or the nearest above it.

    Args:
        text: valid TOML.
        key: path of the key, ("budget", "usd").
    """
    lines = dict(_key_lines(text))
    return next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 1)


def _known(name: str) -> str:
    names = preset_names()
    if name not in names:
        raise ConfigError(f"there is no preset {name!r}; there are {', '.join(names)}")
    return name


def _file_layer(path: Path, label: str) -> _Layer:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{label}: no such file; `metasearch init` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{label}: cannot be read as UTF-8 text: {error}") from None
    try:
        return _Layer(label, tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(label, str(error))) from None


def _syntax(label: str, message: str) -> str:
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found is None:
        return f"{label}: not valid TOML: {message}"
    reason = message[: found.start()]
    return f"{label}:{found[1]}: not valid TOML: {reason} (column {found[2]}); texts need quotes"


def _option_layer(options: list[Given]) -> _Layer:
    layer = _Layer("options", {})
    for key, value, where in options:
        *parents, last = path = tuple(key.split("."))
        table = layer.values
        for name in parents:
            table = table.setdefault(name, {})
        table[last] = value
        layer.options[path] = where
    return layer


def _anchor(values: dict[str, Any], folder: Path) -> None:
    """Make the paths that a file names relative to that file."""
    for section, name in PATHS:
        table = values.get(section)
        value = table.get(name) if isinstance(table, dict) else None
        if not isinstance(value, str):
            continue
        is_path = value.endswith(FILE_ENDINGS) or "/" in value or name == "seeds"
        if is_path and (folder / value).exists():
            values[section][name] = str(folder / value)


def _merge(below: dict[str, Any], above: dict[str, Any], path: Key = ()) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = below.get(name)
        inner = (*path, name)
        if inner in MERGED and isinstance(old, dict) and isinstance(value, dict):
            merged[name] = _merge(old, value, inner)
        else:
            merged[name] = value
    return merged


def _overlap(one: Key, other: Key) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _get(values: Json, key: Key) -> Json:
    for name in key:
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _worded(error: ValidationError, layers: list[_Layer]) -> str:
    """Word the first mistake in one line; more of them are counted."""
    mistakes = [_mistake(dict(item), layers) for item in error.errors(include_url=False)]
    distinct = list(dict(reversed(mistakes)).values())[::-1]  # the first of each key
    more = f" (and {len(distinct) - 1} more)" if len(distinct) > 1 else ""
    return distinct[0] + more


def _mistake(item: dict[str, Any], layers: list[_Layer]) -> tuple[str, str]:
    key = _existing(tuple(str(part) for part in item["loc"]), layers)
    dotted = ".".join(key)
    layer = next((layer for layer in reversed(layers) if layer.has(key)), layers[-1])
    where = layer.where(key)
    if item["type"] == "extra_forbidden":
        return where + dotted, f"{where}: unknown key {dotted}{_suggest(key)}"
    return where + dotted, f"{where}: {dotted}: {_reason(item)}"


def _reason(item: dict[str, Any]) -> str:
    if item["type"] == "model_type":
        return "it must be a table with keys of its own"
    message = str(item["msg"])
    if item["type"] == "value_error":  # ours, says all there is to say
        return message.removeprefix("Value error, ")
    given = item["input"]
    shown = f", not {json.dumps(given)}" if isinstance(given, str | int | float | bool) else ""
    return message[:1].lower() + message[1:] + shown


def _existing(loc: Key, layers: list[_Layer]) -> Key:
    """Cut what pydantic adds to the place of a mistake: names of union members, list positions."""
    while loc and not any(layer.has(loc) for layer in layers):
        loc = loc[:-1]
    return loc


def _suggest(key: Key) -> str:
    known = list(_known_keys(SearchConfig))
    beside = [path for path in known if path[:-1] == key[:-1]] or known
    close = difflib.get_close_matches(key[-1], [path[-1] for path in beside], n=1)
    near = [path for path in known if path[-1] == key[-1]]  # the right key in the wrong table
    near = near or [path for path in beside if path[-1] in close]
    if near:
        return f"; did you mean {'.'.join(near[0])}?"
    return f"; known: {', '.join('.'.join(path) for path in beside)}"


def _known_keys(model: type[BaseModel], path: Key = ()) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        yield (*path, name)
        if (*path, name) in MERGED:
            inner = info.annotation
            yield from _known_keys(_section_of(inner), (*path, name))


def _section_of(annotation: Any) -> type[BaseModel]:
    # `Section | None` has two
    options: tuple[type[BaseModel], ...] = getattr(annotation, "__args__", (annotation,))
    return next(option for option in options if issubclass(option, BaseModel))


_HEADER = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[^\s=.]+)*)\s*=""")


def _key_lines(text: str) -> Iterator[tuple[Key, int]]:
    table: Key = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            yield table, number
        elif setting := _KEY.match(line):
            yield (*table, *_parts(setting[1])), number


def _parts(dotted: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _toml_lines(values: Mapping[str, Json], path: Key) -> Iterator[str]:
    if path and values:
        yield f"\n[{'.'.join(path)}]"
    inner: list[str] = []
    for name, value in values.items():
        if isinstance(value, dict) and (*path, name) in MERGED and name != "sizes":
            inner.extend(_toml_lines(value, (*path, name)))
        elif value is None:
            yield f"# {name} ="
        else:
            yield f"{_bare(name)} = {_toml(value)}"
    yield from inner


def _toml(value: Json) -> str:
    if isinstance(value, dict):
        pairs = [f"{_bare(k)} = {_toml(v)}" for k, v in value.items() if v is not None]
        return "{ " + ", ".join(pairs) + " }" if pairs else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # a JSON text, number or truth value is TOML too


def _bare(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
