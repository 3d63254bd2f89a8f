"""A user's own tasks from a file: JSON lines, CSV, or Python."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from metasearch.domains.base import TaskSet
from metasearch.domains.examples import Origin, Row, build
from metasearch.domains.own_code import open_module, own_scorer
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["SUFFIXES", "load"]

SUFFIXES = (".jsonl", ".csv", ".py")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def load(
    path: str,
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    scorer: str | None = None,
    options: Mapping[str, Json] | None = None,
) -> TaskSet:
    """Return the domain in a file.

    Args:
        path: FILE.jsonl with one object a line, FILE.csv with a header, both with `input`, `answer`
            and at will `split` and `kind`; or FILE.py with `tasks()` that returns such dicts, and
            at will `score(task, answer)` and `description`.
        sizes: tasks wanted for a split.
        seed: decides how tasks without a split are dealt out.
        scorer: a name out of `SCORERS`, FILE.py, or None for the file's own or a guess.
        options: `description` alone is known, the user's words about the tasks.

    Raises:
        ConfigError: in one line the file, the line, what is wrong, and how to mend it.
    """
    file = Path(path)
    unknown = [name for name in options or {} if name != "description"]
    if unknown:
        raise ConfigError(
            f"{file.name}: no option {unknown[0]!r} for a task file; there is description"
        )
    origin = Origin(file, str((options or {}).get("description", "")))
    rows: Iterable[Row]
    if file.suffix.lower() == ".py":
        origin, rows = _python(file, origin)
    else:
        reader = _csv_rows if file.suffix.lower() == ".csv" else _json_rows
        rows = reader(file.name, _text(file))
    return build(rows, origin, sizes=sizes, seed=seed, wanted_scorer=scorer)


def _text(file: Path) -> str:
    """Return a file's text; a byte order mark is dropped."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}; check the path") from error
    if data.startswith(_WIDE_MARKS):
        raise ConfigError(f"{file.name}:1: this is UTF-16; save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        bad = data[error.start]
        raise ConfigError(
            f"{file.name}:{line}: byte 0x{bad:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def _json_rows(name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(
        text.split("\n"), start=1
    ):  # not splitlines: U+2028 is no line end
        if line.strip():
            where = f"{name}:{number}"
            yield Row(where, _lowered(where, _json_object(where, line)))


def _json_object(where: str, line: str) -> dict[str, Json]:
    try:
        value = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        what = getattr(error, "msg", str(error) or "nested too deeply")
        column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"{where}: not valid JSON: {what}{column}; mend this line") from error
    if not isinstance(value, dict):
        raise ConfigError(
            f"{where}: a {type(value).__name__}, not an object;"
            ' write one {"input": ..., "answer": ...} a line'
        )
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _csv_rows(name: str, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    start = 1
    try:
        for cells in reader:
            where, start = f"{name}:{start}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = cells
                continue
            if len(cells) != len(header):
                raise ConfigError(
                    f"{where}: {len(cells)} fields, but the header has {len(header)};"
                    " put fields with commas in double quotes"
                )
            yield Row(where, _lowered(where, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise ConfigError(f"{name}:{start}: not valid CSV: {error}; mend this line") from error


def _python(file: Path, origin: Origin) -> tuple[Origin, list[Row]]:
    module = open_module(file)
    make = getattr(module, "tasks", None)
    if not callable(make):
        raise ConfigError(
            f"{file.name}: no function tasks(); define one that returns a list of dicts"
        )
    try:
        made = make()
        listed = list(made)
    except Exception as error:  # the user's function may raise whatever it likes
        raise ConfigError(
            f"{file.name}: tasks() raised {type(error).__name__}: {error}; it must return a list of"
            " dicts with input and answer"
        ) from error
    rows = []
    for number, values in enumerate(listed, start=1):
        where = f"{file.name}: task {number}"
        if not isinstance(values, dict):
            what = f"{type(values).__name__}, not a dict with input and answer"
            raise ConfigError(f"{where}: {what}; mend tasks()")
        rows.append(Row(where, _lowered(where, values)))
    words = origin.description or str(getattr(module, "description", "") or "")
    score = own_scorer(file, module) if hasattr(module, "score") else None
    return Origin(file, words, score), rows


def _lowered(where: str, values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values by lower-case column; texts must be encodable, values plain JSON."""
    try:
        json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not plain text and JSON ({error}); mend it") from error
    return {str(name).strip().lower(): value for name, value in values.items()}
