"""The utility of the PhysioNet/CinC Challenge 2019: early warnings earn, late and false ones cost. Source: Reyna et al., Crit Care Med 2020;48:210."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

EARLY_H: Final = -12
OPTIMAL_H: Final = -6
LATE_H: Final = 3
MAX_TRUE: Final = 1.0
MIN_MISSED: Final = -2.0
FALSE: Final = -0.05
LABEL_LEAD_H: Final = 6
"""Labels are 1 from six hours before the onset of sepsis."""

Floats = npt.NDArray[np.float64]


def gains(labels: Sequence[float] | Floats, hours: int) -> tuple[Floats, Floats]:
    """What an alarm and what silence earn at each hour of one patient: two vectors (T,)."""
    alarm, silence = np.full(hours, FALSE), np.zeros(hours)
    positive = np.asarray(labels) > 0
    if not positive.any():
        return alarm, silence
    onset = int(np.argmax(positive)) + LABEL_LEAD_H
    for hour in range(hours):
        lead = hour - onset
        if lead > LATE_H:
            alarm[hour] = silence[hour] = 0.0
            continue
        if lead <= OPTIMAL_H:
            alarm[hour] = max(FALSE, MAX_TRUE * (lead - EARLY_H) / (OPTIMAL_H - EARLY_H))
        else:
            alarm[hour] = MAX_TRUE * (LATE_H - lead) / (LATE_H - OPTIMAL_H)
            silence[hour] = MIN_MISSED * (lead - OPTIMAL_H) / (LATE_H - OPTIMAL_H)
    return alarm, silence


def utility(labels: Sequence[float], alarms: Sequence[int]) -> float:
    """What one patient's alarms (0 or 1 an hour) earn, not normalised.

    >>> septic = [0] * 20 + [1] * 10
    >>> [round(utility(septic, alarms), 3) for alarms in ([1] * 30, [0] * 30, septic)], round(utility([0] * 24, [1] * 24), 3)
    ([6.8, -10.0, 5.0], -1.2)
    """
    alarm, silence = gains(labels, len(alarms))
    return float(np.where(np.asarray(alarms) > 0, alarm, silence).sum())


def best(labels: Sequence[float] | Floats) -> float:
    """What the best possible alarms earn: on from 12 hours before onset to 3 hours after."""
    positive = np.asarray(labels) > 0
    if not positive.any():
        return 0.0
    onset = int(np.argmax(positive)) + LABEL_LEAD_H
    alarm, silence = gains(labels, len(labels))
    first, after = max(0, onset + EARLY_H), min(onset + LATE_H + 1, len(labels))
    return float(alarm[first:after].sum() + silence[:first].sum() + silence[after:].sum())


def normalised(patients: Sequence[tuple[Sequence[float], Sequence[int]]]) -> float:
    """The challenge's figure over a cohort of (labels, alarms): 1 is the best possible, 0 is never to alarm."""
    observed = sum(utility(labels, alarms) for labels, alarms in patients)
    silent = sum(utility(labels, [0] * len(labels)) for labels, _ in patients)
    highest = sum(best(labels) for labels, _ in patients)
    return (observed - silent) / (highest - silent) if highest > silent else 0.0
