"""Export as an installable package, with tests that replay recorded tasks without a network."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path

from metasearch.assets import asset
from metasearch.errors import ConfigError
from metasearch.export import member
from metasearch.export.base import (
    MARK,
    Bundle,
    RecordedTask,
    runs_code,
    settings_of,
    slug,
    write_folder,
)
from metasearch.export.requirements import OPENAI, PYTHON
from metasearch.export.sources import KIT, PARTS, child, kit, parts, relative, template
from metasearch.types import Json, ModelCall

__all__ = ["export"]

PLACES = {  # what is made of which template
    "pyproject.toml": "pyproject.toml",
    "NOTICE": "NOTICE",
    "{package}/__init__.py": "init.py",
    "{package}/__main__.py": "main.py",
    "{package}/assembled.py": "assembled.py",
    "{package}/loading.py": "loading.py",
    "tests/test_replay.py": "test_replay.py",
}
MEMBER_PLACES = {
    **PLACES,
    "{package}/__init__.py": "member_init.py",
    "{package}/__main__.py": "member_main.py",
    "tests/test_replay.py": "test_member.py",
}
RUNTIME_OF_RULES = frozenset(["__init__", "seat"])  # a member that asks no model needs no more
RUNTIME = "runtime"  # the exported name of `metasearch.export.parts`


def export(bundle: Bundle, out: Path, *, force: bool = False) -> list[Path]:
    """Write the design as a package into the folder `out`.

    Raises:
        ConfigError: the folder is not empty and `force` is False, it is not an earlier export, or
            it cannot be written.
    """
    return write_folder(out, files(bundle), force=force)


def files(bundle: Bundle) -> dict[str, str]:
    """Return every file's text by its path in the package's folder."""
    package = f"agent_{slug(bundle.design)}"
    values = _values(bundle, package)
    card = bundle.card.markdown()
    if bundle.plays:
        values |= member.package_values(bundle)
    made = {
        place.format(package=package): template(name).substitute(values)
        for place, name in (MEMBER_PLACES if bundle.plays else PLACES).items()
    }
    made |= {f"{package}/{name}": text for name, text in _copied().items()}
    if bundle.plays and not member.asks_model(bundle.design.source):
        _strip(made, package)
    made |= {
        f"{package}/design.py": bundle.design.source,
        f"{package}/py.typed": "",
        f"{package}/CARD.md": card,
        "tests/recorded.json": (
            member.recorded(bundle.seats) if bundle.plays else _recorded(bundle.recorded)
        ),
        "CARD.md": card,
        MARK: bundle.card.json(),
        "LICENSE-agentkit": _licence(),
    }
    return dict(sorted(made.items()))


def _values(bundle: Bundle, package: str) -> dict[str, str]:
    title = bundle.design.idea or bundle.design.name or f"design {bundle.design.id}"
    title = re.sub(r"[\x00-\x1f\x7f]+", " ", title).strip()
    return {
        "package": package,
        "project": package.replace("_", "-"),
        "python": PYTHON,
        "dependencies": f'"{OPENAI}"',
        "title": title.replace("\\", "\\\\").replace('"""', "'''"),
        "title_json": json.dumps(title, ensure_ascii=False),  # a TOML string is written alike
        "id": bundle.design.id,
        "settings": settings_of(bundle),
        "answer_type": repr(bundle.answer_type),
        "runs_code": repr(runs_code(bundle.design.source)),
        "version": bundle.card.version or "unknown",
    }


def _strip(made: dict[str, str], package: str) -> None:
    """Leave out what only a design that asks a model needs."""
    del made[f"{package}/assembled.py"]
    for path in list(made):
        folder, _, name = path.rpartition("/")
        if folder == f"{package}/{RUNTIME}" and name.removesuffix(".py") not in RUNTIME_OF_RULES:
            del made[path]


def _copied() -> dict[str, str]:
    """The kit and the runtime by path, their imports of their own package made relative."""
    copied = {f"{RUNTIME}/__init__.py": '"""What the agent runs on: copied from metasearch."""\n'}
    for module, source in kit().items():
        name = "__init__" if module == KIT else module.removeprefix(f"{KIT}.")
        copied[f"{KIT}/{name}.py"] = relative(source, KIT)
    for module, source in parts().items():
        copied[f"{RUNTIME}/{module.removeprefix(f'{PARTS}.')}.py"] = relative(source, PARTS)
    copied[f"{RUNTIME}/child.py"] = child()
    return copied


def _recorded(tasks: tuple[RecordedTask, ...]) -> str:
    return json.dumps([_task(task) for task in tasks], indent=1, ensure_ascii=False) + "\n"


def _task(task: RecordedTask) -> Json:
    runs = None
    if task.runs is not None:
        runs = [{"code": run.code, "reply": dict(run.reply)} for run in task.runs]
    return {
        "prompt": task.prompt,
        "answer_type": task.answer_type,
        "answer": task.answer,
        "seed": task.seed,
        "calls": [_call(call) for call in task.calls],
        "runs": runs,
    }


def _call(call: ModelCall) -> Json:
    request = call.request
    properties = (request.schema or {}).get("properties", {})
    reply = None
    if call.reply is not None:
        reply = {"text": call.reply.text, "finish": str(call.reply.finish)}
    return {
        "agent": call.agent,
        "messages": [{"role": part.role, "content": part.content} for part in request.messages],
        "temperature": request.temperature,
        "fields": list(properties),
        "reply": reply,
    }


def _licence() -> str:
    """The text of Apache-2.0, from the checkout or from the installed package."""
    beside = asset("sandbox").parent / "LICENSE"
    if beside.is_file():
        return beside.read_text("utf-8")
    text = distribution("metasearch").read_text("licenses/LICENSE")
    if text is None:
        raise ConfigError("metasearch's own licence is not installed; reinstall metasearch")
    return text
