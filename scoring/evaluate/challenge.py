"""The challenge's utility over rows, and on every draw of patients at once. Source: Reyna et al., Crit Care Med 2020;48:210."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scoring.evaluate.bootstrap import Draws, ratio
from scoring.evaluate.rows import Floats, Rows
from scoring.evaluate.utility import best, gains


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What there is to earn: (N,) with an alarm and without one, and (P,) at best."""

    alarm: Floats
    silence: Floats
    best: Floats


def stakes(rows: Rows) -> Stakes:
    """Of a cohort whose rows are hours and whose labels are the challenge's, each known."""
    edges = np.searchsorted(rows.patient, np.arange(rows.patients + 1))
    labels = [rows.label[start:end] for start, end in pairwise(edges)]
    earned = [gains(one, len(one)) for one in labels]
    return Stakes(
        alarm=np.concatenate([alarm for alarm, _ in earned]),
        silence=np.concatenate([silence for _, silence in earned]),
        best=np.array([best(one) for one in labels]),
    )


def utility(rows: Rows, stake: Stakes, score: str, threshold: float, draws: Draws) -> Floats:
    """(1 + B,) normalised: 1 is the best possible, 0 is never to alarm. An alarm is on wherever the score reaches the threshold."""
    observed = np.where(rows.ranking(score) >= threshold, stake.alarm, stake.silence)
    sums = draws.sums(np.stack([rows.per_patient(observed), rows.per_patient(stake.silence), stake.best], axis=1))
    earned, silent, highest = sums.T
    return ratio(earned - silent, highest - silent)
