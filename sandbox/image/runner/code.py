"""Runs a piece of code that a model wrote and finds its value."""

from __future__ import annotations

import ast
import json
import linecache
import traceback
from typing import Any

from runner.printed import Printed

__all__ = ["execute"]

FILE = "code.py"
_VALUE_CHARACTERS = 16_000
_ERROR_CHARACTERS = 2_000


def execute(source: str, printed: Printed) -> dict[str, Any]:
    """Return `{value, stdout, error}`.

    The value is that of a last expression, else of the variable `answer`, else the last printed
    line, else None.
    """
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    names: dict[str, Any] = {"__name__": "__main__"}
    value, error = None, ""
    try:
        value = _last_value(source, names)
    except MemoryError:
        raise
    except BaseException as problem:  # a stranger's code: SystemExit is its result too
        error = _told(problem)
    stdout = printed.text()
    if not error and value is None:
        value = names.get("answer")
    if not error and value is None:
        lines = stdout.strip().splitlines()
        value = lines[-1] if lines else None
    return {"value": _plain(value), "stdout": stdout, "error": error}


def _last_value(source: str, names: dict[str, Any]) -> Any:
    tree = ast.parse(source, FILE)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, FILE, "exec"), names)
        return None
    tree.body.pop()
    exec(compile(tree, FILE, "exec"), names)
    return eval(compile(ast.Expression(last.value), FILE, "eval"), names)


def _plain(value: Any) -> Any:
    """The value itself when it is JSON, else its text."""
    try:
        text = json.dumps(value, allow_nan=False)
        if len(text) <= _VALUE_CHARACTERS:
            return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return str(value)[:_VALUE_CHARACTERS]
    except BaseException as error:  # a hostile __str__ may raise anything
        return f"<{type(error).__name__}>"


def _told(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except BaseException as another:  # a hostile __str__ may raise anything
        text = f"{type(error).__name__} (its text cannot be shown: {type(another).__name__})"
    return text[-_ERROR_CHARACTERS:].strip()
