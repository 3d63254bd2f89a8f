"""The texts that exports are made of: the kit, and what it runs on in place of metasearch."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from metasearch.assets import asset

__all__ = ["KIT", "PARTS", "child", "kit", "parts", "relative", "template"]

KIT = "agentkit"
PARTS = "metasearch.export.parts"
HERE = Path(__file__).parent


def kit() -> dict[str, str]:
    """Return the kit's sources by module name, the package itself as "agentkit"."""
    return _package(asset("sandbox") / "image" / KIT, KIT)


def parts() -> dict[str, str]:
    """Return the sources of the modules that stand in for metasearch, by module name."""
    found = _package(HERE / "parts", PARTS)
    return {name: text for name, text in found.items() if name not in (PARTS, f"{PARTS}.child")}


def child() -> str:
    """Return the program that runs a model's code in a process of its own.

    It finds the value of that code with the very lines that do so in the sandbox.
    """
    runner = asset("sandbox") / "image" / "runner"
    paths = [runner / "printed.py", runner / "code.py", HERE / "parts" / "child.py"]
    joined = "\n\n".join(path.read_text("utf-8").strip() for path in paths)
    # One file has one `from __future__`, and needs none of its own parts imported.
    alone = re.sub(r"(?m)^from (__future__|runner\.\w+) import .*\n", "", joined)
    return f"{alone}\n\n\nmain(execute, Printed)\n"


def template(name: str) -> Template:
    """Return the template of an exported file, `templates/NAME.txt`."""
    return Template((HERE / "templates" / f"{name}.txt").read_text("utf-8"))


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
