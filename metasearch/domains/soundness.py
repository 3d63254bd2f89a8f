"""Whatever made a domain: its tasks have answers and its scorer scores, before anything is paid."""

from __future__ import annotations

from metasearch.domains.answers import printed
from metasearch.domains.base import SCORING_SECONDS, Domain
from metasearch.domains.time_limit import Overtime, processor_seconds
from metasearch.errors import ConfigError
from metasearch.types import Json, Score, Split, Task

__all__ = ["prove_scored"]

_PROBED = 7  # tasks of each split
_PROBE = "?"  # an answer that no scorer can be prepared for
_SHOWN = 60  # characters of a question or an answer in a message
_MEND = "mend the domain: it must return the same Score from 0 to 1 each time, 0 for nonsense"


def prove_scored(domain: Domain) -> None:
    """Try the scorer on the right answers of some tasks of each split, and on nonsense.

    Raises:
        ConfigError: a task has no right answer; the scorer raises, takes too long, returns no
            `Score` in [0, 1], or another one when it is asked again.
    """
    for split in Split:
        for task in domain.tasks(split)[:_PROBED]:
            if task.extra is None and not printed(task.gold).strip():
                raise ConfigError(
                    f"{domain.name}: {_which(task)} of {split} has no right answer; give it one"
                )
            for answer in (task.gold, _PROBE):
                first, again = _scored(domain, task, answer), _scored(domain, task, answer)
                if first != again:
                    what = f"scores {first.value:g}, and {again.value:g} when asked again"
                    raise ConfigError(f"{domain.name}: {_which(task, answer)} {what}; {_MEND}")


def _scored(domain: Domain, task: Task, answer: Json) -> Score:
    which = _which(task, answer)
    try:
        with processor_seconds(SCORING_SECONDS):
            score = domain.score(task, answer)
    except Overtime:
        what = f"takes more than {SCORING_SECONDS:g} s of computing to score"
        raise ConfigError(f"{domain.name}: {which} {what}; make the scorer quicker") from None
    except Exception as error:  # a plug-in's scorer raises whatever it likes
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ConfigError(f"{domain.name}: scoring {which} raised {said}; {_MEND}") from error
    if not isinstance(score, Score) or not 0 <= score.value <= 1:  # NaN is not either
        value = score.value if isinstance(score, Score) else score
        raise ConfigError(f"{domain.name}: {which} scores {_short(value)}; {_MEND}")
    return score


def _which(task: Task, answer: Json = None) -> str:
    given = "" if answer is None else f" with answer {_short(printed(answer))}"
    return f"task {task.id} ({_short(task.prompt)}){given}"


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
