"""The simulator: its truth is as it says, and the real search's rules decide in it."""

from __future__ import annotations

import numpy as np
import pytest

from metasearch.search import race
from metasearch.search.selector import Clades
from metasearch.testing import simulator
from metasearch.testing.simulator import Outcome, Rules, World, search
from tests.benchmarks.simulated import settings

SMALL = World(validation=40, test=40)


def rules(**changes: object) -> Rules:
    return Rules(settings(designs=12, **changes), Clades())


def test_a_seed_decides_everything() -> None:
    one, two, other = (search(SMALL, rules(), seed) for seed in (3, 3, 4))
    assert [made.scores for made in one.made] == [made.scores for made in two.made]
    assert one.winner.number == two.winner.number
    assert [made.scores for made in one.made] != [made.scores for made in other.made]


def test_equal_designs_are_equal_on_every_task() -> None:
    found = search(SMALL, rules(), 1, children=False)
    first = found.made[0].chances
    assert all((made.chances == first).all() for made in found.made)


def test_racing_meets_the_same_designs_for_less_and_the_stopped_cannot_win() -> None:
    def run(**changes: object) -> Outcome:
        return search(World(200, 0), Rules(settings(**changes)), 5)

    raced, full = run(), run(stages=("all",))
    assert [one.lineage.quality for one in raced.made] == [one.lineage.quality for one in full.made]
    assert full.evaluations == 43 * 200
    assert raced.evaluations < 0.6 * full.evaluations
    assert all(one.whole == (len(one.scores) == 200) for one in raced.made)
    assert raced.winner.whole


def test_the_real_rule_of_the_race_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vars(simulator)["hopeless"] is race.hopeless
    monkeypatch.setattr(simulator, "hopeless", lambda *_, **__: False)
    assert search(SMALL, rules(), 2).evaluations == 15 * 40


def test_a_design_is_worth_its_chances_in_the_long_run() -> None:
    found = search(SMALL, rules(repeats=900, final_repeats=900, stages=("all",)), 6)
    for one in found.made:
        assert one.mean() == pytest.approx(float(one.chances[:40].mean()), abs=0.02)
    fresh = np.mean(list(found.fresh[0].values()))
    assert fresh == pytest.approx(float(found.winner.chances[:40].mean()), abs=0.02)
    best = max(float(one.chances[:40].mean()) for one in found.made)
    assert float(found.winner.chances[:40].mean()) > best - 0.03


def test_a_much_better_design_is_claimed_to_be_better_and_an_equal_one_is_not() -> None:
    strong = World(validation=150, test=150, step=1.0, drift=1.0)
    assert search(strong, rules(), 1).claims
    assert not search(SMALL, rules(), 1, children=False).claims


@pytest.mark.parametrize(
    "world",
    [World(30, 0, step=0.05, fertility=0.0), World(20, 0), World(30, 0, drift=-0.5)],
    ids=["nothing to learn", "few tasks", "bad drafts"],
)
def test_who_learns_is_not_worse_than_who_does_not_where_there_is_little_to_learn(
    world: World,
) -> None:
    gains = []
    for seed in range(10):
        learnt, alone = (
            search(world, Rules(settings(designs=20), chooser), seed).winner.chances.mean()
            for chooser in (Clades(), None)
        )
        gains.append(100 * float(learnt - alone))
    error = float(np.std(gains, ddof=1)) / len(gains) ** 0.5
    assert np.mean(gains) > -1.0 - error  # points
