"""How a command ends: one line that says what, where and how to mend it, and an exit code.

0 done; 1 the answer is no; 2 usage or configuration; 3 the budget ended before one full generation;
4 sandbox, gateway or archive unavailable; 70 a fault in metasearch itself; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from metasearch.errors import MetasearchError

__all__ = ["FAULT", "INTERRUPTED", "ReaderGone", "guarded", "show_tracebacks"]

USAGE = 2
UNAVAILABLE = 4
FAULT = 70  # EX_SOFTWARE: not 1, which is an answer
INTERRUPTED = 130

# In a database's URL: what is saved may be sent to somebody.
_PASSWORD = re.compile(r"(://[^\s:@/]*:)[^\s@]+(?=@)|(\bpassword=)[^\s&]+")

_debug = False


class ReaderGone(Exception):
    """Who reads stdout (`| head`) has enough: no error at all."""


def show_tracebacks(yes: bool = True) -> None:
    """Decide whether an error shows its traceback (`--debug`)."""
    global _debug  # one program, one command at a time
    _debug = yes


def guarded(command: Callable[[], Any]) -> int:
    """Run a command and return its exit code; every error becomes words on stderr."""
    try:
        result = command()
        sys.stdout.flush()
    except click.Abort:
        _say("interrupted")
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())
        return USAGE
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _ended(error.format_message(), error.exit_code)
    except MetasearchError as error:
        return _ended(str(error), error.exit_code)
    except (ReaderGone, BrokenPipeError):
        _mute()
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _ended(
                f"the disk is full ({error.filename or 'writing'}); free some", UNAVAILABLE
            )
        return _fault(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: the user gets one line
        return _fault(error)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _mute() -> None:
    """Send the rest of stdout nowhere: the reader (`| head`) has enough."""
    # Python flushes stdout once more at its end and would complain then.
    with contextlib.suppress(OSError, ValueError):  # not a real file: nothing will complain
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)


def _usage(error: click.UsageError) -> int:
    code = _ended(error.format_message() + _variable(error), USAGE)
    if error.ctx is not None:
        _say(f"  help: {error.ctx.command_path} -h")
    return code


def _variable(error: click.UsageError) -> str:
    """Name the environment variable that a wrong value came from: the option was not typed."""
    param = getattr(error, "param", None)
    if error.ctx is None or param is None or param.name is None or not param.envvar:
        return ""
    source = error.ctx.get_parameter_source(param.name)
    is_ours = source is click.core.ParameterSource.ENVIRONMENT
    return f" It comes from the variable {param.envvar}." if is_ours else ""


def _ended(message: str, code: int) -> int:
    if _debug:
        traceback.print_exc()
    _say(f"error: {message}")
    return code


def _fault(error: BaseException) -> int:
    if _debug:
        traceback.print_exc()
        return FAULT
    _say(f"error: a fault in metasearch: {type(error).__name__}: {error}"[:500])
    _say(f"  the traceback is in {_saved()}; `--debug` shows it")
    return FAULT


def _saved() -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", prefix="metasearch-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        told = f"metasearch {' '.join(sys.argv[1:])}\n\n{traceback.format_exc()}"
        file.write(_PASSWORD.sub(r"\1\2***", told))
    return file.name


def _say(line: str) -> None:
    click.echo(line, err=True)
