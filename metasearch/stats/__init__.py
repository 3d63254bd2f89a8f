"""How sure a score is, and whether one design is better than another. numpy only.

The unit is always the task: scores of repeats are averaged before they come here, because two
answers to one question are not two pieces of evidence.
"""

from __future__ import annotations

from metasearch.stats.betting import (
    ConfidenceSequence,
    anytime_p,
    better_than_all,
    confidence_sequence,
    e_benjamini_hochberg,
    evidence,
    worse_than_some,
)
from metasearch.stats.clusters import Clustered, clustered_interval, student_t
from metasearch.stats.intervals import (
    bootstrap_mean,
    is_graded,
    paired_difference,
    score_interval,
    wilson,
)
from metasearch.stats.lineage import Promise, promise
from metasearch.stats.multiplicity import corrected, holm, max_t
from metasearch.stats.paired import (
    Wins,
    detectable_difference,
    detectable_shift,
    mcnemar,
    probability_better,
    tasks_needed,
    wins_and_losses,
)
from metasearch.stats.scores import Estimate
from metasearch.stats.winner import Shrunk, WinnerScore, design_noise, shrunk, winner_score

__all__ = [
    "Clustered",
    "ConfidenceSequence",
    "Estimate",
    "Promise",
    "Shrunk",
    "WinnerScore",
    "Wins",
    "anytime_p",
    "better_than_all",
    "bootstrap_mean",
    "clustered_interval",
    "confidence_sequence",
    "corrected",
    "design_noise",
    "detectable_difference",
    "detectable_shift",
    "e_benjamini_hochberg",
    "evidence",
    "holm",
    "is_graded",
    "max_t",
    "mcnemar",
    "paired_difference",
    "probability_better",
    "promise",
    "score_interval",
    "shrunk",
    "student_t",
    "tasks_needed",
    "wilson",
    "winner_score",
    "wins_and_losses",
    "worse_than_some",
]
