"""The texts that exports are made of: the kit, and what it runs on in place of metasearch."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from metasearch.assets import asset

__all__ = ["KIT", "PARTS", "child", "kit", "parts", "relative", "template"]

KIT = "agentkit"
PARTS = "metasearch.export.parts"
FUTURE = "from __future__ import annotations\n"


def kit() -> dict[str, str]:
    """Return the kit's sources by module name, the package itself as "agentkit"."""
    return _package(asset("sandbox") / "image" / KIT, KIT)


def parts() -> dict[str, str]:
    """Return the sources of the modules that stand in for metasearch, by module name."""
    found = _package(Path(__file__).with_name("parts"), PARTS)
    return {name: text for name, text in found.items() if name not in (PARTS, f"{PARTS}.child")}


def child() -> str:
    """Return the program that runs a model's code in a process of its own.

    It finds the value of that code with the very lines that do so in the sandbox.
    """
    execute = (asset("sandbox") / "image" / "runner" / "code.py").read_text(encoding="utf-8")
    main = Path(__file__).with_name("parts").joinpath("child.py").read_text(encoding="utf-8")
    return f"{execute}\n\n{main.replace(FUTURE, '')}\n\nmain(execute)\n"


def template(name: str) -> Template:
    """Return the template of an exported file, `templates/NAME.txt`."""
    return Template(
        Path(__file__).with_name("templates").joinpath(f"{name}.txt").read_text("utf-8")
    )


def relative(source: str, package: str) -> str:
    """Return a module of a flat package with its imports of that package made relative."""
    dotted = re.escape(package)
    source = re.sub(rf"(?m)^from {dotted}\.(\w+) import", r"from .\1 import", source)
    return re.sub(rf"(?m)^from {dotted} import", "from . import", source)


def _package(folder: Path, name: str) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob("*.py")):
        module = name if path.stem == "__init__" else f"{name}.{path.stem}"
        found[module] = path.read_text(encoding="utf-8")
    return found
