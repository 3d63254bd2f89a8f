"""What the host only ships, it never imports: seeds, the kit and the runner."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import metasearch
from metasearch.assets import asset

HOST = Path(metasearch.__file__).parent
SHIPPED = {"agentkit", "runner", "seeds", "sandbox"}

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import metasearch

imported = []
for found in pkgutil.walk_packages(metasearch.__path__, "metasearch."):
    if found.name.startswith("metasearch.testing") or found.name.endswith("__main__"):
        continue  # test doubles run trusted code in process; a __main__ runs at import
    try:
        importlib.import_module(found.name)
    except ModuleNotFoundError as error:
        if error.name.startswith("metasearch"):
            raise  # otherwise an extra is not installed
    imported.append(found.name)
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
json.dump({"imported": imported, "names": list(sys.modules), "files": files}, sys.stdout)
"""


def test_no_host_module_says_import_of_what_is_shipped():
    guilty = []
    for path in HOST.rglob("*.py"):
        if path.is_relative_to(HOST / "testing"):
            continue  # the fake sandbox runs trusted code in process; nothing else imports it
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            if SHIPPED & {name.partition(".")[0] for name in names}:
                guilty.append(f"{path}:{node.lineno}")
    assert guilty == []


def test_importing_all_of_metasearch_loads_no_shipped_file():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True
    )
    seen = json.loads(done.stdout)
    assert "metasearch.export.parts.agent" in seen["imported"]
    assert not {name.partition(".")[0] for name in seen["names"]} & SHIPPED
    folders = [str(asset(folder)) + "/" for folder in ("seeds", "sandbox")]
    assert [file for file in seen["files"] if file.startswith(tuple(folders))] == []
