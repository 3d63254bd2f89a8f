from __future__ import annotations

import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from metasearch.domains import load
from metasearch.domains.mgsm import LANGUAGES
from metasearch.errors import ConfigError
from metasearch.types import Split

SHIPPED = Path(__file__).parent.parent / "fixtures" / "domains" / "mgsm"


def published_folder(folder: Path) -> Path:
    """Write 250 numbered sums in eleven languages, in the published layout."""
    for language in LANGUAGES:
        lines = [f"{language} {number}?\t{number:,}\n" for number in range(900, 1150)]
        (folder / f"mgsm_{language}.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def test_the_default_is_the_published_split(tmp_path: Path):
    domain = load(f"mgsm:{published_folder(tmp_path)}")
    joined = [f"{language} {n}?" for language in LANGUAGES for n in range(900, 1150)]
    random.seed(0)
    random.shuffle(joined)  # as published: join, seed 0, shuffle, first 128, next 800
    assert [task.prompt for task in domain.tasks(Split.VALIDATION)] == joined[:128]
    assert [task.prompt for task in domain.tasks(Split.TEST)] == joined[128:928]
    assert [task.prompt for task in domain.tasks(Split.TRAIN)] == joined[928:1028]
    assert not any("not the published split" in note for note in domain.notes)


def test_other_sizes_keep_the_order(tmp_path: Path):
    small = load(f"mgsm:{published_folder(tmp_path)}", sizes={Split.VALIDATION: 20, Split.TRAIN: 7})
    whole = load(f"mgsm:{tmp_path}")
    assert list(small.tasks(Split.VALIDATION)) == list(whole.tasks(Split.VALIDATION))[:20]
    assert [len(small.tasks(split)) for split in Split] == [7, 20, 800]
    assert any("not the published split" in note for note in small.notes)


def test_by_problem_keeps_translations_together(tmp_path: Path):
    domain = load(f"mgsm:{published_folder(tmp_path)}", options={"split": "by-problem"})
    problems = {split: {task.gold for task in domain.tasks(split)} for split in Split}
    assert not problems[Split.TRAIN] & problems[Split.VALIDATION]
    assert not (problems[Split.TRAIN] | problems[Split.VALIDATION]) & problems[Split.TEST]
    assert [len(domain.tasks(split)) for split in Split] == [100, 128, 800]


def test_scripts_and_languages_are_scored_alike():
    domain = load(f"mgsm:{SHIPPED}")
    tasks = {task.kind: task for split in Split for task in domain.tasks(split) if task.gold > 1000}
    assert set(tasks) == {"bn", "de", "en", "th"}
    for task in tasks.values():
        assert task.gold == 1241
        for answer in (1241, "1241", "1,241", "১২৪১", "๑๒๔๑", " 1 241 ", "1241.0", "1241 apples"):
            assert domain.score(task, answer).value == 1.0, (task.kind, answer)
        assert domain.score(task, "1240").value == 0.0
        assert domain.score(task, "1.241").value == (1.0 if task.kind == "de" else 0.0)


def test_languages_are_chosen_by_name_or_by_what_is_there():
    both = load(f"mgsm:{SHIPPED}", options={"languages": "th, en"})
    assert {task.kind for split in Split for task in both.tasks(split)} == {"en", "th"}
    assert load(f"mgsm:{SHIPPED}", options={"languages": ["th", "en"]}) == both
    assert any("not the published split" in note for note in both.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": "en,xx"}, "no language 'xx'; there are bn, de, en"),
        ({"languages": "fr"}, "mgsm_fr.tsv: No such file or directory; check the folder"),
        ({"split": "mine"}, "no split 'mine'"),
        ({"shots": 8}, "no option 'shots'"),
    ],
)
def test_a_wrong_option_is_named(options: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        load(f"mgsm:{SHIPPED}", options=options)


@pytest.mark.parametrize("line", ["no tab 5", "Question?\tfive", "Question?\t1.5", "\t5"])
def test_a_malformed_line_is_named(tmp_path: Path, line: str):
    (tmp_path / "mgsm_en.tsv").write_text(f"One?\t1\n{line}\n")
    with pytest.raises(
        ConfigError, match=r"mgsm_en.tsv:2: not a question, a tab and a whole number"
    ):
        load(f"mgsm:{tmp_path}")


def test_an_empty_folder_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"no mgsm_en.tsv or other language in it"):
        load(f"mgsm:{tmp_path}")


def test_the_hub_is_asked_where_no_folder_is_given(monkeypatch: pytest.MonkeyPatch):
    def load_dataset(name: str, language: str, split: str) -> list[dict[str, object]]:
        assert (name, split) == ("juletxara/mgsm", "test")
        return [{"question": f"{language} {n}?", "answer_number": n} for n in range(9)]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    domain = load("mgsm", options={"languages": "en,sw"})
    assert sum(len(domain.tasks(split)) for split in Split) == 18


def test_without_the_hub_the_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"mgsm:DIR, or pip install 'metasearch\[hf\]'"):
        load("mgsm")

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("no route to the hub")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=refuse))
    with pytest.raises(ConfigError, match="no route to the hub; give the folder"):
        load("mgsm")
