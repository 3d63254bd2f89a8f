"""The house itself: what is shipped, what may import what, and that the package stands alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the sdist: files that only a checkout has are missed here."""
    out = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


def test_a_wheel_has_one_top_level_name_and_holds_all_that_is_shipped(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"metasearch", next(top for top in tops if top.endswith(".dist-info"))}
    shipped = {name.removeprefix("metasearch/_assets/") for name in names if "/_assets/" in name}
    for folder in ("archive", "sandbox", "seeds"):
        tracked = run("git", "ls-files", folder).stdout.split()
        assert tracked
        assert set(tracked) <= shipped
    assert "metasearch/search/prompts/propose.md" in names
    assert "metasearch/py.typed" in names
    sdist = next(wheel.parent.glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if ".venv" in name or ".git/" in name]


def test_the_wheel_has_no_surprises(wheel: Path) -> None:
    checked = run(sys.executable, "-m", "check_wheel_contents", wheel)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.timeout(600)
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", tmp_path / "venv").returncode == 0
    binaries = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    installed = run(binaries / "python", "-m", "pip", "install", "--quiet", wheel)
    assert installed.returncode == 0, installed.stderr
    doctor = run(binaries / "metasearch", "doctor", "--offline", cwd=tmp_path)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    seeds = run(binaries / "metasearch", "seeds", "--json", cwd=tmp_path)
    assert "chain_of_thought" in seeds.stdout


def test_layers_hold() -> None:
    linted = run(Path(sys.executable).with_name("lint-imports"))
    assert linted.returncode == 0, linted.stdout


def test_the_project_speaks_of_itself_alone() -> None:
    """No absolute path of a machine, no registry's host, no key in any tracked file."""
    forbidden = re.compile(r"/(?:home|root|work|Users)/\w|sk-[A-Za-z0-9]{20}|pypi\.org/simple")
    found = []
    for name in run("git", "ls-files").stdout.split():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        found += [f"{name}: {match.group()}" for match in forbidden.finditer(text)]
    assert [hit for hit in found if not hit.startswith("tests/test_house.py")] == []
