from __future__ import annotations

import numpy as np

from metasearch.search.race import hopeless


def scores(*values: float) -> dict[str, float]:
    return {f"t{number}": value for number, value in enumerate(values)}


def test_ten_losses_stop_a_design_and_ten_ties_do_not() -> None:
    best = scores(*[1.0] * 10)
    assert hopeless(scores(*[0.0] * 10), best)
    assert not hopeless(best, best)


def test_only_common_tasks_count() -> None:
    assert not hopeless(scores(0, 0, 0, 0), {"other": 1.0})
    assert not hopeless({}, scores(1, 1))


def test_one_loss_among_few_tasks_is_not_enough() -> None:
    assert not hopeless(scores(0, 1, 1), scores(1, 1, 1))


def test_a_design_as_good_as_the_best_is_rarely_stopped() -> None:
    rng = np.random.default_rng(7)
    stopped = 0
    for _ in range(2_000):
        easy = rng.uniform(size=10)
        one = dict(enumerate((rng.uniform(size=10) < easy).astype(float)))
        two = dict(enumerate((rng.uniform(size=10) < easy).astype(float)))
        stopped += hopeless(
            {str(k): v for k, v in one.items()}, {str(k): v for k, v in two.items()}
        )
    # The rule allows 10 %; three standard errors of 2,000 draws are 2 points.
    assert stopped / 2_000 < 0.12
