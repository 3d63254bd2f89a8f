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
from metasearch.stats.intervals import bootstrap_mean, paired_difference, score_interval, wilson
from metasearch.stats.multiplicity import holm
from metasearch.stats.paired import Wins, mcnemar, tasks_needed, wins_and_losses
from metasearch.stats.scores import Estimate

__all__ = [
    "ConfidenceSequence",
    "Estimate",
    "Wins",
    "anytime_p",
    "better_than_all",
    "bootstrap_mean",
    "confidence_sequence",
    "e_benjamini_hochberg",
    "evidence",
    "holm",
    "mcnemar",
    "paired_difference",
    "score_interval",
    "tasks_needed",
    "wilson",
    "wins_and_losses",
    "worse_than_some",
]
