"""Export of a member of a society: it takes a seat in anybody's loop, a file or a package."""

from __future__ import annotations

import ast
import json

from metasearch.export.base import Bundle, RecordedSeat, runs_code, settings_of, slug
from metasearch.export.inline import flattened, rewritten
from metasearch.export.requirements import OPENAI, PYTHON
from metasearch.export.sources import KIT, PARTS, child, kit, parts, template
from metasearch.types import Json

__all__ = ["asks_model", "package_values", "recorded", "text"]

CHANGES_TOLD = """
        changes: model, base_url, api_key, allow_code ...: how its model is asked."""
ASKING = ", lambda: _export.asking(**changes)"


def asks_model(source: str) -> bool:
    """Return whether a member can ask a model or have code run; else it needs no endpoint."""
    return any(
        alias.name in ("Agent", "run_code", "agentkit", "*")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def text(bundle: Bundle) -> str:
    """Return the text of one file; it needs nothing where the member asks no model.

    Raises:
        ConfigError: the design imports what the kit does not have.
    """
    source = bundle.design.source
    asks = asks_model(source)
    modules = {name: one for name, one in kit().items() if name != f"{KIT}.adas"}
    runtime = {name: one for name, one in parts().items() if name != f"{PARTS}.command"}
    modules |= runtime if asks else {f"{PARTS}.seat": runtime[f"{PARTS}.seat"]}
    title = bundle.design.idea or bundle.design.name or f"design {bundle.design.id}"
    return template("member_file.py").substitute(
        python=PYTHON,
        dependencies=f'"{OPENAI}"' if asks else "",
        idea=_inside_docstring(title),
        about=_inside_docstring(_about(bundle)),
        card=repr(bundle.card.markdown()),
        modules=flattened(modules),
        design=rewritten(source, kit()).strip("\n"),
        export=_exported(bundle) if asks else "",
        seat=_seat(asks),
        title=repr(title),
    )


def package_values(bundle: Bundle) -> dict[str, str]:
    """Return what the templates of a member's package need beside those of any package."""
    asks = asks_model(bundle.design.source)
    return {
        "dependencies": f'"{OPENAI}"' if asks else "",
        "changes": ", **changes: Any" if asks else "",
        "told": CHANGES_TOLD if asks else "",
        "asking": ", lambda: _agent.asking(**changes)" if asks else "",
        "agent": "from .assembled import assembled\n" if asks else "",
        "made": "\n_agent = assembled()\n" if asks else "",
    }


def recorded(seats: tuple[RecordedSeat, ...]) -> str:
    """Return what the package's own tests replay, as JSON."""
    return json.dumps([_recorded(seat) for seat in seats], indent=1, ensure_ascii=False) + "\n"


def _recorded(seat: RecordedSeat) -> Json:
    return {
        "seed": seat.seed,
        "turns": [dict(turn) for turn in seat.turns],
        "replies": [dict(reply) for reply in seat.replies],
    }


def _exported(bundle: Bundle) -> str:
    program = child() if runs_code(bundle.design.source) else ""
    return template("member_agent.py").substitute(settings=settings_of(bundle), child=repr(program))


def _seat(asks: bool) -> str:
    return template("seat.py").substitute(
        changes=", **changes" if asks else "",
        told=CHANGES_TOLD if asks else "",
        asking=ASKING if asks else "",
    )


def _about(bundle: Bundle) -> str:
    name = slug(bundle.design)
    return "\n".join(
        [
            f"    from {name} import seat",
            "    player = seat(seed=1)",
            '    player.observe({"kind": "rules", "text": "...", "you": "Ann"})',
            '    action = player.decide({"kind": "...", "reply": {...}})    # or: await player.act',
            "",
            *(f"{line}." for line in bundle.card.summary()),
            f"`python {name}.py --card` prints all that is known about it; without an option it",
            "plays over standard input and output, a JSON object a line.",
        ]
    )


def _inside_docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
