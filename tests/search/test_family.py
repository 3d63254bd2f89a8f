"""The 32 societies and strategies of MachineSoM are designs that can be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasearch.errors import ConfigError
from metasearch.search.checks import check
from metasearch.search.family import SOCIETIES, STRATEGIES, som
from metasearch.search.seeds import seeds


def test_there_are_four_societies_and_eight_strategies_all_different() -> None:
    found = som("som")
    assert len(found) == len({design.id for design in found}) == 32
    assert {design.name for design in found} == {
        f"som_{society}_{strategy}" for society in SOCIETIES for strategy in STRATEGIES
    }
    assert len(som("som:S3")) == 8
    for design in found[::5]:
        assert check(design.source).accepted
        assert design.source.startswith(f'"""{design.idea}\n')


def test_a_name_says_traits_and_rounds() -> None:
    [design] = som("som:S2/p0p1p1")
    assert 'TRAITS = ("overconfident", "overconfident", "easy-going")\n' in design.source
    assert 'PATTERN = ("debate", "reflect", "reflect")\n' in design.source
    [large] = som("som:7o3e/p1")
    assert 'PATTERN = ("reflect",)\n' in large.source
    assert large.source.count('"overconfident"') == 7 + 1
    assert check(large.source).accepted


def test_a_search_starts_from_a_family_as_from_a_folder(tmp_path: Path) -> None:
    assert [design.name for design in seeds(Path("som:S4/p0p0p0"))] == ["som_S4_p0p0p0"]


@pytest.mark.parametrize("name", ["som:S5", "som:S1/p2", "som:9o9e", "som:0o1e", "som:S1/p0p"])
def test_what_means_nothing_is_refused_with_what_would(name: str) -> None:
    with pytest.raises(ConfigError, match="2o3e"):
        som(name)
