"""What an exporter is given, and how its files reach the disk: all of them, or none."""

from __future__ import annotations

import ast
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from metasearch.errors import ConfigError
from metasearch.export.card import Card
from metasearch.types import Design, Json, ModelCall

__all__ = [
    "MARK",
    "AnswerType",
    "Bundle",
    "Exporter",
    "RecordedRun",
    "RecordedSeat",
    "RecordedTask",
    "is_member",
    "runs_code",
    "settings_of",
    "slug",
    "write_file",
    "write_folder",
]

AnswerType: TypeAlias = str | tuple[str, ...]
MARK = "card.json"  # the file by which an exported folder is known


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A program that the design ran, and what the sandbox gave: `{value, stdout, error}`."""

    code: str
    reply: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class RecordedTask:
    """One task that the design was run on, with every model call of that run.

    Attributes:
        prompt, answer_type: what the design saw of the task.
        answer: what it returned.
        calls: in the order in which they were made, replies included.
        seed: of `random` in that run.
        runs: programs that it ran; None where that is not known.
    """

    prompt: str
    answer_type: AnswerType
    answer: Json
    calls: tuple[ModelCall, ...]
    seed: int = 0
    runs: tuple[RecordedRun, ...] | None = None


@dataclass(frozen=True, slots=True)
class RecordedSeat:
    """One seat of a training episode, as the design played it.

    Attributes:
        seed: of the member's own chance.
        turns: `{events, request, action}`, in order.
        replies: `{messages, reply: {text, finish}}` for every call of a model.
    """

    seed: int
    turns: tuple[Mapping[str, Json], ...]
    replies: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that an exporter needs; it reads nothing else.

    Attributes:
        model: the endpoint's name of the model that is asked where its user names none.
        recorded: at most a few training tasks; an export's own tests replay them.
        seats: the same of a society's member.
        answer_type: what the exported agent returns where its user does not say.
        max_tokens: cap of new tokens of one call, as in the search.
        temperature: where the design sets none; None is the endpoint's default.
        max_field_chars: longest text of a field in a structured reply; None is no cap.
        max_calls: model calls that one question may take, as in the search.
    """

    design: Design
    card: Card
    model: str
    recorded: tuple[RecordedTask, ...] = ()
    seats: tuple[RecordedSeat, ...] = ()
    answer_type: AnswerType = "str"
    max_tokens: int = 1024
    temperature: float | None = None
    max_field_chars: int | None = None
    max_calls: int = 32

    @property
    def plays(self) -> bool:
        """Whether the design is a society's member, played rather than asked."""
        return is_member(self.design.source)


class Exporter(Protocol):
    """Turns a design into something that runs without metasearch."""

    def __call__(self, bundle: Bundle, out: Path, *, force: bool = False) -> list[Path]:
        """Write the export and return the files written.

        Args:
            bundle: the design, its card and its recorded tasks.
            out: a file or a folder, as the exporter says.
            force: True replaces what is there.

        Raises:
            ConfigError: the target is taken, cannot be written, or the design cannot be exported.
        """
        ...


def settings_of(bundle: Bundle) -> str:
    """Return the arguments of the exported agent's `Settings`, as source."""
    names = ("model", "max_tokens", "temperature", "max_field_chars", "max_calls")
    return ", ".join(f"{name}={getattr(bundle, name)!r}" for name in names)


def is_member(source: str) -> bool:
    """Return whether a design is played rather than asked: it has `Member` and no `solve`."""
    names = {getattr(node, "name", "") for node in ast.parse(source).body}
    return "Member" in names and "solve" not in names


def runs_code(source: str) -> bool:
    """Return whether a design can run programs that its model writes (`run_code`).

    Any mention of the name counts: a false alarm costs a line, a missed one a user's files.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.name in ("run_code", "*"):
            return True
        if isinstance(node, ast.Name) and node.id == "run_code":
            return True
        if isinstance(node, ast.Attribute) and node.attr == "run_code":
            return True
        if isinstance(node, ast.Constant) and node.value == "run_code":
            return True
    return False


def slug(design: Design) -> str:
    """Return a name for files and packages: lower-case words joined by underscores."""
    words = re.sub(r"[^a-z0-9]+", "_", design.name.lower()).strip("_")[:40].strip("_")
    return words if words and not words[0].isdigit() else f"design_{words or design.id}"


def write_file(path: Path, text: str, *, force: bool) -> list[Path]:
    """Write one file whole.

    Raises:
        ConfigError: it exists and `force` is False, or it cannot be written.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name the file, for example {path / 'agent.py'}")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists; give another name, or --force to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None
    return [path]


def write_folder(folder: Path, files: Mapping[str, str], *, force: bool) -> list[Path]:
    """Write a folder whole: it is made beside its place and moved there at the end.

    Args:
        folder: the place; an empty folder there counts as free.
        files: text by path relative to the folder, with forward slashes; `MARK` among them.
        force: True replaces an earlier export, and never anything else.

    Raises:
        ConfigError: the place is taken, or cannot be written.
    """
    folder = folder.resolve()
    if folder.is_file():
        raise ConfigError(f"{folder} is a file; give the folder to make")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise ConfigError(f"{folder} is not empty; give another one, or --force to replace it")
        if not (folder / MARK).is_file():  # --force on a home directory must not empty it
            raise ConfigError(f"{folder} is not an earlier export; give another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
            _fill(Path(made) / "new", files)
            folder.mkdir(exist_ok=True)
            _move(folder, Path(made) / "old")
            _move(Path(made) / "new", folder)
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror or error}") from None
    return [folder / name for name in files]


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _move(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for entry in sorted(source.iterdir()):
        entry.rename(target / entry.name)
