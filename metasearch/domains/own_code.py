"""A user's own Python file: its `score(task, answer)`, its `tasks()`.

It runs in this process because the user says so. Nothing that a model wrote ever comes here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from metasearch.domains.answers import blank, printed, unreadable
from metasearch.domains.base import SCORING_SECONDS
from metasearch.domains.time_limit import Overtime, processor_seconds
from metasearch.errors import ConfigError
from metasearch.types import Json, Score, Task

__all__ = ["OwnScorer", "check_scorer", "open_module", "own_scorer"]

MAX_CHARS = 20_000
"""The longest answer that a user's scorer is given; ours read a tenth of that."""

_PROBED_TASKS = 20
_PROBE = "?"  # an answer that no scorer can be prepared for
_SHOWN = 60  # characters of a task or an answer in a message
_MEND = "it must return the same number from 0 to 1 each time, 0.0 for what it cannot read"


@dataclass(frozen=True, slots=True)
class OwnScorer:
    """A user's function as a scorer that never raises.

    During a search whatever goes wrong in the function is an unreadable answer with the reason in
    its detail; `check_scorer` finds most of it before.

    Attributes:
        file: the file's name, for messages.
        function: takes a `Task` and an answer that is not blank and at most `MAX_CHARS` characters
            long as text, returns a number in [0, 1].
    """

    file: str
    function: Callable[[Task, Json], Any]

    def __call__(self, task: Task, answer: Json) -> Score:
        """Score one answer."""
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            return blank()
        if (length := len(printed(answer))) > MAX_CHARS:
            return unreadable(f"{length} characters long")
        result = self.attempt(task, answer)
        return unreadable(result) if isinstance(result, str) else result

    def attempt(self, task: Task, answer: Json) -> Score | str:
        """Return the function's score, or in words what is wrong with the function."""
        try:
            value = self.function(task, answer)
        # A user's function may raise whatever it likes: it is about this one answer.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return f"{self.file}: score raised {_said(error)}"
        number = value.value if isinstance(value, Score) else value
        if not isinstance(number, int | float) or not 0 <= number <= 1:  # NaN is not either
            return f"{self.file}: score returned {_short(number)}, not a number from 0 to 1"
        return value if isinstance(value, Score) else Score(float(number))


def own_scorer(path: Path, module: ModuleType) -> OwnScorer:
    """Return the function `score` of an opened file.

    Raises:
        ConfigError: there is no such plain function.
    """
    function = getattr(module, "score", None)
    if not callable(function) or inspect.iscoroutinefunction(function):
        what = "an async score" if callable(function) else "no function score(task, answer)"
        raise ConfigError(f"{path.name}: {what}; define `def score(task, answer) -> float`")
    return OwnScorer(path.name, function)


def check_scorer(scorer: OwnScorer, tasks: Sequence[Task]) -> None:
    """Try the scorer on some tasks before anything is paid for.

    Raises:
        ConfigError: it raises, returns something else than a number in [0, 1], takes too long, or
            returns two different scores for the same answer; the message names task and answer.
    """
    for task in tasks[:_PROBED_TASKS]:
        for answer in (task.gold, _PROBE):
            which = f"task {task.id} ({_short(task.prompt)}) and answer {_short(printed(answer))}"
            try:
                with processor_seconds(SCORING_SECONDS):
                    first, again = scorer.attempt(task, answer), scorer.attempt(task, answer)
            except Overtime:
                what = f"score takes more than {SCORING_SECONDS:g} s of computing"
                raise ConfigError(f"{scorer.file}: {what}, for {which}; make it quicker") from None
            if isinstance(first, str):
                raise ConfigError(f"{first}, for {which}; {_MEND}")
            if first != again:
                what = "score is different when asked again"
                raise ConfigError(f"{scorer.file}: {what}, for {which}; {_MEND}")


def open_module(path: Path) -> ModuleType:
    """Execute a user's file and return it as a module; its own folder can be imported from.

    Raises:
        ConfigError: it cannot be read or raises; the message has file, line and reason.
    """
    name = f"metasearch_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"{path}: no such Python file; give the path of an existing one")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the user's file may raise whatever it likes
        del sys.modules[name]
        raise ConfigError(f"{path.name}:{_line(path, error)}: {_said(error)}; mend it") from error
    finally:
        with contextlib.suppress(ValueError):  # the file may have changed the path itself
            sys.path.remove(str(path.resolve().parent))
    return module


def _line(path: Path, error: BaseException) -> int:
    """Return the last line of the user's own file that had a part in the error."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    return next((line for line in reversed(own) if line), 1)


def _said(error: BaseException) -> str:
    lines = (str(error) if not isinstance(error, SyntaxError) else error.msg).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a huge integer, or the user's own class: whatever it raises
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
